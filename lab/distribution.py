# SPDX-License-Identifier: Apache-2.0
"""The distribution's own kernels: fetched by the package client, unpacked into the cache.

Nothing is installed and no package source is edited.  Versions are never written down
here: distributions withdraw them; what was used stands in campaign.json.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab import tools
from lab.errors import CommandFailed, KmapbenchError

SERIES = ("6.12", "6.1")
RT_SERIES = ("6.12-rt",)  # PREEMPT_RT; never what is taken without being asked for


@dataclass(frozen=True)
class KernelTree:
    """An unpacked kernel: image, modules, configuration and headers to build against."""

    folder: Path
    release: str
    packages: dict[str, str] = field(default_factory=dict)  # name -> version

    @property
    def image(self) -> Path:
        return self.folder / "boot" / f"vmlinuz-{self.release}"

    @property
    def config(self) -> Path:
        return self.folder / "boot" / f"config-{self.release}"

    @property
    def vmlinux(self) -> Path:
        """The kernel with its symbols; packages have none, kernels built here do."""
        return self.folder / "boot" / f"vmlinux-{self.release}"

    @property
    def symbols(self) -> Path:
        """Where a kernel that was built here has its functions; packages say so of none."""
        return self.folder / "boot" / f"System.map-{self.release}"

    @property
    def headers(self) -> Path:
        return self.folder / "usr" / "src" / f"linux-headers-{self.release}"

    @property
    def key(self) -> str:
        """Names what is in the tree; the same key, the same files."""
        return self.folder.name


def fetch(series: str | None, cache: Path, say) -> KernelTree:
    """The kernel of a series ("6.12"; None: the newest of SERIES that is offered), from the cache or unpacked now.

    say: called with a line before anything slow.
    """
    packages = resolve(series)
    image = next(name for name in packages if name.startswith("linux-image-"))
    release = image.removeprefix("linux-image-").removesuffix("-unsigned")
    folder = cache / "kernels" / f"{image}_{packages[image].replace(':', '%')}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as scratch:
            tree = Path(scratch) / "tree"
            download_and_unpack(packages, Path(scratch), tree, say)
            _relocate_headers(tree, folder)
            tools.output([tools.find("depmod", "kmod"), "-b", tree, release])
            tree.rename(folder)
    return KernelTree(folder, release, packages)


def resolve(wanted: str | None) -> dict[str, str]:
    """Packages of a kernel, image and headers, each with its version."""
    for series in (wanted,) if wanted else SERIES:
        number, dash, flavour = series.partition("-")
        for meta in (f"{number}{dash}{flavour}-amd64", f"{flavour}{dash}amd64"):
            release = rf"{re.escape(number)}[.-].*-amd64"
            image = _dependency(f"linux-image-{meta}", f"linux-image-{release}")
            headers = _dependency(f"linux-headers-{meta}", f"linux-headers-{release}")
            if image and headers and image.removeprefix("linux-image-") == headers.removeprefix("linux-headers-"):
                names = [image, headers]
                for pattern in (r"linux-headers-.*-common(-rt)?", r"linux-kbuild-.*"):
                    part = _dependency(headers, pattern)
                    if part:
                        names.append(part)
                return {name: candidate(name) for name in names}
    asked = " or ".join(f"Linux {one}" for one in ((wanted,) if wanted else SERIES))
    raise KmapbenchError(
        f"this machine's package sources offer no {asked} (linux-image-*-amd64 with headers): "
        "run 'apt-get update', add the distribution's security suite, or give --kernel"
    )


def _dependency(package: str, pattern: str) -> str | None:
    """The first direct dependency of a package whose whole name matches."""
    try:
        listing = tools.output([tools.find("apt-cache", "apt"), "depends", "--important", package])
    except CommandFailed:
        return None  # apt-cache fails where it does not know the package
    for name in re.findall(r"^[ |]*Depends: (\S+)$", listing, re.MULTILINE):
        if re.fullmatch(pattern, name):
            return name
    return None


def candidate(package: str) -> str:
    """The version of a package that would be fetched."""
    tools.find("apt-cache", "apt")
    match = re.search(r"^  Candidate: (\S+)$", tools.output(["apt-cache", "policy", package]), re.MULTILINE)
    if match is None or match[1] == "(none)":
        raise KmapbenchError(
            f"{package}: this machine's package sources do not have it: run 'apt-get update', or add the distribution's security suite"
        )
    return match[1]


def download_and_unpack(packages: dict[str, str], scratch: Path, tree: Path, say) -> None:
    """Packages of these versions, their files below tree; scratch is a folder for the packages themselves."""
    say(f"fetching {', '.join(packages)}")
    log = scratch / "apt.log"
    try:
        # As root apt would drop to a user who cannot write here, and only warn.
        tools.logged(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"]
            + [f"{name}={version}" for name, version in packages.items()],
            log,
            "fetching the kernel",
            cwd=scratch,
        )
    except CommandFailed:
        errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("E: ")]
        why = errors[0].removeprefix("E: ") if errors else "apt-get download failed"
        raise KmapbenchError(f"the kernel packages cannot be fetched ({why}): check the package sources and the network") from None
    say("unpacking the kernel")
    for package in sorted(scratch.glob("*.deb")):
        try:
            tools.output([tools.find("dpkg-deb", "dpkg"), "-x", package, tree])
        except CommandFailed as error:
            free = shutil.disk_usage(scratch).free >> 20
            raise KmapbenchError(f"{package.name} cannot be unpacked in the cache ({free} MiB free): {error}") from None


def fetched(cache: Path) -> list[Path]:
    """Kernels of the distribution that are in the cache, of all series."""
    return sorted((cache / "kernels").glob("linux-image-*"))


def _relocate_headers(tree: Path, final: Path) -> None:
    """Debian's header Makefile includes its other half by absolute path: point it to where it will be."""
    for makefile in (tree / "usr" / "src").glob("linux-headers-*/Makefile"):
        text = makefile.read_text()
        if text.startswith("include /usr/src/"):
            makefile.write_text(text.replace("/usr/src/", f"{final}/usr/src/"))


def needed_modules(kernel: KernelTree, names: list[str], optional: Sequence[str] = ()) -> list[Path]:
    """Module files that provide names, each after what it needs; built-in ones need none.

    optional: a kernel may lack these.
    """
    files: list[Path] = []
    for name in [*names, *optional]:
        try:
            listing = tools.output(
                [tools.find("modprobe", "kmod"), "-d", kernel.folder, "-S", kernel.release, "--show-depends", name]
            )
        except CommandFailed:
            if name in optional:
                continue
            raise
        for path in re.findall(r"^insmod (\S+)", listing, re.MULTILINE):
            if Path(path) not in files:
                files.append(Path(path))
    return files


def system() -> str:
    """The distribution, for messages: PRETTY_NAME of os-release."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return os.uname().sysname
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.MULTILINE)
    return match[1] if match else os.uname().sysname
