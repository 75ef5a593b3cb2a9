# SPDX-License-Identifier: Apache-2.0
"""Sums what the observer counted by function into the parts of the path."""

import tomllib
from fractions import Fraction
from functools import cache
from pathlib import Path

from analysis.data.load import CountedPath

PARTS = ("address", "checks", "bookkeeping", "wrpkrs", "other")
TITLES = {
    "address": "address",
    "checks": "checks",
    "bookkeeping": "bookkeeping",
    "wrpkrs": "WRPKRS",
    "other": "other",
}

_TABLE = Path(__file__).with_name("parts.toml")


@cache
def _table() -> dict[str, list[str]]:
    return tomllib.loads(_TABLE.read_text())


def part_of(chain: list[str]) -> str | None:
    """The part that an instruction belongs to, by its functions from outermost to innermost; None:
    not named.
    """
    for function in reversed(chain):
        for part, names in _table().items():
            if any(_matches(function, name) for name in names):
                return part
    return None


def _matches(function: str, name: str) -> bool:
    return function.startswith(name[:-1]) if name.endswith("*") else function == name


def per_operation(path: CountedPath) -> dict[str, Fraction]:
    """Instructions an operation by part; they add up to all that the operation takes, the loop left
    out.

    The loop is what the body itself executes; it is as long as the empty loop, and what
    the body executes beyond that is "other".
    """
    sums = dict.fromkeys(PARTS, 0)
    loop = "other"
    for function in path.functions:
        part = part_of(function["chain"]) or "other"
        # The write itself is the register's part, whoever does it.
        sums["wrpkrs"] += function["wrmsr"]
        sums[part] += function["instructions"] - function["wrmsr"]
        if len(function["chain"]) == 1 and function["chain"][0].startswith("kb_body_"):
            loop = part  # some bodies are a part themselves
    sums[loop] -= path.empty_instructions
    return {part: Fraction(count, path.ops) for part, count in sums.items()}
