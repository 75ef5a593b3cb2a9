# SPDX-License-Identifier: Apache-2.0
"""The job of a boot that measures DAX: shell text for lab/vm/init/fio, and the machine it wants.
Pure.
"""

import shlex
from dataclasses import dataclass

from lab.core.bench_command import BenchCommand
from lab.workloads import micro_script as kernel_cases
from lab.workloads.fio.presets import Job, Preset

# Regions of the guest's memory that the kernel takes for persistent; XFS wants 300 MB. All begin at
# 2 MiB.
CMDLINE = "memmap=192M!1G memmap=320M!1280M memmap=64M!1664M memmap=64M!1792M"
MEMORY_MIB = 2048
LIMIT_SECONDS = 900  # of QEMU's CPU time
DEVICES = {"ext4": "/dev/pmem0", "xfs": "/dev/pmem1", "block": "/dev/pmem2"}
FOLDER = "/data"
WINDOWS = "windows.txt"  # what dax_windows says of its windows

# How file systems are made: in pieces of 2 MiB. ext4 not lazily: else the kernel writes the rest of
# it beside some job, at a random moment.
MKFS = {
    "ext4": (
        "mkfs.ext4 -q -F -b 4096 -E"
        " stride=512,stripe_width=512,lazy_itable_init=0,lazy_journal_init=0"
    ),
    "xfs": "mkfs.xfs -q -f -d agcount=2,su=2m,sw=1 -l size=64m",
}

# Program: package that has it. They are in the guest.
PROGRAMS = {"fio": "fio", "mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs"}
GUEST_MODULES = ["xfs"]


# What file systems and the kernel do every some seconds, after a mount and much writing, comes
# before the first job and not beside it. To the emulator an idle guest costs nothing.
SETTLE = "sync; sleep 40"


# What is measured beside fio: the pair that the answer is about, and what the model of what
# protection adds to an I/O is made of (analysis/fio_model/cost_model.py).
KERNEL_CASES = (
    "msr/wrpkrs/toggle",
    "kernel/kmap_local/dram",
    *(
        f"kernel/kmap_local/{page}{nested}"
        for page in ("devmap", "protected")
        for nested in ("", "_nested")
    ),
)


@dataclass(frozen=True)
class Place:
    """Where fio finds what it measures on."""

    folder: str  # of files
    devices: dict[str, str]  # block, device
    options: tuple[str, ...] = ()


LAB = Place(FOLDER, {"block": DEVICES["block"], "device": "/dev/dax3.0"})


def environment(variant: str, boot: int) -> str:
    """Hands out environment.json."""
    command = BenchCommand(
        listing=True,
        environment="/tmp/environment.json",
        clock="icount",
        variant=variant,
        boot=boot,
    )
    return (
        f"step environment {shlex.join(command.words())} >/dev/null\nsend /tmp/environment.json\n"
    )


def text(preset: Preset) -> str:
    """All jobs of a preset, those on one mount together; then single reads and writes for the
    observer.
    """
    lines = []
    size = preset.file_mib << 20
    for kind in ("ext4", "xfs"):
        always = [job for job in preset.jobs if job.on == kind]
        never = [job for job in preset.jobs if job.on == f"{kind}_cache"]
        if always or never:
            lines += [f"step make/{kind} {make(kind, DEVICES[kind], size, preset.files)}", SETTLE]
        lines += [_job(job, preset, "dax") for job in always]
        if never:
            lines.append(f"step mount/{kind}_cache dax_mount {kind} {DEVICES[kind]} never")
            # Once read, they are in the page cache.
            lines += [f"cat {FOLDER}/file.* >/dev/null", SETTLE]
        lines += [_job(job, preset, "cache") for job in never]
    block = [job for job in preset.jobs if job.on == "block"]
    if block:
        lines.append(f"step wait/block wait_for {DEVICES['block']}")
    lines += [_job(job, preset, "") for job in block]
    device = [job for job in preset.jobs if job.on == "device"]
    if device:
        lines.append("step make/device pmem_device 3")
    lines += [_job(job, preset, "") for job in device]
    # Last: from then on the observer looks at all that runs.
    for on in dict.fromkeys(job.on for job in preset.jobs if job.on in DEVICES):
        if on != "block":
            lines.append(f"step mount/{on}_path dax_mount {on} {DEVICES[on]} always")
        file = DEVICES[on] if on == "block" else f"{FOLDER}/file.0"
        lines.append(f"step path/{on} dax_windows dax/{on} {file} >>/tmp/{WINDOWS}")
    lines.append(f"send /tmp/{WINDOWS}")
    return "".join(f"{line}\n" for line in lines)


def kernel_cases_of(preset: Preset, variant: str, boot: int) -> str:
    """Measures KERNEL_CASES on one of the preset's files; nothing, where it has none on persistent
    memory.
    """
    on = next((job.on for job in preset.jobs if job.on in MKFS), None)
    if on is None:
        return ""
    return f"step mount/{on}_model dax_mount {on} {DEVICES[on]} always\n" + kernel_cases.micro_on(
        f"{FOLDER}/file.0", variant, boot, KERNEL_CASES
    )


def make(kind: str, device: str, size: int, files: int) -> str:
    """A new file system with files in it."""
    return f"dax_make {kind} {device} {size} {files} {MKFS[kind]}"


def files_of(job: Job, preset: Preset, folder: str) -> list[str]:
    """What a job uses; none, where it uses a device."""
    if job.on in ("block", "device"):
        return []
    return [
        f"{folder}/file.{number}" for number in range(preset.files if preset.shared else job.jobs)
    ]


def options(job: Job, preset: Preset, where: Place = LAB) -> list[str]:
    """fio's options, without those that say where the output goes."""
    if job.on in where.devices:
        place = [f"--filename={where.devices[job.on]}", f"--size={preset.file_mib}m"]
    else:
        place = [
            f"--directory={where.folder}",
            (
                # all files for all, or a file each
                f"--filename={':'.join(f'file.{number}' for number in range(preset.files))}"
                if preset.shared
                else "--filename_format=file.$jobnum"
            ),
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
        # What is in the page cache stays there: fio would drop it first.
        *(["--invalidate=0"] if job.on.endswith("_cache") else []),
        *("--iodepth=1", "--thread", "--norandommap", "--randrepeat=1", "--scramble_buffers=1"),
        # By its end the ramp has faulted in buffers and mappings.
        *("--time_based", f"--ramp_time={job.ramp_ms}ms", f"--runtime={job.runtime_ms}ms"),
        *where.options,
        *(["--gtod_reduce=1"] if job.figure == "throughput" else []),
        "--output-format=json+",
    ]


def _job(job: Job, preset: Preset, check: str) -> str:
    files = " ".join(files_of(job, preset, FOLDER))
    checked = f"dax_file check {check} {preset.file_mib << 20} {files}" if check else "true"
    return shlex.join(["dax_job", job.name, checked, *options(job, preset)])
