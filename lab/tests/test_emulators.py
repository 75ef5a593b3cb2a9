# SPDX-License-Identifier: Apache-2.0
"""The same kernel and module on several QEMUs: the same figures to the digit.

KMAPBENCH_QEMUS names them: paths of qemu-system-x86_64, with a colon between two. One that runs
in a chroot (a script that execs chroot) needs the cache, the build and TMPDIR below the same paths.
"""

import json
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.kernels import variants
from lab.run import runner
from lab.tests.support.cases import CASES, EXACT, FROM_USER_SPACE, MEASURED, writes_a_pair
from lab.tests.support.records import of_cases

QEMUS = [Path(name) for name in os.environ.get("KMAPBENCH_QEMUS", "").split(":") if name]

pytestmark = [
    pytest.mark.all,
    pytest.mark.skipif(len(QEMUS) < 2, reason="KMAPBENCH_QEMUS names no two QEMUs to compare"),
]

# A CPU that every QEMU since 7.2 emulates whole, and what cases need beside; docs/emulators.md says
# what each word is for. enforce: a QEMU that lacks a feature ends, and does not leave it out.
MODEL = ["Westmere-v1", "enforce", "vendor=AuthenticAMD", "level=13"]
FEATURES = [
    *("pks", "pku", "xsave", "xsaveopt", "xgetbv1", "avx"),
    *("rdtscp", "erms", "smep", "smap", "fsgsbase", "pdpe1gb"),
]
NAMED_CPU = ",".join([*MODEL, *(f"+{feature}" for feature in FEATURES)])

# With "max", what a QEMU has decides what a kernel does, but not what a body or a register costs.
SAME_WITH_MAX = [case for case in EXACT if case.startswith(("kernel/", "model/", "msr/"))]

FIGURES = ("status", "cost", "cost_shifted", "empty", "samples", "shifted_samples", "empty_samples")

BOOT_SECONDS = 3600  # of CPU: a slow machine is no failure

Boots = dict[Path, tuple[dict[str, dict], dict[str, dict]]]


def measure(qemu: Path, cpu: str, folder: Path) -> tuple[dict[str, dict], dict[str, dict]]:
    """Records and paths of a boot, by case."""
    first = folder / "bin" / "qemu-system-x86_64"
    first.parent.mkdir(parents=True)
    first.write_text(f'#!/bin/sh\nexec {qemu} "$@"\n')
    first.chmod(0o755)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(subprocesses, "_SEARCH", f"{first.parent}:{subprocesses._SEARCH}")
        variant = replace(variants.find("stock"), cpu=cpu, limit_seconds=BOOT_SECONDS)
        plan = runner.Plan([variant], 1, 1, "micro", None, "all", folder / "campaign", [])
        assert runner.run(plan) == 0
    boot = folder / "campaign" / "stock" / "boot-01"
    records = {record["case"]: record for record in of_cases(boot / "micro.jsonl")}
    paths = map(json.loads, (boot / "path.jsonl").read_text().splitlines())
    return records, {path["case"]: path for path in paths}


def measured_on_all(cpu: str, tmp_path_factory) -> Boots:
    return {qemu: measure(qemu, cpu, tmp_path_factory.mktemp("emulator")) for qemu in QEMUS}


@pytest.fixture(scope="module")
def named(tmp_path_factory) -> Boots:
    return measured_on_all(NAMED_CPU, tmp_path_factory)


@pytest.fixture(scope="module")
def largest(tmp_path_factory) -> Boots:
    return measured_on_all("max", tmp_path_factory)


def differing(boots: Boots, cases: list[str]) -> list[str]:
    """Cases of which two QEMUs say different things, with what each says."""
    found = []
    for case in cases:
        one_case = [records[case] for records, _ in boots.values()]
        figures = [{name: record.get(name) for name in FIGURES} for record in one_case]
        names = [name for name in FIGURES if any(one[name] != figures[0][name] for one in figures)]
        if names:
            found.append(f"{case}: {names[0]}: {[one[names[0]] for one in figures]!s:.120}")
    return found


def test_with_one_named_cpu_all_cases_agree(named):
    assert all(set(records) == set(CASES) for records, _ in named.values())
    assert differing(named, EXACT) == []
    statuses = [[records[case]["status"] for case in CASES] for records, _ in named.values()]
    assert all(one == statuses[0] for one in statuses)


def test_with_max_what_is_the_paths_own_agrees(largest):
    assert differing(largest, SAME_WITH_MAX) == []


@pytest.mark.parametrize("cpu", ["named", "largest"])
def test_the_observer_agrees_with_the_clock_on_each(request, cpu):
    for records, paths in request.getfixturevalue(cpu).values():
        for case in MEASURED:
            record, path = records[case], paths[case]
            assert Fraction(path["wrmsr"], path["ops"]) == writes_a_pair(case), case
            counted = Fraction(path["instructions"] - path["empty_instructions"], path["ops"])
            n, twice = record["samples"][:2]
            empty_n, empty_twice = record["empty_samples"][:2]
            assert Fraction((twice - n) - (empty_twice - empty_n), path["ops"]) == counted, case


def test_the_observer_saw_the_same_calls_on_each(named):
    """Who called whom is from the memory that calls and returns access."""
    for case in (case for case in EXACT if case not in FROM_USER_SPACE):
        functions = [paths[case]["functions"] for _, paths in named.values()]
        assert all(one == functions[0] for one in functions), case
