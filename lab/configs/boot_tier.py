# SPDX-License-Identifier: Apache-2.0
"""What a configuration costs where only a boot says it: a kernel is built, booted, and measured."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lab.campaign import safe_files
from lab.core.dirs import cache_dir
from lab.core.errors import KmapbenchError
from lab.kernels import kernel_cache
from lab.kernels.variant import Image, Variant
from lab.run import runner
from lab.run.plan import Plan

# The variant that is booted, whatever the configuration: so that kernels differ in that only.
NAME = "configs"

# The cases that are kept of each campaign, by the globs that --cases gets: a boot each.
EVENTS = (
    "elsewhere/irq/outside",
    "elsewhere/switch/same",
    "elsewhere/syscall",
    "elsewhere/user_fault",
    "elsewhere/fault/outside",
)
_BOOTS = {"pairs": "kernel/*/dram", "events": "elsewhere/*"}

# The case that goes through the table of places that may fault, and who looks there. How long that
# takes hangs on the whole kernel: how many such places it has, and where this one is among them.
FAULT = "elsewhere/fault/outside"
_SEARCH = ("search_exception_tables", "search_extable", "cmp_ex_search", "bsearch")


@dataclass(frozen=True)
class Measured:
    """A case of a boot."""

    cost: float | None  # instructions an operation
    exact: bool
    pkrs_writes: float | None
    search: float | None = None  # of the cost, in the table of places that may fault
    why: str = ""  # there is no cost


@dataclass(frozen=True)
class Booted:
    """A kernel that was booted."""

    cases: dict[str, Measured]
    code_bytes: int  # of all functions of the kernel


def variant_of(like: Variant, config: Path) -> Variant:
    """The kernel of a configuration, of the source of a variant and booted as it."""
    assert isinstance(like.image, Image)  # configs_plan has seen to that
    image = replace(
        like.image, name=NAME, variants=(NAME,), fragments=(), config=config, table=None
    )
    return replace(like, name=NAME, what=config.parent.name, image=image, table=None)


def measure(
    variant: Variant,
    folder: Path,
    given: list[str],
    cases: Iterable[str],
    run: Callable[[Plan], list[str]] = runner.measure,
) -> Booted:
    """Builds and boots a variant, and measures cases of _BOOTS.

    folder: gets the campaigns. A KmapbenchError where nothing can be measured.
    """
    found: dict[str, Measured] = {}
    for name, glob in _BOOTS.items():
        campaign = folder / name
        shutil.rmtree(campaign, ignore_errors=True)
        problems = run(Plan([variant], 1, 1, "micro", None, glob, campaign, given))
        boot = campaign / variant.name / "boot-01"
        records = safe_files.read_lines(boot / "micro.jsonl")
        if not any(record["status"] == "ok" for record in records):
            raise KmapbenchError(problems[0] if problems else f"{campaign}: no record")
        paths = {row["case"]: row for row in safe_files.read_lines(boot / "path.jsonl")}
        found |= {row["case"]: _measured(row, paths.get(row["case"])) for row in records}
    assert isinstance(variant.image, Image)
    built = kernel_cache.built(variant.image, cache_dir())
    if built is None:
        raise KmapbenchError(f"{variant.what}: its kernel is gone from the cache")
    kept = {case: found[case] for case in cases if case in found}
    return Booted(kept, kernel_cache.code_bytes(built))


def _measured(record: dict, path: dict | None) -> Measured:
    if record["status"] != "ok" or record["cost"] is None:
        return Measured(None, False, None, why=record.get("reason") or record["status"])
    search = None
    if path and record["case"] == FAULT:
        search = sum(
            function["instructions"] / path["ops"]
            for function in path["functions"]
            if set(function["chain"]) & set(_SEARCH)
        )
    return Measured(record["cost"], record["exact"], record.get("pkrs_writes"), search)
