# SPDX-License-Identifier: Apache-2.0
"""The module on a machine that goes on living: callers that die, CPUs that go, a kernel that sleeps."""

import random

import pytest

from lab.job import PMEM_OPTIONS
from lab.tests.conftest import STATE

BENCH = (
    f"kmap_bench {PMEM_OPTIONS} --kmapbench_cases=all --kmapbench_events --kmapbench_records=/out/stream --kmapbench_clock=icount"
)
LOADED = STATE + "insmod /kmapbench_state.ko\nstep pmem pmem\nstep load insmod /kmapbench.ko\nsleep 1\n"

# What a case can leave behind: PKS, a pinned page, a working set.
_KILLED = "^(model/kmap_local_slim/protected|kernel/kmap_local/devmap|model/kmap_local/protected/latency/l2)/iterations"
LATEST_KILL_US = 60_000

# Many samples of few operations: interrupted often, and soon over.
_LONG = "--kmapbench_ops=8 --kmapbench_samples=4096 --kmapbench_repetitions=12 --benchmark_filter='^model/kmap_local_slim/protected/iterations'"


def kills(seed: int, times: int) -> str:
    """Starts kmap_bench again and again, each time killed at another moment."""
    chooser = random.Random(seed)
    rounds = "".join(
        f"{BENCH} --kmapbench_samples=2000 --kmapbench_variant=killed --benchmark_filter='{_KILLED}' >/dev/null &\n"
        f"usleep {chooser.randrange(LATEST_KILL_US)}\nkill -9 $!\nwait $!\n[ $? = 137 ] && killed=$((killed + 1))\n"
        for _ in range(times)
    )
    return f"killed=0\n{rounds}event \"\\\"killed\\\", \\\"times\\\": $killed\"\n"


@pytest.mark.parametrize("times", [15, pytest.param(100, marks=pytest.mark.all)])
def test_a_killed_caller_leaves_nothing_behind(boot_job, states, state_module, times):
    booted = boot_job(
        LOADED
        + "state before\n"
        + kills(seed=1, times=times)
        + "state after\n"
        + f"step again {BENCH} --kmapbench_variant=again --benchmark_filter='{_KILLED}'\n"
        + "step unload rmmod kmapbench\n",
        {"kmapbench_state.ko": state_module},
        cpus=2,
        limit_seconds=600,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    (killed,) = [event["times"] for event in booted.events if event["event"] == "killed"]
    assert killed == times
    # A case that began and has no record was being run when its caller died.
    begun = sum(event["event"] == "case" for event in booted.events)
    cut_off = begun - len(booted.records)
    assert cut_off >= times / 4, f"{cut_off} of {times} kills met a case in mid-run"

    found = states(booted)
    assert found["after"]["state"] == found["before"]["state"]
    assert found["after"]["pins"] == found["before"]["pins"] == 0
    assert found["after"]["direct_map"] == found["before"]["direct_map"]
    assert {event["step"]: event["code"] for event in booted.events if event["event"] == "end"} == {
        "pmem": 0,
        "load": 0,
        "again": 0,
        "unload": 0,
    }
    assert booted.record("model/kmap_local_slim/protected", "again")["oracle"] == "held"


def test_a_cpu_that_goes_takes_nothing_along(boot_job, states, state_module):
    """The CPU that a case runs on is taken away and given back, five times."""
    booted = boot_job(
        LOADED
        + "state before\n"
        + f"{BENCH} {_LONG} --kmapbench_variant=unplugged &\n"
        + "for round in 1 2 3 4 5; do\n"
        + "taskset -p 2 $! && usleep 60000 && echo 0 > /sys/devices/system/cpu/cpu1/online\n"
        + "usleep 10000 && echo 1 > /sys/devices/system/cpu/cpu1/online\ndone\n"
        + "wait $!\nevent \"\\\"measured\\\", \\\"code\\\": $?\"\n"
        + "state after\nstep unload rmmod kmapbench\n",
        {"kmapbench_state.ko": state_module},
        cpus=2,
        limit_seconds=600,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    assert {"event": "measured", "code": 0} in booted.events
    record = booted.record("model/kmap_local_slim/protected", "unplugged")
    assert record["oracle"] == "held"
    # Samples on another CPU than the first are no part of the record; too many, and it says so.
    assert record["status"] == "ok" or (record["rejected"]["migration"] and "too much disturbance" in record["reason"])
    assert states(booted)["after"]["state"] == states(booted)["before"]["state"]
    assert booted.console.count("smpboot: CPU 1 is now offline") == 5


def test_a_kernel_that_sleeps_wakes_up_as_it_was(boot_job, states, state_module):
    """Suspend as far as the last CPU's registers (pm_test), in the middle of a run."""
    booted = boot_job(
        LOADED
        + "state before\n"
        + "echo 0 > /sys/module/suspend/parameters/pm_test_delay\necho core > /sys/power/pm_test\n"
        + f"{BENCH} {_LONG} --kmapbench_variant=awake\n"
        + f"{BENCH} {_LONG} --kmapbench_variant=asleep &\n"
        + "usleep 100000\n"
        + "echo mem > /sys/power/state\nslept=$?\n"
        + "wait $!\nevent \"\\\"measured\\\", \\\"code\\\": $?, \\\"slept\\\": $slept\"\n"
        + "state after\nstep unload rmmod kmapbench\n",
        {"kmapbench_state.ko": state_module},
        cpus=2,
        limit_seconds=600,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    assert {"event": "measured", "code": 0, "slept": 0} in booted.events
    assert "PM: suspend exit" in booted.console
    awake, asleep = (booted.record("model/kmap_local_slim/protected", variant) for variant in ("awake", "asleep"))
    assert asleep["oracle"] == "held" and asleep["cost"] == awake["cost"]
    assert states(booted)["after"]["state"] == states(booted)["before"]["state"]
