# SPDX-License-Identifier: Apache-2.0
"""What a variant is, and the kernel that is built for it."""

from dataclasses import dataclass
from pathlib import Path

# Of a guest, where the table says nothing: seconds until it counts as hung (a boot takes under
# ten), and its memory.
BOOT_LIMIT_SECONDS = 180
MEMORY_MIB = 640

# Of persistent memory in that guest: a file system with DAX, and with 2 a device-dax, too.
REGIONS = 1


@dataclass(frozen=True)
class Image:
    """A kernel to be built from a source package."""

    name: str
    source: str
    base: str
    fragments: tuple[Path, ...]
    patches: tuple[Path, ...]  # in the order in which they are applied
    steps: int
    variants: tuple[str, ...]  # that boot it


@dataclass(frozen=True)
class Variant:
    """A kernel to compare: image, command line and CPU model."""

    name: str
    what: str
    cpu: str
    cmdline: str
    image: Image | None = None  # that is built for it; None: its kernel is there already
    memory_mib: int = MEMORY_MIB
    limit_seconds: float = BOOT_LIMIT_SECONDS
    regions: int = REGIONS
    built: Path | None = None  # where the user has a kernel; None, and no image: the distribution's
    table: Path | None = (
        None  # of the user's, which defines it; None: kmapbench's own, or none does
    )

    @property
    def word(self) -> str:
        """How --variants names it."""
        return f"{self.name}={self.built}" if self.built and not self.table else self.name

    @property
    def packaged(self) -> bool:
        """Whether its kernel is the distribution's own."""
        return self.image is None and self.built is None

    @property
    def patched(self) -> bool:
        """Whether our series is in it."""
        return bool(self.image and self.image.patches)
