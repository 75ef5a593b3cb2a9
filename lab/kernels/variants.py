# SPDX-License-Identifier: Apache-2.0
"""The table of variants and of the images they boot: kernels/variants.toml as objects."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.core.suggestion import instead

FOLDER = ROOT / "kernels"
TABLE = FOLDER / "variants.toml"

# Of a guest, where the table says nothing: seconds until it counts as hung (a boot takes under
# ten), and its memory.
BOOT_LIMIT_SECONDS = 180
MEMORY_MIB = 640

# Of persistent memory in that guest: a file system with DAX, and a device-dax.
REGIONS = 2

SERIES_FRAGMENT = "pks.config"  # switches our series on


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
    image: Image | None = None  # None: the distribution's own kernel
    memory_mib: int = MEMORY_MIB
    limit_seconds: float = BOOT_LIMIT_SECONDS
    regions: int = REGIONS

    @property
    def patched(self) -> bool:
        """Whether our series is in it."""
        return bool(self.image and self.image.patches)


def load(table: Path = TABLE) -> dict[str, Variant]:
    """All variants by name, in the order of the table; files are named relative to it."""
    with table.open("rb") as file:
        tables = tomllib.load(file)
    users: dict[str, list[str]] = {}
    for name, row in tables["variants"].items():
        users.setdefault(row.get("image", ""), []).append(name)
    images = {
        name: _image(name, row, tuple(users.get(name, ())), table.parent)
        for name, row in tables.get("images", {}).items()
    }
    return {
        name: Variant(name, **(row | ({"image": images[row["image"]]} if "image" in row else {})))
        for name, row in tables["variants"].items()
    }


def unpatched(image: Image, images: dict[str, Image]) -> Image | None:
    """The image that differs from this one by our series alone: no patches, and the same fragments
    but those it adds.
    """
    rest = [path for path in image.fragments if path.name != SERIES_FRAGMENT]
    return next(
        (one for one in images.values() if not one.patches and list(one.fragments) == rest), None
    )


def baseline(variant: Variant, measured: Sequence[Variant]) -> str | None:
    """The one of these variants that differs from it by our series alone; an unpatched one is its
    own. None: it is not among them.
    """
    if not variant.image or not variant.patched:
        return variant.name
    images = {one.image.name: one.image for one in measured if one.image}
    wanted = unpatched(variant.image, images)
    return next((one.name for one in measured if wanted and one.image == wanted), None)


def _image(name: str, row: dict, users: tuple[str, ...], folder: Path) -> Image:
    patches = sorted((folder / row["patches"]).glob("*.patch")) if "patches" in row else []
    patches = patches[: row.get("first_patches")]
    fragments = tuple(folder / fragment for fragment in row["fragments"])
    return Image(name, row["source"], row["base"], fragments, tuple(patches), row["steps"], users)


def find(name: str) -> Variant:
    """The variant of that name; a KmapbenchError lists those there are."""
    variants = load()
    if name not in variants:
        raise KmapbenchError(
            f"{name or 'an empty name'}: no such variant; {instead(name, variants)}"
        )
    return variants[name]
