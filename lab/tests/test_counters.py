# SPDX-License-Identifier: Apache-2.0
"""Counters of real records: in a guest without a PMU, and on this machine."""


from lab.core.subprocesses import output
from lab.tests.conftest import KMAP_BENCH
from lab.tests.support.cases import FROM_USER_SPACE, NMIS, SWITCHES
from lab.tests.support.records import of_cases

SOFTWARE = {"task-clock", "page-faults", "context-switches", "cpu-migrations"}
HARDWARE = {"instructions:k", "instructions:u", "cycles:k", "cycles:u"}


def test_a_guest_counts_what_needs_no_pmu_and_says_so_of_the_rest(three_boots):
    records = [
        record
        for record in of_cases(three_boots / "stock" / "boot-01" / "micro.jsonl")
        if record["status"] == "ok"
    ]
    # The kernel puts a thread's events away and back at each switch, each NMI asks for them, and
    # another process has none: these are measured without.
    without = [*SWITCHES, *NMIS, *FROM_USER_SPACE]
    assert {record["case"] for record in records} >= set(without)
    assert all(record["counters"] == {} for record in records if record["case"] in without)
    measured = [record for record in records if record["case"] not in without]
    assert measured
    for record in measured:
        counters = record["counters"]
        assert set(counters) == SOFTWARE | HARDWARE
        assert all(
            counters[name]["state"] == "no_pmu" and "no PMU" in counters[name]["unavailable"]
            for name in HARDWARE
        )
        assert all(counters[name]["state"] == "counted" for name in SOFTWARE)
        assert all(counters[name]["enabled"] == counters[name]["running"] > 0 for name in SOFTWARE)
        # One thread on one CPU, with its pages there before.
        assert counters["cpu-migrations"]["value"] == 0
        assert 0 < counters["task-clock"]["value"] <= counters["task-clock"]["enabled"]


def test_names_come_from_the_command_line(tmp_path):
    records = tmp_path / "records"
    command = [
        KMAP_BENCH,
        "--benchmark_filter=^user/known/adds13/",
        "--kmapbench_cases=all",
        "--kmapbench_samples=31",
        "--kmapbench_repetitions=1",
    ]
    output(
        [
            *command,
            f"--kmapbench_records={records}",
            "--kmapbench_counters=page-faults:u,no-such-event",
        ]
    )
    output([*command, f"--kmapbench_records={records}", "--kmapbench_counters="])
    named, none = of_cases(records)
    assert list(named["counters"]) == ["page-faults:u", "no-such-event"]
    assert "libpfm4 does not know it" in named["counters"]["no-such-event"]["unavailable"]
    assert none["counters"] == {}
