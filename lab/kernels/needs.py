# SPDX-License-Identifier: Apache-2.0
"""What a kernel needs in its configuration to boot in the lab and be measured (kernels/needs.toml),
and to become packages (kernels/package-needs.toml). Standard library only.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lab.core.dirs import ROOT
from lab.kernels.kconfig import UNSET

TABLE = ROOT / "kernels" / "needs.toml"
PACKAGE_TABLE = ROOT / "kernels" / "package-needs.toml"


@dataclass(frozen=True)
class Need:
    """A symbol, the values of it that will do, and why."""

    symbol: str
    values: tuple[str, ...]  # the best one first; UNSET: off, or not there
    why: str
    lines: tuple[str, ...]  # of a .config, which give it the best value
    build_only: bool  # says nothing against a kernel that is built already

    def __str__(self) -> str:
        return f"{self.symbol} has to be {' or '.join(self.values)}: {self.why}"


@cache
def load(table: Path = TABLE) -> tuple[Need, ...]:
    """All needs, in the order of the table."""
    rows = tomllib.loads(table.read_text())
    return tuple(
        Need(
            symbol,
            tuple(row["values"]),
            row["why"],
            tuple(row.get("set", [_line(symbol, row["values"][0])])),
            row.get("build_only", False),
        )
        for symbol, row in rows.items()
    )


def unmet(config: Mapping[str, str], is_built: bool, is_packed: bool = False) -> list[Need]:
    """Needs that a configuration does not meet. config: values by symbol; one that is not there is
    UNSET.

    is_built: the kernel is built already, so that a module will do where there is a choice.
    is_packed: it becomes packages with its modules, so that one will do there, too.
    """
    wanted = [*load(), *(load(PACKAGE_TABLE) if is_packed else ())]
    return [
        need
        for need in wanted
        if not (is_built and need.build_only)
        and config.get(need.symbol, UNSET) not in _accepted(need, is_built or is_packed)
    ]


def _accepted(need: Need, has_modules: bool) -> list[str]:
    return [value for value in need.values if has_modules or value != "m"]


def _line(symbol: str, value: str) -> str:
    return f"# {symbol} is not set" if value == UNSET else f"{symbol}={value}"
