# SPDX-License-Identifier: Apache-2.0
"""A table of variants (TOML) as objects: kernels/variants.toml and those that users write.

All that a table can have wrong is said before anything is built: one line with file and key.
Standard library only.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from formats.campaign_format import USER_SPACE
from lab.core import text_file
from lab.core.errors import KmapbenchError
from lab.core.suggestion import instead
from lab.kernels import bases, config_choice
from lab.kernels.bases import FOLDER, Base
from lab.kernels.variant import (
    BOOT_LIMIT_SECONDS,
    DISTRIBUTION_CONFIG,
    MEMORY_MIB,
    REGIONS,
    Image,
    Variant,
)
from lab.kernels.variant_keys import ELSEWHERE, KEYS, KINDS, OF_A_BUILD, OF_THE_LAB, RANGES

TABLE = FOLDER / "variants.toml"

_STEPS, _STEPS_OF_A_DISTRIBUTION, _CPU = 2000, 3800, "max"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


def check_name(name: str) -> str | None:
    """What is wrong with the name of a variant; None: nothing."""
    if not _NAME.fullmatch(name) or name == USER_SPACE:
        return (
            f"'{name}' is no name for a variant: up to 32 of a-z, 0-9, '.', '_', '-', a letter or"
            f" digit first, and not '{USER_SPACE}'"
        )
    return None


def of_built(name: str, path: Path) -> Variant:
    """A variant of a kernel that is built already, with nothing else said of it."""
    return Variant(name, f"built already: {path}", _CPU, "", built=path)


def read(
    path: Path, base: Base, taken: Mapping[str, Variant] = MappingProxyType({})
) -> dict[str, Variant]:
    """All variants of a file by name, in its order; files are named relative to it.

    base: what they are built from, unless they say it. taken: variants that the file may refer to,
    and whose names it may not use. A KmapbenchError has file and key.
    """
    return from_rows(path, _rows(path), base, taken)


def from_rows(
    path: Path,
    raw: Mapping[str, dict[str, Any]],
    base: Base,
    taken: Mapping[str, Variant] = MappingProxyType({}),
) -> dict[str, Variant]:
    """The same of the rows of a file, which need not be written yet."""
    rows = {name: _Row(path, name, row, base) for name, row in raw.items()}
    for row in rows.values():
        row.check(raw, taken)
    kernels = {name: (variant.image, variant.built) for name, variant in taken.items()}
    for name, row in rows.items():
        if "image" not in raw[name]:
            users = [other for other in rows if raw[other].get("image", other) == name]
            kernels[name] = row.kernel(tuple(users))
    is_own = path == TABLE
    return {
        name: row.variant(*kernels[raw[name].get("image", name)], None if is_own else path)
        for name, row in rows.items()
    }


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    """The table's rows as they stand there."""
    try:
        tables = tomllib.loads(text_file.read(path))
    except OSError as error:
        raise KmapbenchError(f"{path}: {error.strerror}: no table of variants") from None
    except ValueError as error:
        raise KmapbenchError(f"{path}: not valid TOML ({error})") from None
    for name in tables:
        if name != "variants":
            raise KmapbenchError(f"{path}: {name}: not known; a table has [variants.NAME] only")
    rows = tables.get("variants", {})
    if not isinstance(rows, dict) or not rows:
        raise KmapbenchError(f"{path}: variants: has to be tables, [variants.NAME] each")
    for name, row in rows.items():
        if not isinstance(row, dict):
            raise KmapbenchError(f"{path}: variants.{name}: has to be a table, [variants.{name}]")
    return rows


