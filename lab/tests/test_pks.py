# SPDX-License-Identifier: Apache-2.0
"""Our PKS kernel: what its own kmap path costs on protected pages, and where nothing is protected."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from lab import run, variants

pytestmark = pytest.mark.kernels

UNPATCHED = 5  # instructions of a pair; pks-facts.md
NOPS = 2  # of the static key, one a side
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


def test_the_writes_are_where_the_series_has_them(campaign):
    functions = campaign["protected"]["kernel/kmap_local/protected"]["path"]["functions"]
    ops = campaign["protected"]["kernel/kmap_local/protected"]["path"]["ops"]
    writing = {function["chain"][-1]: function["wrmsr"] / ops for function in functions if function["wrmsr"]}
    assert writing == {"pks_open_pgmap": 1, "pks_close_pgmap": 1}


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
