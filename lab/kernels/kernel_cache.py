# SPDX-License-Identifier: Apache-2.0
"""Our own kernels that stand in the cache, and packages of them, each in a folder named by all that
goes into it.
"""

import hashlib
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.kernels import configuration, source_checkout, toolchain
from lab.kernels.variant import Image

# Counts up when what is kept of a build, or how it is built, changes.
_RECIPE = 1
# Another word likewise for packages.
_PACKAGE_RECIPE = "packed"


def built(image: Image, cache: Path) -> Path | None:
    """Where the kernel of an image as it is now stands in the cache, of the newest source there;
    None: nowhere.
    """
    version = source_checkout.version(image) if image.tree else "*"
    found = list(_place(image, cache).glob(folder(image, version, cache).name))
    return max(found, key=lambda folder: folder.stat().st_mtime) if found else None


def is_built(image: Image, cache: Path) -> bool:
    """Whether provide() would find it in the cache; where no source is offered, whether any is
    there.
    """
    try:
        return folder(image, source_checkout.version(image), cache).is_dir()
    except KmapbenchError:
        return built(image, cache) is not None


def last_seconds(image: Image, cache: Path) -> float | None:
    """How long the last build of this image took here; None: nobody knows."""
    return _last(image, cache, "seconds")


def functions(folder: Path) -> list[tuple[int, int, str]]:
    """All functions of a built kernel, by address: where each begins, its bytes, its name."""
    (vmlinux,) = (folder / "boot").glob("vmlinux-*")
    rows = (
        line.split()
        for line in subprocesses.output(
            [subprocesses.find("nm", "binutils"), "-S", vmlinux]
        ).splitlines()
    )
    return sorted(
        (int(row[0], 16), int(row[1], 16), row[3])
        for row in rows
        if len(row) == 4 and row[2] in "tTwW"
    )


def code_bytes(folder: Path) -> int:
    """How large all functions of a built kernel are together. Its .text is padded to whole large
    pages, and says nothing.
    """
    return sum(size for _, size, _ in functions(folder))


def last_steps(image: Image, cache: Path) -> float | None:
    """How many files make told of in the last build of this image here; None: nobody knows."""
    return _last(image, cache, "steps")


def _last(image: Image, cache: Path, name: str) -> float | None:
    """A number that the last build of this image left in its folder."""
    there = _place(image, cache).glob(f"{_stem(image)}_*/{name}")
    written = sorted(there, key=lambda path: path.stat().st_mtime)
    return float(written[-1].read_text()) if written else None


def folder(image: Image, version: str, cache: Path) -> Path:
    """Where the kernel of an image, of this version of its source, stands or would stand."""
    name = f"{_stem(image)}_{version.replace(':', '%')}_{digest(image)}"
    return _place(image, cache) / name


def _place(image: Image, cache: Path) -> Path:
    return cache / ("packages" if image.packed else "kernels")


def _stem(image: Image) -> str:
    return f"{image.name}-{image.packed}" if image.packed else image.name


def digest(image: Image) -> str:
    """Of all that goes into a kernel beside its source. Of a fragment that is what it asks for, not
    how it says so.
    """
    compilers = toolchain.versions(image.toolchain)
    value = hashlib.sha256(f"{_RECIPE}\0{image.base}\0{compilers}\0".encode())
    value.update(configuration.identity(image).encode() + b"\0")
    for patch in image.patches:
        value.update(patch.read_bytes() + b"\0")
    if image.packed:
        value.update(_PACKAGE_RECIPE.encode() + b"\0")
    for word in (image.toolchain, *image.make):
        value.update(word.encode() + b"\0" if word else b"")
    return value.hexdigest()[:16]
