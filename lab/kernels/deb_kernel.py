# SPDX-License-Identifier: Apache-2.0
"""A kernel in packages (.deb) that the user has: image, and beside it headers and what else they
depend on.
"""

import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import CommandFailed, KmapbenchError
from lab.kernels.kernel_tree import KernelTree, relocate_headers

_IMAGE = re.compile(r"linux-image-(?:unsigned-)?(?P<release>.*?)(?:-unsigned)?")
_NO_IMAGE = re.compile(r"-dbg(sym)?$")


def is_one(path: Path) -> bool:
    """Whether a path is a package, or a folder of packages."""
    return path.suffix == ".deb" or (path.is_dir() and any(path.glob("linux-image-*.deb")))


def packages(path: Path) -> tuple[str, list[Path]]:
    """The release of the kernel, and its packages, the image first.

    path: the image's package, or a folder that has one. A KmapbenchError says what is missing.
    """
    folder = path.parent if path.suffix == ".deb" else path
    there = {file: _fields(file) for file in sorted(folder.glob("*.deb"))}
    images = [file for file, (name, *_) in there.items() if release_of(name)]
    if path.suffix == ".deb":
        if path not in there or not release_of(there[path][0]):
            raise KmapbenchError(f"{path}: no package of a kernel image (linux-image-*)")
        images = [path]
    if len(images) != 1:
        names = ", ".join(file.name for file in images) or "none"
        raise KmapbenchError(f"{path}: has to hold one linux-image-*.deb, and has {names}")
    release = release_of(there[images[0]][0])
    assert release is not None  # else it would be none of the images
    by_name = {
        name: file for file, (name, version, _) in there.items() if version == there[images[0]][1]
    }
    headers = by_name.get(f"linux-headers-{release}")
    if headers is None:
        raise KmapbenchError(
            f"{images[0]}: linux-headers-{release}, of the same version, is not beside it"
        )
    wanted = [images[0], headers]
    for file in wanted:  # which grows meanwhile
        depends = re.findall(r"\blinux-[\w.+-]+", there[file][2])
        wanted += [
            by_name[name] for name in depends if name in by_name and by_name[name] not in wanted
        ]
    return release, wanted


def config(path: Path) -> str:
    """The text of the kernel's configuration, read from its package."""
    release, wanted = packages(path)
    for package in wanted:
        with subprocess.Popen(
            [subprocesses.find("dpkg-deb", "dpkg"), "--fsys-tarfile", package],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None  # a pipe, as asked for
            try:
                with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                    for member in archive:
                        if member.name.endswith(f"/config-{release}") and member.isfile():
                            file = archive.extractfile(member)
                            return file.read().decode(errors="replace") if file else ""
            except tarfile.TarError as error:
                raise KmapbenchError(f"{package}: cannot be read ({error})") from None
            finally:
                process.terminate()
    raise KmapbenchError(f"{path}: no config-{release} in it")


def unpack(path: Path, cache: Path) -> KernelTree:
    """The kernel of packages, unpacked into the cache."""
    release, wanted = packages(path)
    digest = hashlib.sha256()
    for package in wanted:
        digest.update(hashlib.sha256(package.read_bytes()).digest())
    final = cache / "kernels" / f"deb-{release}-{digest.hexdigest()[:16]}"
    if not final.is_dir():
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".unpacking-") as scratch:
            tree = Path(scratch) / "tree"
            for package in wanted:
                extract(package, tree)
            relocate_headers(tree, final)
            tree.rename(final)
    return KernelTree(final, release)


def extract(package: Path, tree: Path) -> None:
    """Unpacks the files of a package below tree, which is in the cache."""
    try:
        subprocesses.output([subprocesses.find("dpkg-deb", "dpkg"), "-x", package, tree])
    except CommandFailed as error:
        free = shutil.disk_usage(tree.parent).free >> 20
        raise KmapbenchError(
            f"{package.name} cannot be unpacked in the cache ({free} MiB free): {error}"
        ) from None


def _fields(package: Path) -> tuple[str, str, str]:
    """Name, version and dependencies of a package."""
    try:
        said = subprocesses.output(
            [
                *(subprocesses.find("dpkg-deb", "dpkg"), "--showformat"),
                "${Package}\n${Version}\n${Depends}\n",
                *("-W", package),
            ]
        )
    except CommandFailed as error:
        raise KmapbenchError(f"{package}: no package: {error}") from None
    name, version, depends = (said.split("\n") + ["", "", ""])[:3]
    return name, version, depends


def release_of(name: str) -> str | None:
    """The kernel release of an image package's name; None: it is none."""
    match = _IMAGE.fullmatch(name)
    return None if match is None or _NO_IMAGE.search(name) else match["release"]
