# SPDX-License-Identifier: Apache-2.0
"""Real files on protected persistent memory: data are right, the kernel has nothing to complain of,
no access strays.
"""

from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import build_dir
from lab.tests.conftest import prepare_patched
from lab.tests.support import ktap
from lab.vm import console, image, initramfs

pytestmark = pytest.mark.kernels

PROGRAM = build_dir() / "bench" / "tools" / "pks_files"

# Regions 0 and 1 are ready.PMEM_CMDLINE's; XFS wants 300 MB.
CMDLINE = f"{image.PMEM_CMDLINE} memmap=320M!1G memremap.pks_fault_mode=strict"
MEMORY_MIB = 2048

MAKE = {
    "ext4": "mkfs.ext4 -q -F -b 4096 /dev/pmem0",
    "xfs": "mkfs.xfs -q -f -m reflink=1 /dev/pmem2",
}
DEVICE = {"ext4": "/dev/pmem0", "xfs": "/dev/pmem2"}

# Program: package.
PACKAGES = {"mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "fio": "fio"}

# Not to be had on ext4.
SHARING = {"shared blocks", "beside shared blocks", "blocks are compared", "sharing ends"}

# Random writes of several sizes, each block with its checksum; then all is read back.
VERIFY = (
    "fio --name=verify --directory=/data --size=8m --rw=randwrite --bsrange=512-64k"
    " --bs_unaligned=0 --ioengine=psync --verify=crc32c --do_verify=1 --verify_fatal=1 --randseed=1"
    " --thread --output=/tmp/fio"
)


@pytest.fixture(
    scope="module",
    params=[
        "protected",
        *(pytest.param(name, marks=pytest.mark.all) for name in ("distro", "rt", "debug")),
    ],
)
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    return prepare_patched(
        request.param,
        request.config.getoption("--tree"),
        cache,
        tmp_path_factory.mktemp(request.param),
    )


@pytest.fixture(scope="module")
def programs() -> dict[str, Path]:
    """By their names in the guest: what the jobs below call, with their libraries."""
    found = [
        PROGRAM,
        *(Path(subprocesses.find(name, package)) for name, package in PACKAGES.items()),
    ]
    libraries = {str(path): path for program in found for path in initramfs.libraries(program)}
    return {f"bin/{program.name}": program for program in found} | libraries


def report(booted, name: str) -> ktap.Report:
    """What was printed between the job's BEGIN and END of a name."""
    text = "\n".join(console.lines(booted.console))
    return ktap.parse(text.partition(f"BEGIN {name}")[2].partition(f"END {name}")[0])


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_files(boot_job, programs, kind):
    mount = f"mkdir -p /data && mount -t {kind} -o dax=always {DEVICE[kind]} /data"
    booted = boot_job(
        (
            f"wait_for /dev/pmem2\nstep make {MAKE[kind]}\nstep mount sh -c '{mount}'\necho BEGIN"
            f" use; step use pks_files /data /dev/pmem1; echo END use\nstep verify {VERIFY}\nstep"
            f" unmount umount /data\nstep again sh -c '{mount}'\necho BEGIN check; step check"
            ' pks_files --check /data; echo END check\nstep end umount /data\nevent "\\"faults\\",'
            ' \\"count\\": $(cat /sys/module/memremap/parameters/pks_faults)"\n'
        ),
        programs,
        cpus=2,
        cmdline=CMDLINE,
        memory_mib=MEMORY_MIB,
    )
    used = report(booted, "use")
    assert [f"{test.name}: {test.reason}" for test in used.of(ktap.Status.FAILED)] == []
    assert used.passed, (used.problems, booted.outcome.problem, booted.console[-3000:])
    assert {test.name for test in used.of(ktap.Status.SKIPPED)} == (
        set() if kind == "xfs" else SHARING
    )
    assert report(booted, "check").passed
    assert booted.outcome.problem is None, booted.outcome.problem
    codes = {event["step"]: event["code"] for event in booted.events if event["event"] == "end"}
    assert codes == dict.fromkeys(
        ("make", "mount", "use", "verify", "unmount", "again", "check", "end"), 0
    )
    assert {"event": "faults", "count": 0} in booted.events