class _Row:
    """One variant of a table, as it stands there."""

    def __init__(self, path: Path, name: str, row: dict[str, Any], base: Base):
        self._path, self._name, self._row, self._base = path, name, row, base

    def _fault(self, key: str, why: str) -> NoReturn:
        dotted = f".{key}" if key else ""
        raise KmapbenchError(f"{self._path}: variants.{self._name}{dotted}: {why}")

    def check(self, rows: Mapping[str, dict], taken: Mapping[str, Variant]) -> None:
        """Names, keys, types, and what goes with what."""
        if why := check_name(self._name):
            self._fault("", why)
        if self._name in taken:
            self._fault("", "kmapbench has a variant of this name: choose another one")
        for key, value in self._row.items():
            self._check_value(key, value)
        for key in ELSEWHERE:
            others = [one for one in (*ELSEWHERE, *OF_A_BUILD) if one != key]
            clash = next((one for one in others if one in self._row), None)
            if self._row.get(key) and clash:
                self._fault(clash, f"goes with a kernel that is built, and {key} says which it is")
        for key, other in (("first_patches", "patches"), ("commit", "tree")):
            if key in self._row and other not in self._row:
                self._fault(key, f"goes with {other}")
        if "tree" in self._row and "source" in self._row:
            self._fault("source", "is a package to build from, and tree says what is built")
        if "pks" in self._row and "patches" in self._row:
            self._fault("patches", "pks says which patches there are")
        self._check_words()
        if "image" in self._row:
            self._check_image(rows, taken)

    def _check_value(self, key: str, value: Any) -> None:
        if key not in KEYS:
            self._fault(key, f"not known; {instead(key, KEYS)}")
        kind = KEYS[key]
        is_bool = isinstance(value, bool)
        if not isinstance(value, kind) or is_bool != (kind is bool):
            self._fault(key, f"has to be {KINDS[kind]}")
        texts = value if isinstance(value, list) else [value]
        if kind is list and not all(isinstance(text, str) for text in texts):
            self._fault(key, f"has to be {KINDS[kind]}")
        if any(isinstance(text, str) and not text.isprintable() for text in texts):
            self._fault(key, "has to be one line")
        if value == "" and key != "cmdline":
            self._fault(key, "is empty")
        if key in RANGES and not RANGES[key][0] <= value <= RANGES[key][1]:
            low, high = RANGES[key]
            self._fault(key, f"{value} is not from {low} to {high}")

    def _check_words(self) -> None:
        """Toolchain and make, as far as they can be told from themselves."""
        if (pks := self._row.get("pks", bases.ALL)) not in (bases.ALL, bases.PREPARATORY):
            self._fault("pks", f"{pks}: neither {bases.ALL} nor {bases.PREPARATORY}")
        if not re.fullmatch(r"(gcc|llvm)(-\d+)?", toolchain := self._row.get("toolchain", "gcc")):
            self._fault("toolchain", f"{toolchain}: neither gcc, gcc-14, llvm nor llvm-19")
        for word in self._row.get("make", []):
            name, equals, _ = word.partition("=")
            if not equals or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
                self._fault("make", f"'{word}' is not of the form KCFLAGS=VALUE")
            if name in OF_THE_LAB:
                self._fault("make", f"{name} is what kmapbench itself gives to make")

    def _check_image(self, rows: Mapping[str, dict], taken: Mapping[str, Variant]) -> None:
        named = self._row["image"]
        if named not in rows and named not in taken:
            self._fault("image", f"{named}: no such variant; {instead(named, [*taken, *rows])}")
        if "image" in rows.get(named, {}):
            self._fault("image", f"{named} boots {rows[named]['image']}'s kernel: name that one")

    def _file(self, key: str, name: str) -> Path:
        """A file or folder that the table names."""
        try:
            return config_choice.find_file(name, self._path.parent)
        except KmapbenchError as error:
            self._fault(key, str(error))

    def kernel(self, users: tuple[str, ...]) -> tuple[Image | None, Path | None]:
        """The kernel that is to be built, or where it is built already; neither: it is the
        distribution's own. users: the variants that boot it.
        """
        if self._row.get("packaged"):
            return None, None
        if "built" in self._row:
            return None, self._file("built", self._row["built"])
        row = self._row
        config = self._config()
        steps = _STEPS_OF_A_DISTRIBUTION if config.base == DISTRIBUTION_CONFIG else _STEPS
        image = Image(
            self._name,
            row.get("source", self._base.source),
            config.base,
            config.fragments,
            self._patches(),
            row.get("steps", steps),
            users,
            self._file("tree", row["tree"]) if "tree" in row else None,
            row.get("commit", ""),
            config.config,
            "" if (toolchain := row.get("toolchain", "")) == "gcc" else toolchain,
            tuple(row.get("make", ())),
            None if self._path == TABLE else self._path,
            self._base.gone,
        )
        return image, None

    def _config(self) -> config_choice.Config:
        try:
            return config_choice.parse(
                self._row.get("config", "lab"), self._path.parent, self._base
            )
        except KmapbenchError as error:
            self._fault("config", str(error))

    def _patches(self) -> tuple[Path, ...]:
        if "pks" in self._row:
            return tuple(self._base.patches(self._row["pks"]))
        if "patches" not in self._row:
            return ()
        name = self._row["patches"]
        path = self._file("patches", name)
        if path.is_file() and "first_patches" in self._row:
            self._fault("first_patches", f"{name} is no folder")
        found = [path] if path.is_file() else sorted(path.glob("*.patch"))
        if not found:
            self._fault("patches", f"{name}: no *.patch there")
        return tuple(found[: self._row.get("first_patches")])

    def variant(self, image: Image | None, built: Path | None, table: Path | None) -> Variant:
        """The variant with its kernel, as kernel() has it. table: which of the user's it is in."""
        row = self._row
        return Variant(
            self._name,
            row.get("what", f"defined in {self._path}"),
            row.get("cpu", _CPU),
            row.get("cmdline", ""),
            image,
            row.get("memory_mib", MEMORY_MIB),
            row.get("limit_seconds", BOOT_LIMIT_SECONDS),
            row.get("regions", REGIONS),
            built,
            table,
        )
