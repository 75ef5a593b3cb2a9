# SPDX-License-Identifier: Apache-2.0
"""Kernel configurations: what fragments ask for, and whether it holds. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SET = re.compile(r"^(CONFIG_\w+)=(.*)$")
_UNSET = re.compile(r"^# (CONFIG_\w+) is not set$")

UNSET = "n"


def parse(text: str) -> dict[str, str]:
    """Symbols and their values; UNSET where a line says that it is not set."""
    values = {}
    for line in text.splitlines():
        if match := _SET.match(line):
            values[match[1]] = match[2]
        elif match := _UNSET.match(line):
            values[match[1]] = UNSET
    return values


@dataclass(frozen=True)
class Broken:
    """A symbol that does not have the value it was asked to have."""

    symbol: str
    fragment: str
    asked: str
    found: str

    def __str__(self) -> str:
        return f"{self.symbol} is {self.found}, and {self.fragment} asks for {self.asked}"


def asked(fragments: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """What fragments ask for together: symbol -> name of the fragment, value.

    fragments: name and text of each, in the order of merging: of two that name a symbol, the later
    one counts.
    """
    return {
        symbol: (name, value) for name, text in fragments for symbol, value in parse(text).items()
    }


def broken(fragments: Iterable[tuple[str, str]], config: str) -> list[Broken]:
    """What they ask for and does not hold in a finished .config."""
    found = parse(config)
    return [
        Broken(symbol, name, value, found.get(symbol, UNSET))
        for symbol, (name, value) in asked(fragments).items()
        if found.get(symbol, UNSET) != value
    ]
