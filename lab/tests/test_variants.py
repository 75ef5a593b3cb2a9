# SPDX-License-Identifier: Apache-2.0
"""The kernels of variants.toml, built and booted for real: minutes where they are not in the cache.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.kernels import debian_kernels, kconfig, kernel_cache, source_build, variants
from lab.run import runner
from lab.tests.conftest import quiet
from lab.tests.support.cases import DEFAULT_CASES, INEXACT, SKIPPED
from lab.tests.support.records import of_cases
from lab.vm import image

PLAIN = variants.find("plain")


@pytest.fixture(scope="module")
def plain(cache) -> debian_kernels.KernelTree:
    return source_build.fetch(PLAIN.image, cache, quiet)


def test_kernels_that_are_compared_have_the_same_devices():
    """But for the one that is there for them. Else all comparisons with it are refused."""
    table = variants.load()
    regions = {}
    for name, variant in table.items():
        if baseline := variants.baseline(variant, list(table.values())):
            regions[name] = (variant.regions, table[baseline].regions)
    assert regions.pop("protected-two") == (2, 1)
    assert "protected" in regions and all(own == other for own, other in regions.values())


def measured(folder: Path, names: list[str], boots: int) -> list[dict]:
    """Records of a campaign that went well: no boot crashed, no oracle failed, no splat."""
    assert (
        runner.run(
            runner.Plan(
                [variants.find(name) for name in names],
                boots,
                1,
                "micro",
                None,
                "default",
                folder,
                [],
            )
        )
        == 0
    )
    return [record for path in sorted(folder.glob("*/*/micro.jsonl")) for record in of_cases(path)]


@pytest.mark.kernels
def test_a_kernel_of_ours_has_built_in_what_the_lab_needs(plain):
    assert debian_kernels.needed_modules(plain, image.GUEST_MODULES, image.OPTIONAL_MODULES) == []
    assert (
        kconfig.broken(
            [(path.name, path.read_text()) for path in PLAIN.image.fragments],
            plain.config.read_text(),
        )
        == []
    )
    symbols = subprocesses.output([subprocesses.find("nm", "binutils"), plain.vmlinux])
    assert re.search(r"^[0-9a-f]{16} T __switch_to_asm$", symbols, re.MULTILINE)


@pytest.mark.kernels
def test_a_symbol_whose_dependencies_are_missing_is_named(cache, tmp_path):
    """By the kernel's own kconfig."""
    (tmp_path / "more.config").write_text("CONFIG_X86_X2APIC=y\n")
    wanting = replace(
        PLAIN.image, name="wanting", fragments=(*PLAIN.image.fragments, tmp_path / "more.config")
    )
    with pytest.raises(KmapbenchError) as error:
        source_build.fetch(wanting, cache, quiet)
    said = re.fullmatch(
        r"plain: CONFIG_X86_X2APIC is n, and more\.config asks for y; see (\S+)", str(error.value)
    )
    assert said, error.value
    Path(said[1]).unlink()
    assert kernel_cache.built(wanting, cache) is None


# Straight code, and none of it out of line, where kernels may be built with or without tracing
# hooks.
SAME_EVERYWHERE = [
    "empty",
    "kernel/kmap_local/dram",
    "model/kmap_local/key_off",
    "model/kmap_local_slim/key_off",
    "msr/wrpkrs/toggle",
]


@pytest.mark.kernels
def test_the_trimmed_kernel_has_the_distributions_path(plain, tmp_path):
    """Stock and plain, two boots each: the path that is compared costs the same on both, to the
    digit.
    """
    records = measured(tmp_path / "campaign", ["stock", "plain"], 2)
    states = {
        (record["status"], record["exact"]) for record in records if record["case"] not in INEXACT
    }
    assert states == {("ok", True), ("skipped", False)}
    assert {record["case"] for record in records if record["status"] == "skipped"} == set(
        DEFAULT_CASES
    ) & set(SKIPPED)
    for case in SAME_EVERYWHERE:
        costs = [
            (record["variant"], record["cost"]) for record in records if record["case"] == case
        ]
        assert len(costs) == 4 and len({cost for _, cost in costs}) == 1, (case, costs)
    assert {
        record["oracle"]
        for record in records
        if "/protected" in record["case"] and record["status"] == "ok"
    } == {"held"}


@pytest.mark.all
def test_the_series_changes_no_function_where_its_symbol_is_off(cache):
    """Beyond its preparatory patches: each function of the one kernel is at its address in the
    other, and as long. How gcc calls a copy that it has specialised is no difference.
    """
    both = []
    for name in ("off", "prep"):
        kernel = variants.find(name).image
        source_build.fetch(kernel, cache, quiet)
        both.append(
            [
                (address, size, re.sub(r"\.(constprop|isra|part|cold)\.\d+|\.cold", "", function))
                for address, size, function in kernel_cache.functions(
                    kernel_cache.built(kernel, cache)
                )
            ]
        )
    off, prep = both
    assert len(off) > 10_000
    assert [pair for pair in zip(off, prep, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.all
def test_the_debug_kernel_has_nothing_to_complain_of(tmp_path):
    records = measured(tmp_path / "campaign", ["debug"], 1)
    assert {
        record["oracle"]
        for record in records
        if "/protected" in record["case"] and record["status"] == "ok"
    } == {"held"}
