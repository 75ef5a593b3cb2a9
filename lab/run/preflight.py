# SPDX-License-Identifier: Apache-2.0
"""What `run` is going to do, and all that can be said against it before anything slow. Changes
nothing.

Standard library only, for the launcher asks before anything is installed.
"""

import fcntl
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from formats.campaign_format import USER_SPACE
from lab.campaign import schedule
from lab.campaign.schedule import Step
from lab.core import bench_command, subprocesses
from lab.core.dirs import RESULTS, build_dir, cache_path
from lab.core.errors import CommandFailed, KmapbenchError
from lab.host import bench_program
from lab.kernels import debian_kernels, source_build
from lab.kernels.variants import Image
from lab.run.plan import Plan
from lab.workloads.fio import on_host
from lab.workloads.fio.presets import Preset

if TYPE_CHECKING:
    from lab.workloads.micro import Work

# Room that is taken, in MiB, on the safe side.
CAMPAIGN_MIB = 20  # the report of a campaign
BOOT_MIB = 4  # records, console and counts of a boot
DISTRIBUTION_MIB = 1500  # a kernel's packages, fetched and unpacked
SOURCE_MIB = 1900  # a source package, fetched and unpacked
BUILDING_MIB = 4000  # the folder of one kernel build; builds go one at a time
BUILT_MIB = 800  # what is kept of one

_FS_IOC_FSGETXATTR = 0x801C581F  # linux/fs.h
_FS_XFLAG_DAX = 0x8000


def kernel_case_names() -> Path:
    """The list of the module's cases, made by the build."""
    return build_dir() / "bench" / "case-names" / "kernel-cases.txt"


# What is measured


def asks_kernel(plan: Plan) -> bool:
    """Whether anything is asked of a kernel; before the build, whether it may be."""
    if plan.only == "user" or plan.cases.startswith("user/"):
        return False
    return _has_kernel_case(plan) is not False


def asks_lab(plan: Plan) -> bool:
    """Whether the emulator is needed."""
    return asks_kernel(plan) and not plan.here


def models(plan: Plan) -> list[str]:
    """Names of the user models that are asked for; kmap_bench has to be built."""
    return (
        bench_program.matching(bench_command.built(), plan.cases, bench_command.USER)
        if plan.only in (None, "user")
        else []
    )


def _has_kernel_case(plan: Plan) -> bool | None:
    """Whether --cases means any kernel case, the module's or kmap_bench's own; None: it is not
    built.
    """
    if plan.only == "dax" or plan.cases in ("default", "all"):
        return True
    try:
        names = kernel_case_names().read_text().split()
        return bool(
            bench_command.matching(names, plan.cases)
            or bench_program.matching(bench_command.built(), plan.cases, bench_command.KERNEL)
        )
    except (CommandFailed, OSError):
        return None  # nor does a program run here that was built elsewhere


def steps(plan: Plan) -> list[Step]:
    """All steps of a plan, in the order in which they begin: the lab's, the running kernel's, user
    models.
    """
    planned = []
    if asks_kernel(plan) and plan.here:
        planned.append(Step(plan.label, 1))
    elif asks_kernel(plan):
        planned += schedule.steps(
            [variant.name for variant in plan.variants], plan.boots, plan.seed, baseline(plan)
        )
    if models(plan):
        planned.append(Step(USER_SPACE, 1))
    if not planned:
        raise no_case(plan)
    return planned


def workload(plan: Plan) -> "Work":
    """What boots of the lab measure."""
    from lab.workloads.fio.workload import Dax
    from lab.workloads.micro import KernelCases

    if plan.only == "dax":
        return Dax(_preset(plan), bench_command.built())
    return KernelCases(plan.cases, bench_command.built())


def no_case(plan: Plan) -> KmapbenchError:
    """What is said where --cases means nothing that the plan can measure."""
    from lab.workloads import micro

    kinds = {"user": "user model", "micro": "kernel case"}
    return micro.no_case(plan.cases, kinds.get(plan.only or "", "case"))


def baseline(plan: Plan) -> str | None:
    """Whose boots the A/A row is made of: the first unpatched variant, else the first."""
    names = [variant.name for variant in sorted(plan.variants, key=lambda variant: variant.patched)]
    return names[0] if names else None


# What can be said against it


def check_options(plan: Plan) -> None:
    """A KmapbenchError where the options cannot be followed, whatever is installed and built."""
    if plan.only == "dax":
        _preset(plan)
    if plan.out:
        check_folder(plan.out)
    if plan.resume:
        from lab.campaign import store

        store.peek(plan.resume)
    _check_cases(plan)


def check_folder(folder: Path) -> None:
    """A KmapbenchError where no campaign can be begun in a folder of this name."""
    if folder.exists() or folder.is_symlink():
        raise KmapbenchError(f"{folder}: there already; give another --out")
    _check_writable(folder, _nearest(folder.parent), "give another --out")


