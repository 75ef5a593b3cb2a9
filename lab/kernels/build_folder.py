# SPDX-License-Identifier: Apache-2.0
"""A kernel in the folder in which make has built it: O=, or the source itself.

Nothing in it is changed: the cache gets a tree of links to it.
"""

from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.kernels.kernel_tree import KernelTree

_RELEASE = Path("include/config/kernel.release")
_IMAGE = Path("arch/x86/boot/bzImage")

# What a kernel and its modules are made of, beside the image.
_NEEDED = (Path(".config"), Path("System.map"), Path("Module.symvers"), Path("Makefile"))


def is_one(folder: Path) -> bool:
    """Whether a kernel is built, or was begun to be built, in a folder."""
    return (folder / _RELEASE).is_file() or (folder / _IMAGE).is_file()


def release(folder: Path) -> str:
    """The release of the kernel; a KmapbenchError says what make has not made yet."""
    missing = [path for path in (_IMAGE, _RELEASE, *_NEEDED) if not (folder / path).is_file()]
    if missing:
        raise KmapbenchError(f"{folder}: not built to the end, {missing[0]} is missing: run make")
    return (folder / _RELEASE).read_text().strip()


def files(folder: Path) -> dict[str, Path]:
    """What a kernel tree has of it: name in the tree -> file. Modules are those of the build."""
    name = release(folder)
    modules = f"lib/modules/{name}"
    found = {
        f"boot/vmlinuz-{name}": folder / _IMAGE,
        f"boot/config-{name}": folder / ".config",
        f"boot/System.map-{name}": folder / "System.map",
        f"boot/vmlinux-{name}": folder / "vmlinux",
        f"{modules}/modules.builtin": folder / "modules.builtin",
        f"usr/src/linux-headers-{name}": folder,
    }
    for path in _modules(folder):
        found[f"{modules}/kernel/{path}"] = folder / path
    return {target: path for target, path in found.items() if path.exists()}


def _modules(folder: Path) -> list[str]:
    """Paths of the modules that make has made, in its order; those of kbuild's list that are not
    there are left out.
    """
    listed = folder / "modules.order"
    if not listed.is_file():
        return []
    # ".o" since Linux 6.3, before that "kernel/....ko"
    lines = (line.removeprefix("kernel/") for line in listed.read_text().split())
    paths = (f"{line.rpartition('.')[0]}.ko" for line in lines)
    return [path for path in paths if (folder / path).is_file()]


def link(folder: Path, tree: Path) -> KernelTree:
    """A tree of links to the kernel of a folder, made in an empty one."""
    for name, path in files(folder).items():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path.resolve())
    (tree / "lib" / "modules" / release(folder)).mkdir(parents=True, exist_ok=True)
    return KernelTree(tree, release(folder))
