# SPDX-License-Identifier: Apache-2.0
"""What a command needs from the machine, and which packages have it: requirements.toml."""

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lab.core import llvm_tools, subprocesses

TABLE = Path(__file__).with_name("requirements.toml")
OS_RELEASE = Path("/etc/os-release")
DISTRIBUTIONS = ("ubuntu", "debian", "fedora", "arch")
OTHER = "other"  # whose names the table does not have: it gives Debian's
_OF_APT = ("debian", "ubuntu")

# How packages are installed by hand, by distribution.
BY_HAND = {
    "debian": "apt-get install",
    "ubuntu": "apt-get install",
    "fedora": "dnf install",
    "arch": "pacman -S",
}


@dataclass(frozen=True)
class Need:
    """One program, file or Python module."""

    kind: str  # programs, files, modules, llvm
    name: str
    packages: tuple[str, ...]  # any one of them has it; the first that can be had is taken


def distribution(os_release: Path = OS_RELEASE) -> str:
    """Whose package names hold on this machine: one of DISTRIBUTIONS, or OTHER."""
    try:
        text = os_release.read_text(errors="replace")
    except OSError:
        return OTHER
    said = dict(re.findall(r'^(ID|ID_LIKE)=["\']?([^"\'\n]*)', text, re.MULTILINE))
    names = f"{said.get('ID', '')} {said.get('ID_LIKE', '')}".split()
    return next((name for name in names if name in DISTRIBUTIONS), OTHER)


def has_apt() -> bool:
    """Whether packages come from apt. Other distributions have it, too, for who makes systems of
    Debian there: with no sources, and other names.
    """
    return distribution() in _OF_APT and subprocesses.has("apt-get")


@cache
def _table() -> dict[str, Any]:
    with TABLE.open("rb") as file:
        return tomllib.load(file)


def needs(groups: Iterable[str], system: str) -> list[Need]:
    """All that these groups need, each once, in the order of the table."""
    wanted = set(groups)
    found: dict[tuple[str, str], Need] = {}
    for group, kinds in _table().items():
        if group in wanted:
            for kind, rows in kinds.items():
                for name, row in rows.items():
                    found.setdefault((kind, name), Need(kind, name, _packages(row, system)))
    if unknown := wanted - set(_table()):
        raise KeyError(f"{TABLE.name} has no group {', '.join(sorted(unknown))}")
    return list(found.values())


def _packages(row: str | dict[str, Any], system: str) -> tuple[str, ...]:
    if isinstance(row, dict):
        row = row.get(system) or row["debian"]
    return (row,) if isinstance(row, str) else tuple(row)


def missing(wanted: Sequence[Need], has_module: Callable[[str], bool]) -> list[Need]:
    """Those that this machine lacks. has_module: whether Python finds a module."""
    there: dict[str, Callable[[str], bool]] = {
        "programs": subprocesses.has,
        "files": lambda name: Path(name).exists(),
        "modules": has_module,
        "llvm": lambda name: llvm_tools.find_newest() is not None,
    }
    return [need for need in wanted if not there[need.kind](need.name)]


def names(lacking: Iterable[Need]) -> list[str]:
    """Packages for what is lacking, each once; where a need has several, the first."""
    return list(dict.fromkeys(need.packages[0] for need in lacking))


def package_of(program: str) -> str | None:
    """The package that has a program, by this distribution's name; None: the table does
    not know.
    """
    for need in needs(_table(), distribution()):
        if need.kind in ("programs", "llvm") and need.name == program:
            return need.packages[0]
    return None
