# SPDX-License-Identifier: Apache-2.0
"""Kernel configurations: what fragments ask for, and whether it holds. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SET = re.compile(r"^(CONFIG_\w+)=(.*)$")
_UNSET = re.compile(r"^# (CONFIG_\w+) is not set$")

UNSET = "n"

# Set by kconfig itself, by what compilers and other tools are there: a .config that make has
# written on another machine has other values, and asks for nothing by that.
_OF_TOOLCHAIN = re.compile(
    r"CONFIG_(CC_(VERSION_TEXT|IS_|HAS_|CAN_|NO_|IMPLICIT_)|GCC_(VERSION|ASM_|NO_|SUPPORTS_)"
    r"|CLANG_VERSION|AS_|LD_(IS_|VERSION|CAN_)|LLD_VERSION|RUSTC_|RUST_IS_AVAILABLE|BINDGEN_"
    r"|PAHOLE_|TOOLS_SUPPORT_)"
)


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


def is_of_toolchain(symbol: str) -> bool:
    """Whether a symbol says what the toolchain is or can do."""
    return _OF_TOOLCHAIN.match(symbol) is not None


def first_wrong_line(lines: Iterable[str]) -> tuple[int, str] | None:
    """Number and text of the first line that kconfig would pass over with a warning; None: there
    is none. Comments and empty lines are none.
    """
    return next(
        (
            (number, line)
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.startswith("#") and not parse(line)
        ),
        None,
    )
