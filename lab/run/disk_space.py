# SPDX-License-Identifier: Apache-2.0
"""Disk space that a campaign takes, and kernels that are to be built for it."""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from formats.cache_folder import cache_path
from lab.core import subprocesses
from lab.core.dirs import RESULTS
from lab.kernels import debian_kernels, kernel_cache
from lab.kernels.variant import Image
from lab.run import selection
from lab.run.plan import Plan

# Room that is taken, in MiB, on the safe side.
CAMPAIGN_MIB = 20  # the report of a campaign
BOOT_MIB = 4  # records, console and counts of a boot
DISTRIBUTION_MIB = 1500  # a kernel's packages, fetched and unpacked
SOURCE_MIB = 1900  # a source package, fetched and unpacked, or the copy of a git tree
BUILDING_MIB = 4000  # the folder of one kernel build; builds go one at a time
BUILT_MIB = 800  # what is kept of one


@dataclass(frozen=True)
class Room:
    """What is needed on the disk that a folder is on."""

    folder: Path
    mib: int
    why: str

    @property
    def free_mib(self) -> int | None:
        """None: the file system does not say, as one that is memory and nothing else."""
        usage = shutil.disk_usage(nearest(self.folder))
        return usage.free >> 20 if usage.total else None


def rooms(plan: Plan) -> list[Room]:
    """Room for the campaign, and in the cache for kernels that are not there yet."""
    boots = (max(1, len(plan.variants)) * plan.boots if selection.asks_kernel(plan) else 0) + 1
    needed = [
        Room(plan.out or plan.resume or RESULTS, CAMPAIGN_MIB + BOOT_MIB * boots, "the campaign")
    ]
    if not selection.asks_lab(plan):
        return needed
    folder = cache_path()
    if missing := images_to_build(plan):
        sources = {
            image.source
            for image in missing
            if not image.tree and not list((folder / "sources").glob(f"{image.source}_*"))
        }
        copies = len(sources) + any(image.tree for image in missing)  # one tree at a time
        mib = BUILDING_MIB + BUILT_MIB * len(missing) + SOURCE_MIB * copies
        needed.append(Room(folder, mib, "building kernels"))
    if takes_packages(plan) and not debian_kernels.fetched(folder):
        needed.append(Room(folder, DISTRIBUTION_MIB, "the distribution's kernel"))
    return needed


def takes_packages(plan: Plan) -> bool:
    """Whether one of its kernels comes from the distribution's packages."""
    is_there = plan.kernel is not None and debian_kernels.is_folder(plan.kernel)
    return not is_there and any(variant.packaged for variant in plan.variants)


def images_to_build(plan: Plan) -> list[Image]:
    """Images of the plan that are not in the cache, each once; all, where nobody can say."""
    images = {variant.image.name: variant.image for variant in plan.variants if variant.image}
    if not subprocesses.has("gcc"):  # whose version is part of a kernel's name
        return list(images.values())
    return [image for image in images.values() if not _is_built(image, cache_path())]


@cache
def _is_built(image: Image, folder: Path) -> bool:
    return kernel_cache.is_built(image, folder)  # asks apt, which takes a moment


def nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.exists())
