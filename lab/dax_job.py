# SPDX-License-Identifier: Apache-2.0
"""The job of a boot that measures DAX: shell text for lab/guest/dax, and the machine it wants. Pure."""

import shlex

from lab.dax_presets import Job, Preset

# Regions of the guest's memory that the kernel takes for persistent; XFS wants 300 MB. All begin at 2 MiB.
CMDLINE = "memmap=192M!1G memmap=320M!1280M memmap=64M!1664M"
MEMORY_MIB = 2048
LIMIT_SECONDS = 900  # of QEMU's CPU time
DEVICES = {"ext4": "/dev/pmem0", "xfs": "/dev/pmem1", "block": "/dev/pmem2"}
FOLDER = "/data"

# Program: package that has it. They are in the guest.
PROGRAMS = {"fio": "fio", "mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs"}
GUEST_MODULES = ["xfs"]


def environment(variant: str, boot: int) -> str:
    """Hands out environment.json."""
    bench = [
        "kmap_bench",
        "--benchmark_list_tests",
        "--kmapbench_environment=/tmp/environment.json",
        "--kmapbench_clock=icount",
        f"--kmapbench_variant={variant}",
        f"--kmapbench_boot={boot}",
    ]
    return f"step environment {shlex.join(bench)} >/dev/null\nsend /tmp/environment.json\n"


def text(preset: Preset) -> str:
    """All jobs of a preset, those on one mount together."""
    lines = []
    size = preset.file_mib << 20
    for kind in ("ext4", "xfs"):
        always = [job for job in preset.jobs if job.on == kind]
        never = [job for job in preset.jobs if job.on == f"{kind}_cache"]
        if always or never:
            lines.append(f"step make/{kind} dax_make {kind} {DEVICES[kind]} {size} {preset.files}")
        lines += [_job(job, preset, "dax") for job in always]
        if never:
            lines.append(f"step mount/{kind}_cache dax_mount {kind} {DEVICES[kind]} never")
            # Once read, they are in the page cache.
            lines.append(f"cat {FOLDER}/file.* >/dev/null")
        lines += [_job(job, preset, "cache") for job in never]
    block = [job for job in preset.jobs if job.on == "block"]
    if block:
        lines.append(f"step wait/block wait_for {DEVICES['block']}")
    lines += [_job(job, preset, "") for job in block]
    return "".join(f"{line}\n" for line in lines)


def options(job: Job, preset: Preset) -> list[str]:
    """fio's options, without those that say where the output goes."""
    if job.on == "block":
        place = [f"--filename={DEVICES['block']}", f"--size={preset.file_mib}m"]
    else:
        place = [
            f"--directory={FOLDER}",
            "--filename_format=file.$jobnum",  # a file each
            f"--filesize={preset.file_mib}m",
            "--allow_file_create=0",
        ]
    return [
        f"--name={job.name}",
        *place,
        f"--ioengine={job.engine}",
        f"--rw={job.rw}",
        f"--bs={job.block_bytes}",
        f"--numjobs={job.jobs}",
        f"--direct={job.direct}",
        *("--iodepth=1", "--thread", "--norandommap", "--randrepeat=1", "--scramble_buffers=1"),
        # By its end the ramp has faulted in buffers and mappings.
        *("--time_based", f"--ramp_time={job.ramp_ms}ms", f"--runtime={job.runtime_ms}ms"),
        *(["--gtod_reduce=1"] if job.figure == "throughput" else []),
        "--output-format=json+",
    ]


def _job(job: Job, preset: Preset, check: str) -> str:
    files = " ".join(f"{FOLDER}/file.{number}" for number in range(job.jobs))
    checked = f"dax_file check {check} {preset.file_mib << 20} {files}" if check else "true"
    return shlex.join(["dax_job", job.name, checked, *options(job, preset)])
