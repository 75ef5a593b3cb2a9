# SPDX-License-Identifier: Apache-2.0
"""The module on a machine that goes on living: callers that die, CPUs that go, a kernel that
sleeps.
"""

import random

import pytest

from lab.tests.conftest import STATE
from lab.workloads.micro_script import PMEM_OPTIONS

pytestmark = pytest.mark.guest

BENCH = (
    f"kmap_bench {PMEM_OPTIONS} --kmapbench_cases=all --kmapbench_events"
    " --kmapbench_records=/out/stream --kmapbench_clock=icount"
)
LOADED = (
    STATE + "insmod /kmapbench_state.ko\nstep pmem pmem\nstep load insmod /kmapbench.ko\nsleep 1\n"
)

PROTECTED = "model/kmap_local_slim/protected"
# What a case can leave behind: PKS, a pinned page, a working set.
_KILLED = (
    f"^({PROTECTED}|kernel/kmap_local/devmap|model/kmap_local/protected/latency/l2)/iterations"
)
LATEST_KILL_US = 250_000

# Without an oracle: nearly all its time is spent in taking samples.
UNGUARDED = "kernel/kmap_local/dram"


def long(case: str, variant: str, ops: int = 8, repetitions: int = 12) -> str:
    """A measurement of many samples of few operations each: interrupted often, and soon over."""
    effort = f"--kmapbench_ops={ops} --kmapbench_samples=4096 --kmapbench_repetitions={repetitions}"
    return f"{BENCH} {effort} --benchmark_filter='^{case}/iterations' --kmapbench_variant={variant}"


# unplug COMMAND: takes the CPU that it is bound to away from it, and gives it back, five times. How
# long five times take, and how long the command, hangs on the emulator and its host: one that ends
# earlier is started again.
UNPLUG = """
unplug() {
	gone=0
	while [ $gone -lt 5 ]; do
		"$@" &
		while [ $gone -lt 5 ] && taskset -p 2 $!; do
			usleep 60000
			echo 0 > /sys/devices/system/cpu/cpu1/online && gone=$((gone + 1))
			usleep 10000
			echo 1 > /sys/devices/system/cpu/cpu1/online
		done
		wait $! || return $?
	done
}
"""


def kills(seed: int, times: int) -> str:
    """Starts kmap_bench again and again, each time killed at another moment."""
    chooser = random.Random(seed)
    rounds = "".join(
        f"{BENCH} --kmapbench_samples=2000 --kmapbench_variant=killed"
        f" --benchmark_filter='{_KILLED}' >/dev/null &\nusleep"
        f" {chooser.randrange(LATEST_KILL_US)}\nkill -9 $!\nwait $!\n[ $? = 137 ] &&"
        " killed=$((killed + 1))\n"
        for _ in range(times)
    )
    return f'killed=0\n{rounds}event "\\"killed\\", \\"times\\": $killed"\n'


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
    assert booted.record(PROTECTED, "again")["oracle"] == "held"


@pytest.mark.all
def test_a_cpu_that_goes_takes_nothing_along(boot_job, states, state_module):
    booted = boot_job(
        LOADED
        + UNPLUG
        + "state before\n"
        + f"unplug {long(UNGUARDED, 'unplugged', ops=64, repetitions=40)}\nfirst=$?\n"
        + f"unplug {long(PROTECTED, 'unplugged')}\nevent \"\\\"measured\\\", \\\"codes\\\":"
        ' [$first, $?]"\n' + "state after\nstep unload rmmod kmapbench\n",
        {"kmapbench_state.ko": state_module},
        cpus=2,
        limit_seconds=600,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    assert {"event": "measured", "codes": [0, 0]} in booted.events
    # Samples on another CPU than the first are no part of the record.
    unguarded, protected = (
        [one for one in booted.records if one["case"] == case] for case in (UNGUARDED, PROTECTED)
    )
    assert sum(record["rejected"]["migration"] for record in unguarded) > 0
    assert {record["oracle"] for record in protected} == {"held"}
    assert states(booted)["after"]["state"] == states(booted)["before"]["state"]
    assert booted.console.count("smpboot: CPU 1 is now offline") == 10


@pytest.mark.all
def test_a_kernel_that_sleeps_wakes_up_as_it_was(boot_job, states, state_module):
    """Suspend as far as the last CPU's registers (pm_test), in the middle of a run."""
    booted = boot_job(
        LOADED
        + "state before\n"
        + "echo 0 > /sys/module/suspend/parameters/pm_test_delay\necho core > /sys/power/pm_test\n"
        + f"{long(PROTECTED, 'awake')}\n{long(PROTECTED, 'asleep')} &\n"
        + "usleep 100000\n"
        + "echo mem > /sys/power/state\nslept=$?\n"
        + 'wait $!\nevent "\\"measured\\", \\"code\\": $?, \\"slept\\": $slept"\n'
        + "state after\nstep unload rmmod kmapbench\n",
        {"kmapbench_state.ko": state_module},
        cpus=2,
        limit_seconds=600,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    assert {"event": "measured", "code": 0, "slept": 0} in booted.events
    assert "PM: suspend exit" in booted.console
    awake, asleep = (booted.record(PROTECTED, variant) for variant in ("awake", "asleep"))
    assert asleep["oracle"] == "held" and asleep["cost"] == awake["cost"]
    assert states(booted)["after"]["state"] == states(booted)["before"]["state"]
