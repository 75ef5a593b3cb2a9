# SPDX-License-Identifier: Apache-2.0
"""A kernel that the user has built: where make has built it, packed by make or a distribution, or
installed. It is booted as it is.
"""

import tempfile
from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.kernels import build_folder, deb_kernel, kconfig, kernel_folder, needs, supported
from lab.kernels.kernel_tree import KernelTree


def use(path: Path, cache: Path) -> KernelTree:
    """The kernel of a folder or package, as a tree in the cache: links, and what was unpacked.

    path: a build folder (O=), what `make dir-pkg` makes, a linux-image-*.deb with the headers
    beside it or a folder of them, lib/modules/RELEASE below the folder of an installed kernel, or
    such a folder with one kernel.
    """
    if deb_kernel.is_one(path):
        return deb_kernel.unpack(path, cache)
    if build_folder.is_one(path):
        return _use_build(path, cache)
    folder, release = _installed(path)
    return kernel_folder.use(folder, cache, release)


def check(path: Path) -> None:
    """A KmapbenchError where a kernel cannot be booted or measured, as far as its files tell."""
    if not path.exists():
        raise KmapbenchError(f"{path}: no such file or folder")
    release, text, headers = _described(path)
    if headers and (refusal := supported.refusal(release, headers)):
        raise KmapbenchError(f"{path}: {refusal}")
    if unmet := needs.unmet(kconfig.parse(text), is_built=True):
        more = f" (and {len(unmet) - 1} more: kmapbench kernels needs)" if unmet[1:] else ""
        raise KmapbenchError(f"{path}: its configuration will not do: {unmet[0]}{more}")


def _described(path: Path) -> tuple[str, str, Path | None]:
    """Release, configuration and headers of a kernel; None: they are not unpacked yet."""
    if deb_kernel.is_one(path):
        return deb_kernel.packages(path)[0], deb_kernel.config(path), None
    if build_folder.is_one(path):
        return build_folder.release(path), (path / ".config").read_text(), path
    tree = kernel_folder.find(*_installed(path))
    headers = kernel_folder.headers_of(tree)
    assert headers is not None  # find() has seen them
    config = tree.config if tree.config.exists() else headers / ".config"
    return tree.release, config.read_text(), headers


def _installed(path: Path) -> tuple[Path, str | None]:
    """The folder of an installed kernel, and its release where the path says it."""
    parts = path.absolute().parts
    if parts[-3:-1] != ("lib", "modules"):
        return path, None
    above = parts[: -4 if parts[-4:-3] == ("usr",) else -3]
    return Path(*above), parts[-1]


def _use_build(folder: Path, cache: Path) -> KernelTree:
    files = build_folder.files(folder)
    release = build_folder.release(folder)
    image = files.pop(f"boot/vmlinuz-{release}")
    parts = [path for path in files.values() if path.is_file() and path.name != "vmlinux"]
    parts.append(folder / "Module.symvers")
    digest = kernel_folder.digest(folder, image, sorted(parts))
    final = cache / "kernels" / f"folder-{release}-{digest}"
    if not final.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".unpacking-") as scratch:
            build_folder.link(folder, Path(scratch) / "tree")
            (Path(scratch) / "tree").rename(final)
    return KernelTree(final, release)
