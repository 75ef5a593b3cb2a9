# SPDX-License-Identifier: Apache-2.0
"""fio on files of protected persistent memory: each job is what it says it is, or is refused."""

from dataclasses import replace

import pytest

from lab.run.guest_boot import read_archives
from lab.tests.conftest import KMAP_BENCH, prepare_patched
from lab.vm import image
from lab.workloads.fio import fio_output, guest_script, presets
from lab.workloads.fio.workload import Dax

pytestmark = [pytest.mark.kernels, pytest.mark.guest]

QUICK = presets.load()["quick"]


@pytest.fixture(scope="module")
def prepared(request, cache, tmp_path_factory) -> image.Prepared:
    """In place of stock's: what boot_job boots in this file."""
    content = Dax(QUICK, KMAP_BENCH).content()
    return prepare_patched(
        "protected",
        request.config.getoption("--tree"),
        cache,
        tmp_path_factory.mktemp("protected"),
        content,
    )


@pytest.fixture
def boot_dax(boot_job):
    return lambda text, **changes: boot_job(text, memory_mib=guest_script.MEMORY_MIB, **changes)


def only(wanted) -> presets.Preset:
    return replace(QUICK, jobs=tuple(job for job in QUICK.jobs if wanted(job)))


def test_each_kind_of_job_runs_and_its_totals_add_up(boot_dax):
    preset = only(
        lambda job: job.block_bytes == 4096
        and job.rw == "randwrite"
        and (job.figure == "latency" or job.jobs == 4)
    )
    booted = boot_dax(guest_script.text(preset))
    assert booted.outcome.problem is None, booted.console[-2000:]
    assert [
        event for event in booted.events if event["event"] == "unfit" or event.get("code", 0) != 0
    ] == []
    assert sorted(event["job"] for event in booted.events if event["event"] == "sent") == sorted(
        job.name for job in preset.jobs
    )
    files = read_archives(booted.outcome.files)
    for job in preset.jobs:
        totals = fio_output.read(
            files[f"{job.name}.json"].decode(), job.name, job.block_bytes, job.jobs
        )
        assert (totals.latency_ns is not None) == (job.figure == "latency")
        assert totals.runtime_ms >= job.runtime_ms


def test_a_job_whose_files_are_not_what_it_says_is_refused_and_the_next_one_runs(boot_dax):
    ext4, cached = only(lambda job: job.on == "ext4" and job.engine == "mmap"), only(
        lambda job: job.on == "ext4_cache"
    )
    size = QUICK.file_mib << 20
    lines = guest_script.text(replace(QUICK, jobs=(*ext4.jobs, *cached.jobs))).splitlines()
    make, dax_line = lines[0], next(line for line in lines if "--ioengine=mmap" in line)
    cache_line = next(line for line in lines if "ext4_cache-psync" in line)
    booted = boot_dax(
        f"{make}\n{cache_line}\numount {guest_script.FOLDER}; dax_mount ext4"
        f" {guest_script.DEVICES['ext4']} never\n{dax_line}\n{cache_line}\ndax_mount ext4"
        f" {guest_script.DEVICES['ext4']} always\ntruncate -s 4096"
        f" {guest_script.FOLDER}/file.0\n{dax_line}\ntruncate -s"
        f" {size} {guest_script.FOLDER}/file.0\n{dax_line}\n"
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    reasons = [event["reason"] for event in booted.events if event["event"] == "unfit"]
    assert len(reasons) == 4, reasons
    assert "this job is of the page cache" in reasons[0]
    assert "not mounted with dax=always" in reasons[1]
    assert "4096 bytes long" in reasons[2]
    assert "not written from byte 4096 on" in reasons[3]
    assert [event["job"] for event in booted.events if event["event"] == "sent"] == [
        cached.jobs[0].name
    ]


def test_a_device_that_cannot_have_the_files_is_one_line_that_says_why(boot_dax, tmp_path):
    raw = tmp_path / "nvdimm"  # becomes pmem0, and the others move up
    with raw.open("wb") as file:
        file.truncate(400 << 20)
    booted = boot_dax(
        (
            f"{guest_script.make('ext4', '/dev/pmem0', 4096, 1)}\n"
            f"{guest_script.make('xfs', '/dev/pmem0', 4096, 1)}\n"
            f"{guest_script.make('ext4', '/dev/pmem1', 400 << 20, 1)}\numount"
            f" {guest_script.FOLDER}\n"
            f"{guest_script.make('xfs', '/dev/pmem1', 4096, 1)}\n"
            f"{guest_script.make('ext4', '/dev/pmem9', 4096, 1)}\n"
        ),
        nvdimm=raw,
    )
    assert booted.outcome.problem is None, booted.console[-2000:]
    reasons = [event["reason"] for event in booted.events if event["event"] == "unfit"]
    assert len(reasons) == 5, reasons
    for kind, reason in zip(("ext4", "xfs"), reasons):
        assert (
            f"{kind} cannot be mounted with dax=always: the device's namespace has to be in mode"
            " fsdax" in reason
        )
    assert reasons[2] == f"{guest_script.FOLDER}/file.0: No space left on device"
    assert "300" in reasons[3]
    assert reasons[4] == "/dev/pmem9: no such device"
