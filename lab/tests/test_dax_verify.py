# SPDX-License-Identifier: Apache-2.0
"""Data on protected persistent memory are right: also those that a guest was writing when it was
killed.
"""

import json
import random
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import build_dir
from lab.run.guest_boot import read_archives
from lab.tests.conftest import prepare_patched
from lab.vm import image
from lab.workloads.fio.guest_script import FOLDER, make

pytestmark = [pytest.mark.kernels, pytest.mark.guest]

DEVICE = "/dev/pmem0"
DEVICE_BYTES = 400 << 20  # XFS wants 300 MB
FILE_BYTES = 8 << 20
BLOCK_BYTES = 4096
RECOVERED = {"ext4": "recovery complete", "xfs": "Ending recovery"}  # as the kernel says it
CHECK = {"ext4": f"e2fsck -fn {DEVICE}", "xfs": f"xfs_repair -n {DEVICE}"}
PACKAGES = {
    "fio": "fio",
    "mkfs.ext4": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "xfs_repair": "xfsprogs",
}

# A whole file in random order, each block with its checksum. file.0 is not touched again; file.1
# is, with the same, until the end.
VERIFY = (
    f"fio --name=verify --directory={FOLDER} --size={FILE_BYTES} --bs={BLOCK_BYTES} --rw=randwrite"
    " --ioengine=psync --thread --verify=crc32c --randseed=1 --output-format=json"
)

# The device comes raw. Its second guest finds it as the first left it.
FSDAX = """
fsdax() {
	nd=/sys/bus/nd
	echo namespace0.0 > $nd/drivers/nd_pmem/unbind
	seed=$(cat $nd/devices/region0/pfn_seed)
	echo ram > "$nd/devices/$seed/mode"
	echo 2097152 > "$nd/devices/$seed/align"
	cat /proc/sys/kernel/random/uuid > "$nd/devices/$seed/uuid"
	echo namespace0.0 > "$nd/devices/$seed/namespace"
	echo "$seed" > $nd/drivers/nd_pmem/bind
}
"""
# record N: what is in FOLDER/record.N, of another length each.
RECORD = 'record() { yes "record $1" | head -c $(($1 * 7919 % 50000 + 1)); }\n'
WRITE = f"""
touch {FOLDER}/begun
while :; do {VERIFY} --filename=file.1 --do_verify=0 --loops=1000 --output=/dev/null; done &
until [ {FOLDER}/file.1 -nt {FOLDER}/begun ]; do usleep 1000; done
number=0
while :; do
	number=$((number + 1))
	record $number | dd of={FOLDER}/record.$number conv=fsync 2>/dev/null || break
	event "\\"synced\\", \\"number\\": $number"
done
"""
READ = f"""
lost=0
for number in $(seq $SYNCED); do
	record $number | cmp - {FOLDER}/record.$number || lost=$((lost + 1))
done
event "\\"read\\", \\"lost\\": $lost"
"""


class Killed(Exception):
    """The guest was, by us."""


@pytest.fixture(scope="module")
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    found = [
        build_dir() / "bench" / "tools" / "dax_file",
        *(Path(subprocesses.find(name, package)) for name, package in PACKAGES.items()),
    ]
    content = image.Content(found, [*image.GUEST_MODULES, "xfs", "nfit"], "")
    return prepare_patched(
        "protected",
        request.config.getoption("--tree"),
        cache,
        tmp_path_factory.mktemp("protected"),
        content,
    )


def codes(booted) -> dict[str, int]:
    return {event["step"]: event["code"] for event in booted.events if event["event"] == "end"}


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.all) for seed in range(2, 11))]
)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_guest_killed_in_mid_write_leaves_what_was_synced(boot_job, tmp_path, kind, seed):
    device = tmp_path / "nvdimm"
    with device.open("wb") as file:
        file.truncate(DEVICE_BYTES)
    machine = {"memory_mib": 1024, "nvdimm": device}
    at = random.Random(seed).randint(5, 40)
    failed = []

    def watch(event: dict) -> None:
        if event.get("code", 0) != 0:
            failed.append(event["step"])
        if event == {"event": "synced", "number": at}:
            raise Killed

    begin = (
        f"step fsdax fsdax\nstep make {make(kind, DEVICE, FILE_BYTES, 2)}\nstep dax dax_file check"
        f" dax {FILE_BYTES} {FOLDER}/file.0 {FOLDER}/file.1\n"
    )
    verified = "".join(
        f"step verify.{n} {VERIFY} --filename=file.{n} --end_fsync=1 --output=/dev/null\n"
        for n in (0, 1)
    )
    with pytest.raises(Killed):
        boot_job(f"{FSDAX}{RECORD}{begin}{verified}{WRITE}", on_event=watch, **machine)
    assert failed == []
    read = (
        f"step mount dax_mount {kind} {DEVICE} always\nSYNCED={at}\n{READ}step file.0"
        f" {VERIFY} --filename=file.0 --verify_only=1"
        f" --output=/dev/null\n{VERIFY} --filename=file.1 --verify_only=1"
        " --continue_on_error=verify --output=/tmp/file.1\nsend /tmp/file.1\nstep unmount umount"
        f' {FOLDER}\nstep check {CHECK[kind]}\nevent "\\"faults\\", \\"count\\": $(cat'
        ' /sys/module/memremap/parameters/pks_faults)"\n'
    )
    again = boot_job(RECORD + read, **machine)
    assert again.outcome.problem is None, again.console[-2000:]
    assert RECOVERED[kind] in again.console
    assert codes(again) == dict.fromkeys(("mount", "file.0", "unmount", "check"), 0), again.console[
        -3000:
    ]
    assert {"event": "read", "lost": 0} in again.events and {
        "event": "faults",
        "count": 0,
    } in again.events
    # The block that fio was in the middle of is of both.
    (job,) = json.loads(read_archives(again.outcome.files)["file.1"])["jobs"]
    assert job["read"]["total_ios"] == FILE_BYTES // BLOCK_BYTES and job["total_err"] <= 1
