# SPDX-License-Identifier: Apache-2.0
"""The table of variants: kernels/variants.toml as objects."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from lab.errors import KmapbenchError

TABLE = Path(__file__).parent / "kernels" / "variants.toml"


@dataclass(frozen=True)
class Variant:
    """A kernel to compare: image, command line and CPU model."""

    name: str
    what: str
    source: str
    cpu: str
    cmdline: str


def load() -> dict[str, Variant]:
    """All variants by name, in the order of the table."""
    with TABLE.open("rb") as file:
        return {name: Variant(name, **row) for name, row in tomllib.load(file).items()}


def find(name: str) -> Variant:
    """The variant of that name; a KmapbenchError lists those there are."""
    variants = load()
    if name not in variants:
        raise KmapbenchError(f"{name}: no such variant; there are: {', '.join(variants)}")
    return variants[name]
