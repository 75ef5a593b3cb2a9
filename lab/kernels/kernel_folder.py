# SPDX-License-Identifier: Apache-2.0
"""Kernels that are installed: on this machine, or in a folder that the user names.

A folder looks as packages unpack: boot/vmlinuz-RELEASE (or vmlinuz among the modules),
lib/modules/RELEASE or usr/lib/modules/RELEASE, usr/src/linux-headers-RELEASE or the modules' build.
Nothing in it is changed: the cache gets a tree of links to it.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.kernels.kernel_tree import KernelTree, relocated

_LAYOUT = "boot/vmlinuz-*, lib/modules/* and usr/src/linux-headers-*, as packages unpack to"


def releases(folder: Path) -> list[str]:
    """Releases of the kernels in a folder that can be measured: with image, modules and headers."""
    found = {
        path.name for lib in ("lib", "usr/lib") for path in (folder / lib / "modules").glob("*")
    }
    trees = [KernelTree(folder, release) for release in sorted(found)]
    return [tree.release for tree in trees if tree.image.exists() and headers_of(tree)]


def find(folder: Path, release: str | None = None) -> KernelTree:
    """The kernel of a folder, where it is. release: which of several; None: there has to be one."""
    if release is None:
        there = releases(folder)
        if len(there) != 1:
            has = (
                f"has several kernels ({', '.join(there)})"
                if there
                else "has no kernel with headers"
            )
            raise KmapbenchError(f"{folder}: {has}: it has to hold one, {_LAYOUT}")
        (release,) = there
    source = KernelTree(folder, release)
    if not os.access(source.image, os.R_OK):
        raise KmapbenchError(
            f"{source.image}: cannot be read: sudo chmod a+r {source.image}, or run this as root"
        )
    if headers_of(source) is None:
        raise KmapbenchError(f"{source.headers}: no headers of {release} to build a module with")
    return source


def use(folder: Path, cache: Path, release: str | None = None) -> KernelTree:
    """The kernel of a folder, as a tree of links in the cache. release: which of several."""
    source = find(folder, release)
    headers = headers_of(source)
    assert headers is not None  # find() has seen them
    parts = [headers / ".config", headers / "Module.symvers"]
    final = cache / "kernels" / f"folder-{source.release}-{digest(folder, source.image, parts)}"
    if not final.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".unpacking-") as scratch:
            _link(source, headers, Path(scratch) / "tree", final)
            (Path(scratch) / "tree").rename(final)
    return KernelTree(final, source.release)


def headers_of(tree: KernelTree) -> Path | None:
    """What modules for a kernel are built against, as a path without links; None: nothing that is
    there.
    """
    for path in (tree.headers, tree.modules / "build"):
        if (path / "Makefile").exists():
            return path.resolve()
    return None


def _link(source: KernelTree, headers: Path, tree: Path, final: Path) -> None:
    """A tree of links to a kernel's files, which will be found at final."""
    named = KernelTree(tree, source.release)
    for name in ("boot", "lib/modules", "usr/src"):
        (tree / name).mkdir(parents=True)
    for target, path in (
        (named.image, source.image),
        (named.config, source.config),
        (named.symbols, source.symbols),
        (named.vmlinux, source.vmlinux),
    ):
        if path.exists():
            target.symlink_to(path.resolve())
    if not named.config.exists():
        named.config.symlink_to(headers / ".config")
    named.modules.symlink_to(source.modules.resolve())
    makefile = (headers / "Makefile").read_text()
    moved = relocated(makefile, source.folder)
    if source.folder == Path("/") or moved == makefile:
        named.headers.symlink_to(headers)
        return
    named.headers.mkdir()
    for path in headers.iterdir():
        if path.name != "Makefile":
            (named.headers / path.name).symlink_to(path.resolve())
    # Its own folder is this one, the other half the one that was named.
    own = f"{source.folder}/usr/src/{headers.name}\n"
    (named.headers / "Makefile").write_text(
        moved.replace(own, f"{final}/usr/src/{named.headers.name}\n")
    )


def digest(folder: Path, image: Path, parts: Iterable[Path]) -> str:
    """Of a kernel that lies in a folder: of where that is, of the image's bytes, and of those of
    other files, as far as they are there. Of modules, which are many, size and time.
    """
    value = hashlib.sha256(f"{folder.absolute()}\0".encode())
    for path in (image, *parts):
        if path.suffix == ".ko":
            value.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}\0".encode())
        elif path.exists():
            value.update(hashlib.sha256(path.read_bytes()).digest())
    return value.hexdigest()[:16]
