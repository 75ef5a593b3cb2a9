# SPDX-License-Identifier: Apache-2.0
"""Figures of campaigns of different systems: where they differ, and what of the code does. Pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

# The unpatched path on a page of memory (README, first row) leaves a compiler nothing to choose:
# where it is another number, the harness counts wrongly.
CONTROL, CONTROL_COST = "kernel/kmap_local/dram", 5


@dataclass
class Figure:
    """One case on one system."""

    cost: float | None  # None: not all boots said the same
    # Instructions of an operation by who called whom, and their sum less the empty loop: both are
    # counted from outside of the guest.
    functions: dict[tuple[str, ...], Fraction] = field(default_factory=dict)
    counted: Fraction | None = None


def of_campaign(folder: Path) -> dict[str, Figure]:
    """Kernel cases that were measured, with what was counted beside them in the first boot."""
    costs: dict[str, set[float]] = {}
    for path in sorted(folder.glob("*/boot-??/micro.jsonl")):
        for record in map(json.loads, path.read_text().splitlines()):
            if record["clock"] == "icount" and record["status"] == "ok":
                exact = record["cost"] if record["exact"] else None
                costs.setdefault(record["case"], set()).add(exact)
    agreed = {case: found.pop() if len(found) == 1 else None for case, found in costs.items()}
    figures = {case: Figure(cost) for case, cost in agreed.items()}
    for path in sorted(folder.glob("*/boot-01/path.jsonl")):
        for counted in map(json.loads, path.read_text().splitlines()):
            if (figure := figures.get(counted["case"])) is None:
                continue
            ops = counted["ops"]
            for function in counted["functions"]:
                chain = tuple(function["chain"])
                before = figure.functions.get(chain, Fraction(0))
                figure.functions[chain] = before + Fraction(function["instructions"], ops)
            own = counted["instructions"] - counted["empty_instructions"]
            figure.counted = Fraction(own, ops)
    return figures


def wrong(figures: dict[str, Figure]) -> list[str]:
    """What is wrong with figures by themselves, a line each."""
    lines = []
    if CONTROL not in figures:
        lines.append(f"{CONTROL} is missing, not {CONTROL_COST}")
    elif figures[CONTROL].cost != CONTROL_COST:
        lines.append(f"{CONTROL} is {_number(figures[CONTROL].cost)}, not {CONTROL_COST}")
    for case, figure in figures.items():
        cost, counted = figure.cost, figure.counted
        if cost is not None and counted is not None and cost != counted:
            said = f"{case} is {_number(cost)}, and {_number(counted)} were counted from outside"
            lines.append(said)
    return lines


@dataclass
class Difference:
    """One case that is not the same on two systems."""

    case: str
    costs: tuple[float, float]
    parts: dict[str, Fraction]  # the functions that make the difference
    body: str | None  # the function of the module that all of it ran in
    unexplained: str | None = None


def difference(case: str, one: Figure, other: Figure) -> Difference | None:
    """None where the figure is the same, or one of them is no exact one."""
    if one.cost is None or other.cost is None or one.cost == other.cost:
        return None
    none = Fraction(0)
    deltas = {
        chain: other.functions.get(chain, none) - one.functions.get(chain, none)
        for chain in sorted({*one.functions, *other.functions})
    }
    parts: dict[str, Fraction] = {}
    for chain, delta in deltas.items():
        parts[chain[-1]] = parts.get(chain[-1], none) + delta
    own = [chain[0] for chain in deltas if len(chain) == 1 and chain[0].startswith("kb_body_")]
    parts = {name: delta for name, delta in parts.items() if delta}
    body = next((chain[0] for chain in deltas if chain[0].startswith("kb_body_")), None)
    found = Difference(case, (one.cost, other.cost), parts, body)
    if one.counted is None or other.counted is None:
        found.unexplained = "nothing was counted from outside"
    elif one.counted != one.cost or other.counted != other.cost:
        found.unexplained = "it is not what was counted from outside"
    elif harness := [body for body in own if deltas[body,]]:
        found.unexplained = f"{harness[0]}() itself differs, which is no part of the path"
    return found


def table(systems: dict[str, dict[str, Figure]]) -> str:
    """A row a case, a column a system."""
    cases = dict.fromkeys(case for figures in systems.values() for case in figures)
    rows = [["instructions", *systems]]
    for case in cases:
        found = (figures.get(case) for figures in systems.values())
        rows.append([case, *(_number(figure.cost) if figure else "-" for figure in found)])
    return aligned(rows)


def explained(differences: Iterable[Difference], one: str, other: str) -> list[str]:
    """A line for each."""
    lines = []
    for found in differences:
        parts = ", ".join(f"{name} {_number(delta, '+')}" for name, delta in found.parts.items())
        before, after = map(_number, found.costs)
        line = f"{found.case}: {before} on {one}, {after} on {other}: {parts or 'no function'}"
        if found.unexplained:
            line += f"; NOT EXPLAINED: {found.unexplained}"
        lines.append(line)
    return lines


def code(listing: str) -> list[str]:
    """Instructions of a function that objdump lists, without what differs from place to place."""
    lines = []
    for line in listing.splitlines():
        if found := re.match(r"\s+[0-9a-f]+:\t(.*)", line):
            # Targets of jumps are given twice: by address, and by how far into the function.
            lines.append(re.sub(r"\b[0-9a-f]+ (?=<)", "", found[1]).strip())
    return lines


def aligned(rows: list[list[str]]) -> str:
    """Text in columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "".join(f"{line}\n" for line in lines)


def _number(value: float | Fraction | None, sign: str = "") -> str:
    return "~" if value is None else f"{float(value):{sign}g}"
