# SPDX-License-Identifier: Apache-2.0
"""`kmapbench kernels build --deb`: our kernels as packages that are installed and removed as the
distribution's own are.
"""

import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from formats import exit_codes
from formats.cache_folder import cache_path
from lab.core.errors import KmapbenchError
from lab.core.time_left import in_words
from lab.kernels import bases, config_choice, image_check, kernel_cache, source_build
from lab.kernels.variant import DISTRIBUTION_CONFIG, Image, Variant

# Room in the cache for one build, on the safe side, in MiB: with a distribution's thousands of
# modules, and with what our own configurations build in.
_MANY_MODULES_MIB, _BUILT_IN_MIB = 12_000, 4_000


def plan(chosen: Sequence[Variant], config: str | None, base: str | None) -> list[Image]:
    """What the packages of variants are built of, one of each kernel. A KmapbenchError says what
    stands against it.
    """
    images: dict[str, Image] = {}
    for variant in chosen:
        if variant.image is None:
            whose = f"in {variant.built}" if variant.built else "the distribution's own"
            raise KmapbenchError(
                f"{variant.name}: its kernel is {whose}, and nothing is built for it: name another"
                " variant (kmapbench kernels)"
            )
        try:
            image = config_choice.as_packages(variant.image, config, bases.find(base))
        except KmapbenchError as error:
            raise KmapbenchError(f"--config {config}: {error}") from None
        image_check.check(image)
        images[image.name] = image
    return list(images.values())


def check_out(folder: Path | None) -> None:
    """A KmapbenchError where packages cannot be put into a folder."""
    if folder is None:
        return
    nearest = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if not nearest.is_dir():
        raise KmapbenchError(f"--out {folder}: {nearest} is no folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise KmapbenchError(f"--out {folder}: {nearest} cannot be written to")


def build(images: Sequence[Image], out: Path | None) -> int:
    """Builds packages that are not in the cache, puts all of them into a folder, if one is named,
    and prints how they are installed and removed.
    """
    from lab.core.dirs import cache_dir
    from lab.core.progress import Display

    cache = cache_dir()
    _check_room(images)
    with Display() as display:
        source_build.provide(images, cache, display)
    lines = []
    placed: list[Path] = []
    for image in images:
        packages = source_build.fetch_packages(image, cache, display.say)
        there = [_place(package, out) for package in packages]
        seconds = kernel_cache.last_seconds(image, cache)
        took = f" (built in {in_words(seconds)})" if seconds else ""
        lines.append(f"{image.name}{took}:")
        lines += [f"  {path}  {path.stat().st_size / 1e6:.1f} MB" for path in there]
        placed += there
    names = [path.name.partition("_")[0] for path in placed]
    # Other packages of the same kernels may have a higher version, which means nothing.
    install = ["sudo", "apt", "install", "--allow-downgrades", *map(str, placed)]
    lines += ["install:", f"  {shlex.join(install)}"]
    lines += ["remove:", f"  {shlex.join(['sudo', 'apt', 'purge', *names])}"]
    print("\n".join(lines))
    return exit_codes.OK


def _place(package: Path, out: Path | None) -> Path:
    """Where a package is for the user: linked or copied into a folder, if one is named."""
    if out is None:
        return package
    out.mkdir(parents=True, exist_ok=True)
    target = out.absolute() / package.name
    if target.exists() and target.samefile(package):
        return target
    half = target.with_name(f".{target.name}.half")
    half.unlink(missing_ok=True)
    try:
        half.hardlink_to(package)
    except OSError:  # another file system
        shutil.copyfile(package, half)
    return half.replace(target)


def _check_room(images: Sequence[Image]) -> None:
    """A KmapbenchError where the cache has no room for the build of what is not there yet."""
    cache = cache_path()
    missing = [image for image in images if not kernel_cache.is_built(image, cache)]
    if not missing:
        return
    needed = max(map(_mib, missing))
    nearest = next(one for one in (cache, *cache.parents) if one.exists())
    free = shutil.disk_usage(nearest).free >> 20
    if free < needed:
        raise KmapbenchError(
            f"{cache}: a kernel build needs {needed:,d} MiB, and {free:,d} MiB are free: make room,"
            " or name another folder by KMAPBENCH_CACHE"
        )


def _mib(image: Image) -> int:
    has_modules = image.base == DISTRIBUTION_CONFIG or image.config is not None
    return _MANY_MODULES_MIB if has_modules else _BUILT_IN_MIB