def check_machine(plan: Plan) -> None:
    """A KmapbenchError where this machine is not one that the plan can be measured on, or has no
    room for it.
    """
    for problem in machine_problems(plan):
        raise problem


def machine_problems(plan: Plan) -> Iterator[KmapbenchError]:
    """All that check_machine() would say."""
    for check in (_check_here, _check_on, _check_results, _check_room):
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
        found = bool(models(plan)) or asks_kernel(plan)
    except (CommandFailed, OSError):
        return
    if not found:
        raise no_case(plan)


def _check_results(plan: Plan) -> None:
    """A checkout may be read-only."""
    if not plan.out and not plan.resume:
        _check_writable(RESULTS / "NAME", RESULTS, "give --out DIR")


def _check_here(plan: Plan) -> None:
    """The running kernel has to take our module."""
    if plan.here and plan.only != "dax" and asks_kernel(plan):
        from lab.host import running_kernel

        running_kernel.needs()
        running_kernel.running_kernel(os.uname().release)


def _check_on(plan: Plan) -> None:
    """What --on names has to be measurable, and a folder mounted so that files in it are DAX."""
    if not plan.on:
        return
    path = Path(plan.on)
    if on_host.look(path).kind and not _is_dax(path):
        raise KmapbenchError(
            f"{path}: files there are not DAX: mount its file system with dax=always, on persistent"
            " memory"
        )


def _is_dax(folder: Path) -> bool:
    """By the mount, else by the flag that new files there inherit."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
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


@dataclass(frozen=True)
class Room:
    """What is needed on the disk that a folder is on."""

    folder: Path
    mib: int
    why: str

    @property
    def free_mib(self) -> int | None:
        """None: the file system does not say, as one that is memory and nothing else."""
        usage = shutil.disk_usage(_nearest(self.folder))
        return usage.free >> 20 if usage.total else None


def rooms(plan: Plan) -> list[Room]:
    """Room for the campaign, and in the cache for kernels that are not there yet."""
    boots = (max(1, len(plan.variants)) * plan.boots if asks_kernel(plan) else 0) + 1
    needed = [
        Room(plan.out or plan.resume or RESULTS, CAMPAIGN_MIB + BOOT_MIB * boots, "the campaign")
    ]
    if not asks_lab(plan):
        return needed
    folder = cache_path()
    if missing := images_to_build(plan):
        sources = {
            image.source
            for image in missing
            if not list((folder / "sources").glob(f"{image.source}_*"))
        }
        mib = BUILDING_MIB + BUILT_MIB * len(missing) + SOURCE_MIB * len(sources)
        needed.append(Room(folder, mib, "building kernels"))
    if any(variant.image is None for variant in plan.variants) and not debian_kernels.fetched(
        folder
    ):
        needed.append(Room(folder, DISTRIBUTION_MIB, "the distribution's kernel"))
    return needed


def _check_room(plan: Plan) -> None:
    """Each disk has to have room for all that goes on it."""
    by_disk: dict[int, list[Room]] = {}
    for room in rooms(plan):
        by_disk.setdefault(_nearest(room.folder).stat().st_dev, []).append(room)
    for together in by_disk.values():
        needed, free = sum(room.mib for room in together), together[0].free_mib
        if free is not None and free < needed:
            what = " and ".join(dict.fromkeys(room.why for room in together))
            places = " and ".join(dict.fromkeys(str(room.folder) for room in together))
            raise KmapbenchError(
                f"{places}: {free:,d} MiB free, and {what} may take {needed:,d} MiB: "
                "make room, or choose other folders by --out and KMAPBENCH_CACHE"
            )


def images_to_build(plan: Plan) -> list[Image]:
    """Images of the plan that are not in the cache, each once; all, where nobody can say."""
    images = {variant.image.name: variant.image for variant in plan.variants if variant.image}
    if not subprocesses.has("gcc"):  # whose version is part of a kernel's name
        return list(images.values())
    return [image for image in images.values() if not _is_built(image, cache_path())]


@cache
def _is_built(image: Image, folder: Path) -> bool:
    return source_build.is_built(image, folder)  # asks apt, which takes a moment


def _preset(plan: Plan) -> Preset:
    from lab.workloads.fio.workload import preset_of

    return preset_of(plan.preset, here=plan.here)


def _check_writable(folder: Path, there: Path, mend: str) -> None:
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        what = "cannot be written" if there.is_dir() else "is no folder"
        raise KmapbenchError(f"{folder}: cannot be made, {there} {what}; {mend}")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.exists())


# Which packages it takes


def groups(plan: Plan) -> list[str]:
    """The groups of requirements.toml that a plan needs."""
    needed = ["python", "build"]
    if plan.only == "dax":
        needed.append("fio")
    if asks_kernel(plan) and not (plan.here and plan.only == "dax"):
        needed.append("module")
    if asks_lab(plan):
        needed.append("lab")
        if images_to_build(plan):
            needed.append("kernel-build")
    return needed
