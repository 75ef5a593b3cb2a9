# SPDX-License-Identifier: Apache-2.0
"""fio on persistent memory of this machine that the user names: a folder, or a device, which is
formatted.
"""

import ctypes
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import build_dir
from lab.core.errors import CommandFailed, KmapbenchError
from lab.workloads.fio import guest_script
from lab.workloads.fio.guest_script import Place
from lab.workloads.fio.presets import Job, Preset

KINDS = ("ext4", "xfs")
_CLONE_NEWNS = 0x00020000  # linux/sched.h


@dataclass(frozen=True)
class Named:
    """What --on names."""

    path: Path
    kind: str | None  # of the file system that a folder is on; None: a device
    options: tuple[str, ...] = ()  # of fio

    def measures(self, job: Job) -> bool:
        """Another mount than a folder's is not ours to make, and no device-dax is made of
        anything.
        """
        return job.on == self.kind if self.kind else job.on != "device"


def look(path: Path, root: Path = Path("/")) -> Named:
    """What a path names; a KmapbenchError where it cannot be measured on. Changes nothing."""
    name = path.resolve().name
    sysfs = root / "sys/class/block" / name
    if path.is_dir():
        kind = _mounts(root).get(_device_of(path), ("", "?"))[1]
        if kind not in KINDS:
            raise KmapbenchError(
                f"{path}: on {kind}: fio is run on {' and '.join(KINDS)}, mounted with dax=always"
            )
        return Named(path, kind)
    if not sysfs.exists():
        raise KmapbenchError(
            f"{path}: neither a folder nor a block device: name one of these, as /dev/pmem0"
        )
    if os.geteuid() != 0 and root == Path("/"):
        raise KmapbenchError(
            f"{path}: to make file systems takes root: sudo ./kmapbench run --here, or --on a"
            " folder that is yours"
        )
    _refuse_used(path, sysfs, root)
    if subprocesses.value(sysfs / "queue/dax") != "1":
        install = (
            "" if subprocesses.has("ndctl") else "; ndctl is missing: install the package ndctl"
        )
        raise KmapbenchError(
            f"{path}: no DAX on it: ndctl create-namespace -f -e NAMESPACE -m fsdax makes it so,"
            f" and destroys what is there{install}"
        )
    return Named(path, None, _near(sysfs, root))


def identity(path: Path, root: Path = Path("/")) -> str:
    """What tells a block device from others, whatever its name is in this boot: its size, and of
    persistent memory its namespace and address.
    """
    sysfs = root / "sys/class/block" / path.resolve().name
    names = ("size", "device/uuid", "device/resource", "device/size")
    return " ".join(f"{name}={subprocesses.value(sysfs / name)}" for name in names)


def confirm(named: Named, ask: Callable[[str], str]) -> None:
    """A KmapbenchError where the user does not say the device's own name. ask: shows a question,
    and gives the answer.
    """
    name = named.path.resolve().name
    if (
        named.kind is None
        and ask(
            f"{named.path} is formatted, and all that is on it is lost. To go on, type its name"
            f" ({name}): "
        ).strip()
        != name
    ):
        raise KmapbenchError(f"{named.path}: left as it is, since its name, {name}, was not given")


def ask(question: str) -> str:
    """On standard error, so that output can go elsewhere; an answer can come from a pipe, too."""
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()


def measure(
    named: Named,
    preset: Preset,
    output: Path,
    on_job: Callable[[Job], None],
    on_end: Callable[[Job, str], None],
) -> None:
    """Runs all jobs. output: folder for what fio says. on_end gets that, after on_job."""
    _own_mounts()
    with tempfile.TemporaryDirectory(
        prefix="kmapbench-dax-", dir=named.path if named.kind else None
    ) as scratch:
        place = Place(scratch, {"block": str(named.path)}, named.options)

        def run(on: str) -> None:
            for job in preset.jobs:
                if job.on == on:
                    on_job(job)
                    on_end(job, _run(job, preset, place, output))

        if named.kind:
            _prepare(place, preset)
            run(named.kind)
            return
        used = {job.on for job in preset.jobs}
        for kind in KINDS:
            if {kind, f"{kind}_cache"} & used:
                _call([*shlex.split(guest_script.MKFS[kind]), str(named.path)])
                with _mounted(named, kind, "always", scratch):
                    _prepare(place, preset)
                    run(kind)
            if f"{kind}_cache" in used:
                with _mounted(named, kind, "never", scratch):
                    for file in _files(place, preset):
                        _call(
                            ["dd", f"if={file}", "of=/dev/null", "bs=1M"]
                        )  # once read, they are in the page cache
                    run(f"{kind}_cache")
        run("block")


