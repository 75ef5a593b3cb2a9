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


def by_chain(path: CountedPath) -> dict[tuple[str, ...], tuple[Fraction, Fraction]]:
    """Instructions an operation by chain of functions, and the WRMSRs among them; the empty loop is
    taken out of the body, or of a row of its own where no body is known.
    """
    found: dict[tuple[str, ...], tuple[Fraction, Fraction]] = {}
    for function in path.functions:
        chain = tuple(map(str, function["chain"]))
        count, writes = found.get(chain, (Fraction(0), Fraction(0)))
        found[chain] = (
            count + Fraction(function["instructions"], path.ops),
            writes + Fraction(function["wrmsr"], path.ops),
        )
    bodies = (chain for chain in found if len(chain) == 1 and chain[0].startswith("kb_body_"))
    body = next(bodies, ("the empty loop",))
    count, writes = found.get(body, (Fraction(0), Fraction(0)))
    found[body] = (count - Fraction(path.empty_instructions, path.ops), writes)
    return {chain: counts for chain, counts in found.items() if any(counts)}
