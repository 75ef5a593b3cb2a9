# SPDX-License-Identifier: Apache-2.0
"""The figure of a case on one kernel of a search: found once, and kept.

It is measured in a boot or counted in the code (lab/trace/static_tier.py). In the code static
keys are as they were compiled, and a case that is no straight line has no figure.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.bisect.static_source import StaticSource
from lab.campaign import safe_files
from lab.core.errors import Interrupted, KmapbenchError
from lab.kernels.variant import Variant
from lab.run import runner
from lab.run.plan import Plan

# The variant that is booted, and the file that says that a kernel needs no second look.
NAME = "bisect"
_KEPT = "figure.json"

# What ends a build and is no matter of the kernel's source.
_OF_THE_MACHINE = ("No space left", "is missing: install", "packages that are missing")


class Search(Protocol):
    """What is asked of each kernel."""

    @property
    def case(self) -> str:
        """Whose instructions."""

    @property
    def static(self) -> bool:
        """Whether they are counted in the code, and no kernel is built."""

    @property
    def given(self) -> list[str]:
        """The command line."""


@dataclass(frozen=True)
class Figure:
    """What a kernel has: a cost, or why there is none."""

    kernel: str  # a commit, or how many patches of a series
    cost: float | None  # instructions an operation
    why: str  # it cannot be measured
    functions: dict[str, float]  # instructions an operation, by the chain of calls


def differences(before: Figure, after: Figure) -> list[str]:
    """The functions in which two kernels differ, a line each."""
    lines = []
    for chain in sorted({*before.functions, *after.functions}):
        old, new = before.functions.get(chain, 0), after.functions.get(chain, 0)
        if old != new:
            lines.append(f"  {chain}: {old:g} -> {new:g} ({new - old:+g})")
    return lines


def find(
    search: Search,
    kernel: str,
    variant: Variant,
    folder: Path,
    run: Callable[[Plan], list[str]] = runner.measure,
    source: StaticSource | None = None,
) -> Figure:
    """The figure of a kernel, from its folder or found now.

    source: what is counted in, where the search counts in the code.

    A KmapbenchError where this machine cannot measure any kernel, or figures are not exact.
    """
    kept = folder / _KEPT
    if kept.is_file():
        return Figure(**json.loads(kept.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        if search.static:
            figure = _count(search, kernel, variant, source or StaticSource())
        else:
            figure = _boot(search, kernel, variant, folder / "campaign", run)
    except Interrupted:
        raise
    except KmapbenchError as error:
        if any(words in str(error) for words in _OF_THE_MACHINE) or isinstance(error, _NotExact):
            raise
        return Figure(kernel, None, str(error), {})
    if figure.cost is not None:  # else it is tried again when the search goes on
        safe_files.write_json(kept, vars(figure))
    return figure


class _NotExact(KmapbenchError):
    """One boot a kernel says nothing."""


def _count(search: Search, kernel: str, variant: Variant, source: StaticSource) -> Figure:
    assert variant.image is not None  # the plan has seen to that
    with source:
        counted, functions = source.count(variant.image, search.case)
    if counted.cost is None:
        return Figure(kernel, None, f"{search.case}: {counted.why}; a boot would say", {})
    named = {" > ".join(chain): float(number) for chain, number in functions.items()}
    return Figure(kernel, float(counted.cost), "", named)


def _boot(
    search: Search,
    kernel: str,
    variant: Variant,
    campaign: Path,
    run: Callable[[Plan], list[str]],
) -> Figure:
    plan = Plan([variant], 1, 1, "micro", None, search.case, campaign, search.given)
    problems = run(plan)
    boot = campaign / variant.name / "boot-01"
    records = [
        row for row in safe_files.read_lines(boot / "micro.jsonl") if row["case"] == search.case
    ]
    if not records or records[0]["status"] != "ok":
        reason = records[0].get("reason", records[0]["status"]) if records else "no record of it"
        why = problems[0] if problems else f"{search.case}: {reason}"
        return Figure(kernel, None, why, {})
    if not records[0]["exact"]:
        raise _NotExact(
            f"{search.case}: samples of one boot differ, and bisect goes by figures that are"
            " exact: ./kmapbench run says which are"
        )
    functions: dict[str, float] = {}
    for row in safe_files.read_lines(boot / "path.jsonl"):
        if row["case"] == search.case:
            for one in row["functions"]:
                chain = " > ".join(one["chain"])
                functions[chain] = functions.get(chain, 0) + one["instructions"] / row["ops"]
    return Figure(kernel, records[0]["cost"], "", functions)
