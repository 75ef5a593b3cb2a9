# SPDX-License-Identifier: Apache-2.0
"""kmap_bench on this machine, launch by launch: what it leaves, and what it fails to leave."""

import json
import os
from pathlib import Path

import pytest

from lab.campaign import bare_record, store
from lab.core.bench_command import BenchCommand
from lab.core.errors import KmapbenchError
from lab.host import bench_program
from lab.host.bench_program import Place
from lab.host.machine_state import Watch
from lab.tests.conftest import KMAP_BENCH
from lab.tests.support.one_boot import HEADER

pytestmark = pytest.mark.program

# Writes the records that it finds beside it to where kmap_bench would, and ends as told there.
STAND_IN = """#!/bin/sh
for word; do
    case "$word" in
    --kmapbench_records=*) cat {folder}/records >"${{word#*=}}" ;;
    --kmapbench_environment=*) cp {folder}/environment "${{word#*=}}" ;;
    --benchmark_out=*) cp {folder}/out "${{word#*=}}" ;;
    esac
done
echo "kmap_bench: kernel/b: Device or resource busy" >&2
exit "$(cat {folder}/code)"
"""


@pytest.fixture(name="boot")
def begin_boot(tmp_path):
    return store.Campaign.begin(tmp_path / "campaign", HEADER).begin_boot("plain", 2)


class StandIn:
    """A program that leaves these records, and ends with this code."""

    def __init__(self, folder: Path, records: list[dict], code: int):
        self.path = folder / "kmap_bench"
        self.path.write_text(STAND_IN.format(folder=folder))
        self.path.chmod(0o755)
        (folder / "records").write_text("".join(f"{json.dumps(one)}\n" for one in records))
        (folder / "out").write_text('{"context": {}, "benchmarks": []}')
        (folder / "environment").write_text("{}")
        (folder / "code").write_text(str(code))


def a_record(case: str, **fields) -> dict:
    return bare_record.record_without_samples(case, "plain", 2, "tsc", ops=1, **fields)


def measure(boot: store.Boot, program: Path, names: list[str]) -> None:
    bench_program.measure(boot, [(BenchCommand(program, names=names), 1)])


OK = {"status": "ok", "cost": 1.0}
FLAGGED = {"status": "flagged", "cost": None, "reason": "Device or resource busy"}


@pytest.mark.parametrize(
    ("records", "code", "why"),
    [
        ([a_record("kernel/a", **OK)], 1, "kernel/b: Device or resource busy"),
        ([a_record("kernel/a", **OK)], 0, "left no record of kernel/b"),
        ([a_record("kernel/a", **FLAGGED)], 1, "left no record of kernel/b"),
        ([a_record(f"kernel/{one}", **OK) for one in "ab"], 1, "Device or resource busy"),
        ([a_record(f"kernel/{one}", **FLAGGED) for one in "ab"], 2, "Device or resource busy"),
    ],
)
def test_a_case_that_is_lost_is_no_good_launch(boot, tmp_path, records, code, why):
    program = StandIn(tmp_path, records, code)
    with pytest.raises(KmapbenchError, match=why):
        measure(boot, program.path, ["kernel/a", "kernel/b"])
    assert [record["case"] for record in boot.records] == [record["case"] for record in records]


@pytest.mark.parametrize("file", ["out", "environment"])
@pytest.mark.parametrize("text", ["", '{"context": {'])
def test_a_disk_that_is_full_is_said_to_be(boot, tmp_path, file, text):
    program = StandIn(tmp_path, [a_record("kernel/a", **OK)], 0)
    (tmp_path / file).write_text(text)
    with pytest.raises(KmapbenchError, match="wrote no whole file to .*, which may be full"):
        measure(boot, program.path, ["kernel/a"])
    assert [record["case"] for record in boot.records] == ["kernel/a"]


def test_models_with_threads_run_outside_of_the_cpu_that_measures(boot):
    """On one CPU there is no such model: it would be left out, and nothing said."""
    names = [f"user/kmap_local_slim/dram/{one}" for one in ("alone", "threads2")]
    place = Place(wrapper=("taskset", "-c", "0"), cpus=[0], watch=Watch(cpus=[0]))
    command = BenchCommand(KMAP_BENCH, names=names, repetitions=1, samples=3)
    bench_program.measure(boot, [(command, 2)], place=place)
    made = [record for record in boot.records if "known" not in record]
    assert sorted((record["case"], record["launch"]) for record in made) == sorted(
        (name, launch) for name in names for launch in (1, 2)
    )
    environment = json.loads((boot.folder / "environment.json").read_text())
    assert environment["conditions"]["cpus"] == sorted(os.sched_getaffinity(0))
