# SPDX-License-Identifier: Apache-2.0
"""Our PKS kernel: what its own kmap path does on protected pages, and what it costs where nothing is protected."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from lab import console, ktap, module, run, variants
from lab.tests.conftest import KMAP_BENCH, quiet

pytestmark = pytest.mark.kernels

UNPATCHED = 5  # instructions of a pair; pks-facts.md
NOPS = 2  # of the static key, one a side
SEMANTICS = variants.FOLDER / "pks-tests"
IN_PMEM = (256 + 32) << 20  # in the middle of the first region, as run.PMEM_CMDLINE has it
KERNEL_PROTECTED = ("kernel/kmap_local/protected", "kernel/kmap_local/protected_nested")


def measured(folder: Path, *names: str) -> dict[str, dict[str, dict]]:
    """Records of one boot of each variant, default cases, by variant and case; paths are merged in."""
    plan = run.Plan([variants.find(name) for name in names], 1, 1, "micro", None, "default", folder, [])
    assert run.run(plan) == 0
    found: dict[str, dict[str, dict]] = {}
    for name in names:
        boot = folder / name / "boot-01"
        records = {record["case"]: record for record in map(json.loads, (boot / "micro.jsonl").read_text().splitlines())}
        for path in map(json.loads, (boot / "path.jsonl").read_text().splitlines()):
            records[path["case"]]["path"] = path
        found[name] = records
    return found


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("pks") / "campaign", "nocpu", "nopks", "idle", "protected")


def writes(record: dict) -> Fraction:
    return Fraction(record["path"]["wrmsr"], record["path"]["ops"])


def test_a_protected_page_is_opened_and_closed_by_the_kernels_own_path(campaign):
    outermost, nested = (campaign["protected"][case] for case in KERNEL_PROTECTED)
    assert outermost["oracle"] == nested["oracle"] == "held"
    assert outermost["status"] == nested["status"] == "ok"
    # counted from outside the guest
    assert (writes(outermost), writes(nested)) == (2, 0)
    assert writes(campaign["protected"]["kernel/kmap_local/dram"]) == 0


@pytest.mark.parametrize("variant", ["nocpu", "nopks", "idle"])
def test_where_nothing_is_protected_a_pair_costs_two_nops(campaign, variant):
    for page in ("dram", "devmap"):
        record = campaign[variant][f"kernel/kmap_local/{page}"]
        assert record["cost"] == UNPATCHED + NOPS and record["exact"]
    assert {campaign[variant][case]["status"] for case in KERNEL_PROTECTED} == {"skipped"}


def test_a_page_of_memory_pays_for_the_test_of_its_zone(campaign):
    """With any page protected, and less than as published (24 on a trimmed kernel, pks-facts.md)."""
    cost = campaign["protected"]["kernel/kmap_local/dram"]["cost"]
    assert UNPATCHED + NOPS < cost < 24


def test_the_protected_file_is_not_taken_for_an_unprotected_one(campaign):
    record = campaign["protected"]["kernel/kmap_local/devmap"]
    assert (record["status"], record["reason"]) == ("skipped", "the page that was given is protected")


@pytest.fixture(scope="module")
def prepared(cache, tmp_path_factory) -> run.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    return run.prepare(variants.find("protected"), None, KMAP_BENCH, cache, tmp_path_factory.mktemp("protected"), quiet)


def test_a_page_is_open_to_its_bracket_and_to_nothing_else(boot_job, prepared, cache):
    built = module.build(prepared.kernel, SEMANTICS, cache, quiet, "pks_test.ko")
    booted = boot_job(f"step pmem pmem\nstep semantics insmod /pks_test.ko phys={IN_PMEM:#x}\n", {"pks_test.ko": built}, cpus=2)
    report = ktap.parse("\n".join(console.lines(booted.console)))
    failed = "\n".join(f"{test.name}: {test.reason}" for test in report.of(ktap.Status.FAILED))
    assert not failed, failed
    assert report.passed and not report.of(ktap.Status.SKIPPED), report.problems
    assert booted.outcome.problem is None
