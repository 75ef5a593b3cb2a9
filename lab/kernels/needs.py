# SPDX-License-Identifier: Apache-2.0
"""What a kernel needs in its configuration to boot in the lab and be measured: kernels/needs.toml.
Standard library only.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from lab.core.dirs import ROOT
from lab.kernels.kconfig import UNSET

TABLE = ROOT / "kernels" / "needs.toml"


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
def load() -> tuple[Need, ...]:
    """All needs, in the order of the table."""
    rows = tomllib.loads(TABLE.read_text())
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


def unmet(config: Mapping[str, str], is_built: bool) -> list[Need]:
    """Needs that a configuration does not meet. config: values by symbol; one that is not there is
    UNSET.

    is_built: the kernel is built already, so that a module will do where there is a choice.
    """
    return [
        need
        for need in load()
        if not (is_built and need.build_only)
        and config.get(need.symbol, UNSET) not in _accepted(need, is_built)
    ]


def _accepted(need: Need, is_built: bool) -> list[str]:
    return [value for value in need.values if is_built or value != "m"]


def _line(symbol: str, value: str) -> str:
    return f"# {symbol} is not set" if value == UNSET else f"{symbol}={value}"
