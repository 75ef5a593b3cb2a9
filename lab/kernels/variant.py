# SPDX-License-Identifier: Apache-2.0
"""What a variant is, and the kernel that is built for it."""

from dataclasses import dataclass
from pathlib import Path

# Of a guest, where the table says nothing: seconds until it counts as hung (a boot takes under
# ten), and its memory.
BOOT_LIMIT_SECONDS = 180
MEMORY_MIB = 640

# Of persistent memory in that guest: 0 is none, 1 a file system with DAX, 2 a device-dax, too.
REGIONS = 1


# In place of a make target: the configuration of the distribution's own kernel.
DISTRIBUTION_CONFIG = "debian"


@dataclass(frozen=True)
class Image:
    """A kernel to be built: of a source package, or of a git tree."""

    name: str
    source: str  # a package, if there is no tree
    base: str  # a make target, which makes the first .config, or DISTRIBUTION_CONFIG
    fragments: tuple[Path, ...]
    patches: tuple[Path, ...]  # in the order in which they are applied: mails, or mailboxes
    steps: int
    variants: tuple[str, ...]  # that boot it
    tree: Path | None = None
    commit: str = ""  # of the tree; "": HEAD, and nothing may be changed
    config: Path | None = None  # in place of base: a .config
    toolchain: str = ""  # gcc-14, llvm, llvm-19; "": gcc
    make: tuple[str, ...] = ()  # NAME=VALUE
    table: Path | None = None  # of the user's, which defines it
    gone: tuple[str, ...] = ()  # symbols that fragments ask for and this Linux does not have
    packed: str = ""  # as packages, modules included: the word its configuration begins with

    def where(self, key: str = "") -> str:
        """What a message begins with: the user's table and the key, or the variants."""
        if self.table is None:
            return ", ".join(self.variants) or self.name
        return f"{self.table}: variants.{self.name}{'.' if key else ''}{key}"


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
    def of_user(self) -> bool:
        """Whether its kernel is one of the user's."""
        return self.built is not None or bool(self.image and self.image.table)

    @property
    def packaged(self) -> bool:
        """Whether its kernel is the distribution's own."""
        return self.image is None and self.built is None

    @property
    def patched(self) -> bool:
        """Whether patches are in it: our series, or the user's."""
        return bool(self.image and self.image.patches)
