# SPDX-License-Identifier: Apache-2.0
"""Packages (.deb) of a kernel that is built here, made by the kernel's own bindeb-pkg: the image
with all modules, and headers.
"""

import shutil
import tempfile
from pathlib import Path

from lab.core import subprocesses
from lab.kernels import kernel_cache
from lab.kernels.kbuild import Make
from lab.kernels.variant import Image

# Of the kernel's packages, which are more: linux-libc-dev would take the place of the
# distribution's.
KINDS = ("linux-image", "linux-headers")

# The objtool of the headers is linked with libelf, which bindeb-pkg does not say.
_NEEDED_BY_HEADERS = "libelf1 | libelf1t64"

CONFIG = "config"  # the configuration that was built, beside the packages


def build(image: Image, make: Make, source: Path, kept: Path) -> Path:
    """Makes the packages of a configured source; returns the folder that they are moved to, with
    the configuration. What was compiled before, ccache knows.
    """
    build = source / "build"
    make("include/config/kernel.release")
    release = (build / "include" / "config" / "kernel.release").read_text().strip()
    # All that goes into a package is in its version: another content is another package for apt.
    # What is behind the last hyphen is in `uname -v`, too.
    version = f"{release.removesuffix(f'-{image.name}')}+kmapbench.{kernel_cache.digest(image)}-1"
    make("bindeb-pkg", f"KDEB_PKGVERSION={version}", "KDEB_CHANGELOG_DIST=unstable")
    kept.mkdir()
    for kind in KINDS:
        (package,) = source.glob(f"{kind}-{release}_*.deb")
        shutil.move(package, kept / package.name)
        if kind == "linux-headers":
            add_dependency(kept / package.name, _NEEDED_BY_HEADERS)
    shutil.copyfile(build / ".config", kept / CONFIG)
    return kept


def add_dependency(package: Path, depends: str) -> None:
    """Packs a package again, which depends on nothing, with what it depends on."""
    dpkg_deb = subprocesses.find("dpkg-deb", "dpkg")
    with tempfile.TemporaryDirectory(dir=package.parent) as name:
        tree = Path(name) / "tree"
        subprocesses.output([dpkg_deb, "-R", package, tree])
        control = tree / "DEBIAN" / "control"
        before, description, after = control.read_text().partition("Description:")
        control.write_text(f"{before}Depends: {depends}\n{description}{after}")
        subprocesses.output([dpkg_deb, "--root-owner-group", "-b", tree, package])


def packages(folder: Path) -> list[Path]:
    """What build() has made there: image and headers."""
    return [next(folder.glob(f"{kind}-*.deb")) for kind in KINDS]
