# SPDX-License-Identifier: Apache-2.0
"""Where the files of an unpacked kernel are, in the layouts that distributions give it."""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class KernelTree:
    """An unpacked kernel: image, modules, configuration and headers to build against."""

    folder: Path
    release: str
    packages: dict[str, str] = field(default_factory=dict)  # name -> version

    @property
    def image(self) -> Path:
        return self._first(f"boot/vmlinuz-{self.release}", *self._in_modules("vmlinuz"))

    @property
    def config(self) -> Path:
        return self._first(f"boot/config-{self.release}", *self._in_modules("config"))

    @property
    def vmlinux(self) -> Path:
        """The kernel with its symbols; packages have none, kernels built here do."""
        return self.folder / "boot" / f"vmlinux-{self.release}"

    @property
    def symbols(self) -> Path:
        """Where a kernel that was built here has its functions; packages say so of none."""
        return self._first(f"boot/System.map-{self.release}", *self._in_modules("System.map"))

    @property
    def headers(self) -> Path:
        return self._first(
            f"usr/src/linux-headers-{self.release}", f"usr/src/kernels/{self.release}"
        )

    @property
    def modules(self) -> Path:
        """Where its modules are: below usr/lib where a distribution has merged the two."""
        return self._first(*self._in_modules(""))

    def _in_modules(self, name: str) -> list[str]:
        return [f"{lib}/modules/{self.release}/{name}" for lib in ("lib", "usr/lib")]

    def _first(self, *names: str) -> Path:
        """The first of these that is there; the first, where none is."""
        paths = [self.folder / name for name in names]
        return next((path for path in paths if path.exists()), paths[0])

    @property
    def key(self) -> str:
        """Names what is in the tree; the same key, the same files."""
        return self.folder.name


def relocated(makefile: str, root: Path) -> str:
    """The text of a header Makefile, with its absolute paths below another root."""
    return re.sub(
        r"^((?:include |KBUILD_OUTPUT ?=) ?)(?=/usr/src/)",
        rf"\g<1>{root}",
        makefile,
        flags=re.MULTILINE,
    )


def relocate_headers(tree: Path, final: Path) -> None:
    """Debian's header Makefile names its other half, and itself, by absolute path: point it to
    where they will be. tree: where they are now.
    """
    for makefile in (tree / "usr" / "src").glob("linux-headers-*/Makefile"):
        makefile.write_text(relocated(makefile.read_text(), final))
