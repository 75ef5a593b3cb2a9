# SPDX-License-Identifier: Apache-2.0
"""Lists of configuration symbols to be looked at (TOML; kernels/configs/symbols.toml is ours).
Standard library only.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.core import text_file
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.core.suggestion import instead
from lab.kernels import kconfig

OURS = ROOT / "kernels" / "configs" / "symbols.toml"
BASE = "base"  # the configuration that all others are held against
PAIR = "+"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KINDS = {"set": list, "why": str, "boot": bool}


@dataclass(frozen=True)
class Change:
    """What is different from the base configuration."""

    name: str
    lines: tuple[str, ...]  # of a configuration; all have to hold
    why: str = ""
    boot: bool = False  # whether a kernel of it is booted, too


def read(file: Path) -> dict[str, Change]:
    """The changes of a list by name. A KmapbenchError names file and key of what is wrong."""
    try:
        table = tomllib.loads(text_file.read(file))
    except OSError as error:
        raise KmapbenchError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise KmapbenchError(f"{file}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise KmapbenchError(f"{file}: {error}") from None
    if not table:
        raise KmapbenchError(f"{file}: no symbol in it; [NAME] with a list `set` is one")
    return {name: _change(file, name, row) for name, row in table.items()}


def choose(names: Sequence[str], known: Mapping[str, Change]) -> list[Change]:
    """The changes that are meant: names, and NAME+NAME for both at once."""
    chosen = []
    for word in names:
        parts = [_find(part, known) for part in word.split(PAIR)]
        chosen.append(parts[0] if len(parts) == 1 else _together(word, parts))
    if twice := next((name for name in names if list(names).count(name) > 1), None):
        raise KmapbenchError(f"{twice} is named twice")
    return chosen


def _find(name: str, known: Mapping[str, Change]) -> Change:
    plain = name.removeprefix("CONFIG_")
    if plain not in known:
        near = difflib.get_close_matches(plain.upper(), known, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise KmapbenchError(f"{name}: not in the list of symbols{meant}")
    return known[plain]


def _together(name: str, parts: Sequence[Change]) -> Change:
    """Both changes; of two lines about a symbol the later one counts."""
    lines = {
        symbol: line for part in parts for line in part.lines for symbol in kconfig.parse(line)
    }
    return Change(
        name,
        tuple(lines.values()),
        "; ".join(part.why for part in parts if part.why),
        all(part.boot for part in parts),
    )


def _change(file: Path, name: str, row: Any) -> Change:
    where = f"{file}: {name}"
    if not _NAME.fullmatch(name) or name == BASE:
        raise KmapbenchError(f"{where}: no name for a symbol: letters, digits, '_', '.', '-'")
    if not isinstance(row, dict):
        raise KmapbenchError(f"{where}: give it as [{name}] with a list `set`")
    for key, value in row.items():
        if key not in _KINDS:
            raise KmapbenchError(f"{where}.{key}: not known; {instead(key, _KINDS)}")
        if not isinstance(value, _KINDS[key]):
            raise KmapbenchError(f"{where}.{key}: {value!r} is no {_KINDS[key].__name__}")
    lines = row.get("set", [])
    if not lines:
        raise KmapbenchError(f"{where}.set: which lines of a configuration it is, is missing")
    for line in lines:
        if not isinstance(line, str) or len(kconfig.parse(line)) != 1:
            raise KmapbenchError(f"{where}.set: {line!r} is no line of a configuration")
    return Change(name, tuple(lines), row.get("why", ""), row.get("boot", False))
