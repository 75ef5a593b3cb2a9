# SPDX-License-Identifier: Apache-2.0
"""The static keys of our PKS kernel, turned on and off while all that has them is under way
(kernels/tests/keys.c): interrupts, NMIs, faults that sleep, switches, brackets.
"""

import re

import pytest

from lab.kernels import module_build
from lab.tests.conftest import prepare_patched, quiet
from lab.tests.support.pks_tests import SOURCES, TESTS, reports, trouble
from lab.vm import image

pytestmark = pytest.mark.kernels

CPUS = 4

# The key of entry, exit and switch is turned on once in each boot, and never off; the other one so
# often in each.
BOOTS = [
    pytest.param("protected", 20, id="protected"),
    *(
        pytest.param("checked", 500, id=f"checked-{boot}", marks=pytest.mark.all)
        for boot in range(20)
    ),
]

# System calls, faults and switches of user space, while the tests run.
USER_LOAD = "(while :; do /bin/true; sleep 0.01; done) &\nload=$!\n"


@pytest.fixture(scope="module")
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    tree, scratch = request.config.getoption("--tree"), tmp_path_factory.mktemp(request.param)
    return prepare_patched(request.param, tree, cache, scratch)


@pytest.mark.parametrize("prepared, times", BOOTS, indirect=["prepared"])
def test_keys_change_under_load(boot_job, prepared, cache, times):
    """No persistent memory: the first protected page is the test's."""
    built = module_build.build(prepared.kernel, SOURCES, cache, quiet, "pks_test.ko")
    (cached,) = re.findall(
        r"^([0-9a-f]+) \w pkrs_open$", prepared.kernel.symbols.read_text(), re.MULTILINE
    )
    given = f"spare={image.DEVICE_MEMORY:#x} cache=0x{cached} times={times}"
    booted = boot_job(
        TESTS + USER_LOAD + f'given="{given}"\nset=keys\ntests keys\nkill $load\n',
        {"pks_test.ko": built},
        cpus=CPUS,
        icount=False,
        interleaved=True,
        cmdline=f"{image.DEVICE_CMDLINE} memremap.pks_fault_mode=strict",
        limit_seconds=300 + times,
    )
    assert trouble(booted) == []
    (report,) = reports(booted.console).values()
    assert report.passed, booted.console[-2000:]
    assert f"turned on and off {times} times" in booted.console
    (numbers,) = re.findall(
        r"# (\d+) CPUs, (\d+) rounds, (\d+) NMIs, (\d+) faults that slept", booted.console
    )
    cpus, rounds, nmis, slept = map(int, numbers)
    assert cpus == CPUS and slept == 2 * CPUS
    assert nmis > CPUS and rounds > 4 * CPUS
