# SPDX-License-Identifier: Apache-2.0
"""Kernels that are there already: installed on this machine, or in a folder that the user names.

A folder looks as packages unpack: boot/vmlinuz-RELEASE (or vmlinuz among the modules),
lib/modules/RELEASE or usr/lib/modules/RELEASE, usr/src/linux-headers-RELEASE or the modules' build.
Nothing in it is changed: the cache gets a tree of links to it.
"""

import hashlib
import os
import tempfile
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
    return [tree.release for tree in trees if tree.image.exists() and _headers(tree)]


def use(folder: Path, cache: Path, release: str | None = None) -> KernelTree:
    """The kernel of a folder; release: which of several."""
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
    headers = _headers(source)
    if headers is None:
        raise KmapbenchError(f"{source.headers}: no headers of {release} to build a module with")
    final = cache / "kernels" / f"folder-{release}-{_digest(source, headers)}"
    if not final.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".unpacking-") as scratch:
            _link(source, headers, Path(scratch) / "tree", final)
            (Path(scratch) / "tree").rename(final)
    return KernelTree(final, release)


def _headers(tree: KernelTree) -> Path | None:
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


def _digest(tree: KernelTree, headers: Path) -> str:
    """Of what the kernel and a module for it depend on."""
    digest = hashlib.sha256(
        f"{tree.folder}\0{tree.image.stat().st_size}\0{tree.image.stat().st_mtime_ns}".encode()
    )
    for name in (".config", "Module.symvers"):
        if (headers / name).exists():
            digest.update((headers / name).read_bytes())
    return digest.hexdigest()[:16]
