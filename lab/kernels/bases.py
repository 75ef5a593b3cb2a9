# SPDX-License-Identifier: Apache-2.0
"""The versions of Linux that our kernels are built from: kernels/bases.toml. Standard library
only.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.core.suggestion import instead

FOLDER = ROOT / "kernels"
TABLE = FOLDER / "bases.toml"

# How far a series is applied.
ALL, PREPARATORY = "all", "preparatory"


@dataclass(frozen=True)
class Base:
    """One version of Linux, and what of ours there is for it."""

    name: str  # as 6.12
    source: str  # the package with its source
    suite: str  # of Debian, which has that package
    series: Path  # a folder with our patches
    preparatory: int  # how many of them come before PKS
    gone: tuple[str, ...]  # symbols that it does not have, or that are always set
    without: tuple[str, ...]  # subjects of patches of the default's series that are not in this one
    only: tuple[str, ...]  # and the other way round

    def fragments(self, fragment: Path) -> tuple[Path, ...]:
        """A fragment, and what this base has on top of it."""
        of_base = fragment.with_name(f"{fragment.stem}-{self.name}{fragment.suffix}")
        return (fragment, of_base) if of_base.exists() else (fragment,)

    def patches(self, how_far: str) -> list[Path]:
        """Those of the series: ALL of them, or those before PKS."""
        whole = sorted(self.series.glob("*.patch"))
        return whole if how_far == ALL else whole[: self.preparatory]


@cache
def load() -> Mapping[str, Base]:
    """All by name, the default first."""
    rows = tomllib.loads(TABLE.read_text())["bases"]
    return {
        name: Base(
            name,
            row["source"],
            row["suite"],
            FOLDER / row["series"],
            row["preparatory"],
            tuple(row.get("gone", ())),
            tuple(row.get("without", ())),
            tuple(row.get("only", ())),
        )
        for name, row in rows.items()
    }


def default() -> str:
    """The name of the base where none is asked for."""
    return next(iter(load()))


def find(name: str | None) -> Base:
    """The base of that name, None being the default; a KmapbenchError lists those there are."""
    name = name or default()
    if name not in load():
        raise KmapbenchError(f"{name}: no such base; {instead(name, load())}")
    return load()[name]


def suite_of(source: str) -> str | None:
    """The suite that has a source package, if it is that of a base."""
    return next((base.suite for base in load().values() if base.source == source), None)