@contextmanager
def _mounted(named: Named, kind: str, dax: str, folder: str) -> Iterator[None]:
    _call(["mount", "-t", kind, "-o", f"dax={dax}", str(named.path), folder])
    try:
        yield
    finally:
        _call(["umount", folder])


def _files(place: Place, preset: Preset) -> list[str]:
    return [f"{place.folder}/file.{number}" for number in range(preset.files)]


def _prepare(place: Place, preset: Preset) -> None:
    _call([str(_dax_file()), "prepare", str(preset.file_mib << 20), *_files(place, preset)])


def _run(job: Job, preset: Preset, place: Place, output: Path) -> str:
    files = guest_script.files_of(job, preset, place.folder)
    if files:
        _call(
            [
                str(_dax_file()),
                "check",
                "cache" if job.on.endswith("_cache") else "dax",
                str(preset.file_mib << 20),
                *files,
            ]
        )
    os.sync()
    target = output / f"{job.name}.json"
    _call(
        [
            subprocesses.find("fio", "fio"),
            *guest_script.options(job, preset, place),
            f"--output={target}",
        ]
    )
    return target.read_text(errors="replace")


def _call(command: list[str]) -> None:
    """A program that goes when we go."""
    program = subprocesses.find(command[0], guest_script.PROGRAMS.get(command[0], "util-linux"))
    result = subprocess.run(
        subprocesses.ended_with_us([program, *command[1:]]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        said = (result.stdout + result.stderr).strip().splitlines() or [
            f"ended with {result.returncode}"
        ]
        raise CommandFailed(f"{Path(program).name}: {said[0]}")


def _dax_file() -> Path:
    return build_dir() / "bench" / "tools" / "dax_file"


def _own_mounts() -> None:
    """Mounts are ours alone from now on, and go with us, however we end."""
    if os.geteuid() == 0 and ctypes.CDLL(None).unshare(_CLONE_NEWNS) == 0:
        _call(["mount", "--make-rprivate", "/"])


def _device_of(path: Path) -> str:
    number = path.stat().st_dev
    return f"{os.major(number)}:{os.minor(number)}"


def _mounts(root: Path) -> dict[str, tuple[str, str]]:
    """Where devices are mounted, by their numbers, and as what."""
    found = {}
    for line in (root / "proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        found[words[2]] = (words[4], words[words.index("-") + 1])
    return found


def _refuse_used(path: Path, sysfs: Path, root: Path) -> None:
    """Whatever of it may be anybody's."""
    if (sysfs / "partition").exists():
        raise KmapbenchError(f"{path}: a partition: name a whole device that nobody needs")
    if any(sysfs.glob("*/partition")):
        raise KmapbenchError(f"{path}: has partitions: name a device that nobody needs")
    if mounted := _mounts(root).get(subprocesses.value(sysfs / "dev") or ""):
        raise KmapbenchError(
            f"{path}: mounted on {mounted[0]}: unmount it if it is not needed, or give --on"
            f" {mounted[0]}"
        )
    if any(sysfs.glob("holders/*")):
        raise KmapbenchError(
            f"{path}: in use by {next(sysfs.glob('holders/*')).name}: name a device that nobody"
            " needs"
        )
    if root == Path("/"):
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_EXCL))
        except OSError as error:
            raise KmapbenchError(
                f"{path}: {error.strerror}: name a device that nobody needs"
            ) from None


def _near(sysfs: Path, root: Path) -> tuple[str, ...]:
    """Where memory is not the same for all CPUs: processes and their memory at the device's."""
    node = subprocesses.value(sysfs / "device/numa_node")
    if node in (None, "-1") or len(list((root / "sys/devices/system/node").glob("node[0-9]*"))) < 2:
        return ()
    return (f"--numa_cpu_nodes={node}", f"--numa_mem_policy=bind:{node}")
