# SPDX-License-Identifier: Apache-2.0
"""What `run` is going to do, and all that can be said against it before anything slow. Changes
nothing.

Standard library only, for the launcher asks before anything is installed.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from formats.cache_folder import cache_path
from formats.conditions import PUBLISH
from lab.core import subprocesses
from lab.core.dirs import RESULTS
from lab.core.errors import CommandFailed, KmapbenchError
from lab.kernels import built_kernel, debian_kernels
from lab.run import disk_space, selection
from lab.run.plan import Plan
from lab.workloads.fio import on_host

_FS_IOC_FSGETXATTR = 0x801C581F  # linux/fs.h
_FS_XFLAG_DAX = 0x8000


def check_options(plan: Plan) -> None:
    """A KmapbenchError where the options cannot be followed, whatever is installed and built."""
    if plan.only == "dax":
        selection.preset(plan)
    if plan.out:
        check_folder(plan.out)
    if plan.resume:
        from lab.campaign import store

        store.peek(plan.resume)
    if plan.kernel and debian_kernels.is_folder(plan.kernel):
        built_kernel.check(Path(plan.kernel))
    _check_cases(plan)


def is_complete(plan: Plan) -> bool:
    """Whether it goes on with a campaign that has all its steps, so that nothing is measured."""
    if not plan.resume:
        return False
    from lab.campaign import rounds, store

    return not rounds.left(store.peek(plan.resume))


def check_folder(folder: Path) -> None:
    """A KmapbenchError where no campaign can be begun in a folder of this name."""
    if folder.exists() or folder.is_symlink():
        raise KmapbenchError(f"{folder}: there already; give another --out")
    _check_writable(folder, disk_space.nearest(folder.parent), "give another --out")


def check_machine(plan: Plan) -> None:
    """A KmapbenchError where this machine is not one that the plan can be measured on, or has no
    room for it.
    """
    for problem in machine_problems(plan):
        raise problem


def machine_problems(plan: Plan) -> Iterator[KmapbenchError]:
    """All that check_machine() would say."""
    for check in (
        _check_here,
        _check_tune,
        _check_level,
        _check_target,
        _check_results,
        _check_cache,
        _check_room,
    ):
        try:
            check(plan)
        except KmapbenchError as error:
            yield error


def _check_cases(plan: Plan) -> None:
    """Where the lists of cases are there; else it is checked when they are."""
    if plan.cases == "":
        raise KmapbenchError("--cases: give default, all or a glob such as 'kernel/*'")
    if plan.only == "dax" or plan.cases in ("default", "all"):
        return
    try:
        found = bool(selection.models(plan)) or selection.asks_kernel(plan)
    except (CommandFailed, OSError):
        return
    if not found:
        raise selection.no_case(plan)


def _check_results(plan: Plan) -> None:
    """A checkout may be read-only."""
    if not plan.out and not plan.resume:
        _check_writable(RESULTS / "NAME", RESULTS, "give --out DIR")


def _check_cache(_: Plan) -> None:
    """Kernels, modules and, for who may not write to the checkout, the build lie there."""
    folder = cache_path()
    _check_writable(folder, disk_space.nearest(folder), "set KMAPBENCH_CACHE to another folder")


def _check_here(plan: Plan) -> None:
    """The running kernel has to take our module."""
    if plan.here and plan.only != "dax" and selection.asks_kernel(plan):
        from lab.host import running_kernel

        running_kernel.needs()
        running_kernel.running_kernel(os.uname().release)


def _check_tune(plan: Plan) -> None:
    """Settings have to be ours to make."""
    if plan.tune:
        from lab.host.tuning import tuned

        tuned.check_can_tune()


def _check_level(plan: Plan) -> None:
    """A machine whose times are to be published has to be fit for it."""
    if plan.level == PUBLISH and not is_complete(plan):
        from lab.host import level_check

        level_check.check_publishable(plan.allow, plan.tune)


def _check_target(plan: Plan) -> None:
    check_on(plan.on)


def check_on(on: str | None, root: Path = Path("/")) -> None:
    """What --on names has to be measurable, and a folder mounted so that files in it are DAX."""
    if not on:
        return
    path = Path(on)
    if on_host.look(path, root).kind and not _is_dax(path, root):
        raise KmapbenchError(
            f"{path}: files there are not DAX: mount its file system with dax=always, on persistent"
            " memory"
        )


def _is_dax(folder: Path, root: Path) -> bool:
    """By the mount, else by the flag that new files there inherit."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in (subprocesses.value(root / "proc/self/mountinfo") or "").splitlines():
        words = line.split()
        if words[2] == number and {"dax", "dax=always"} & set(words[-1].split(",")):
            return True
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = struct.unpack_from("I", fcntl.ioctl(fd, _FS_IOC_FSGETXATTR, bytes(28)))[0]
    except OSError:
        return False
    finally:
        os.close(fd)
    return bool(flags & _FS_XFLAG_DAX)


def _check_room(plan: Plan) -> None:
    """Each disk has to have room for all that goes on it."""
    by_disk: dict[int, list[disk_space.Room]] = {}
    for room in disk_space.rooms(plan):
        by_disk.setdefault(disk_space.nearest(room.folder).stat().st_dev, []).append(room)
    for together in by_disk.values():
        needed, free = sum(room.mib for room in together), together[0].free_mib
        if free is not None and free < needed:
            what = " and ".join(dict.fromkeys(room.why for room in together))
            places = " and ".join(dict.fromkeys(str(room.folder) for room in together))
            raise KmapbenchError(
                f"{places}: {free:,d} MiB free, and {what} may take {needed:,d} MiB: "
                "make room, or choose other folders by --out and KMAPBENCH_CACHE"
            )


def _check_writable(folder: Path, there: Path, mend: str) -> None:
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        what = "cannot be written" if there.is_dir() else "is no folder"
        place = "" if there == folder.absolute() else f"cannot be made, {there} "
        raise KmapbenchError(f"{folder}: {place}{what}; {mend}")


def groups(plan: Plan) -> list[str]:
    """The groups of requirements.toml that a plan needs."""
    if is_complete(plan):
        return ["python"]
    needed = ["python", "build"]
    if plan.only == "dax":
        needed.append("fio")
    if selection.asks_kernel(plan) and not (plan.here and plan.only == "dax"):
        needed.append("module")
    if selection.asks_lab(plan):
        needed.append("lab")
        if disk_space.images_to_build(plan):
            needed.append("kernel-build")
    return needed
