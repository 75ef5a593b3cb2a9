# SPDX-License-Identifier: Apache-2.0
"""Random brackets on our PKS kernel (kernels/tests/fuzz.c), while CPUs go and come back."""

import os
import re

import pytest

from lab.kernels import module_build
from lab.tests.conftest import prepare_patched, quiet
from lab.tests.support.pks_tests import ANY_MISUSE, CMDLINE, GIVEN, SOURCES, TESTS, reports, trouble
from lab.vm import image

pytestmark = pytest.mark.kernels

# CPUs, whether instructions are the clock, and milliseconds: a guest that counts them takes minutes
# for a second.
MACHINES = {"4 CPUs": (4, False, 10_000), "1 CPU": (1, True, 200)}
# Of the machine with several, in place of what fits into the everyday tests.
SECONDS = int(os.environ.get("KMAPBENCH_FUZZ_SECONDS", 0))

# The others come after boot: this emulator's CPUs may see an INT3 of the kernel's own patching too
# late, and boot patches most. Then they go and come for as long as the tests run; the first one
# cannot go.
HOTPLUG = """
for cpu in 1 2 3; do echo 1 > /sys/devices/system/cpu/cpu$cpu/online; done
while :; do
	for cpu in 1 2 3; do
		for to in 0 1; do echo $to > /sys/devices/system/cpu/cpu$cpu/online; done
	done
done &
hotplug=$!
"""
STOP = "kill $hotplug\nwait $hotplug\n"


@pytest.fixture(
    scope="module",
    params=["protected", *(pytest.param(name, marks=pytest.mark.all) for name in ("rt", "debug"))],
)
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    tree, scratch = request.config.getoption("--tree"), tmp_path_factory.mktemp(request.param)
    return prepare_patched(request.param, tree, cache, scratch)


@pytest.fixture
def fuzz(boot_job, prepared, cache):
    """Boots, runs the set with these parameters of its own, and ends."""
    built = module_build.build(prepared.kernel, SOURCES, cache, quiet, "pks_test.ko")
    (cached,) = re.findall(
        r"^([0-9a-f]+) \w pkrs_open$", prepared.kernel.symbols.read_text(), re.MULTILINE
    )

    def run(machine: str, parameters: str = "", seconds: int = 0):
        cpus, icount, milliseconds = MACHINES[machine]
        if cpus > 1 and seconds:
            milliseconds = 1000 * seconds
        given = f"{GIVEN} cache=0x{cached} milliseconds={milliseconds} {parameters}"
        job = f'given="{given}"\nset=fuzz\nstep pmem pmem\n'
        job += HOTPLUG if cpus > 1 else ""
        job += "tests fuzz\n"
        job += STOP if cpus > 1 else ""
        return boot_job(
            TESTS + job,
            {"pks_test.ko": built},
            cpus=cpus,
            icount=icount,
            cmdline=f"{CMDLINE} memremap.pks_fault_mode=strict maxcpus=1",
            limit_seconds=300 + cpus * milliseconds / 1000,
        )

    return run


@pytest.mark.parametrize("machine", MACHINES)
def test_after_each_step_all_agree(fuzz, machine):
    booted = fuzz(machine, seconds=SECONDS)
    assert trouble(booted, ANY_MISUSE) == []
    (report,) = reports(booted.console).values()
    assert report.passed, booted.console[-2000:]
    (steps,) = re.findall(r"# \d+ threads, (\d+) steps", booted.console)
    assert int(steps) > 200
    assert ("is now offline" in booted.console) == (machine == "4 CPUs")


def test_a_forgotten_unmap_is_seen(fuzz):
    booted = fuzz("4 CPUs", "forget=1")
    (report,) = reports(booted.console).values()
    assert not report.passed
    assert re.search(r"# thread 0, step \d+: wrong after unmap, \d+ held", booted.console)
