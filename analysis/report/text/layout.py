# SPDX-License-Identifier: Apache-2.0
"""Layout of plain text: 72 columns, tables with a column per variant."""

import textwrap
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

WIDTH = 72
LABEL_WIDTH = 31


class HasCase(Protocol):
    """A row that belongs to a case."""

    @property
    def case(self) -> str:
        ...


Shown = TypeVar("Shown", bound=HasCase)


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of a paragraph. A name that is longer than a line is not broken, so that it can be
    copied.
    """
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def grouped(
    shown: Iterable[Shown],
    cells: Callable[[Shown], str],
    columns: str,
    label_width: int = LABEL_WIDTH,
) -> list[str]:
    """Lines of a table: a case's path on a line of its own if it changes, its last parts and cells
    below it.
    """
    lines = [f"{'':{label_width}}{columns}"]
    above = None
    for row in shown:
        parts = row.case.split("/")
        path, rest = "/".join(parts[:2]), "/".join(parts[2:])
        if not rest:  # nothing to group by
            above = None
            lines.append(f"  {row.case:{label_width - 2}}{cells(row)}".rstrip())
            continue
        if path != above:
            above = path
            lines.append(f"  {path}/")
        lines.append(f"    {rest:{label_width - 4}}{cells(row)}".rstrip())
    return lines


def label_width(cases: Iterable[str]) -> int:
    """Width that `grouped` needs for the names of these cases."""
    return max([24, *(len("/".join(case.split("/")[2:])) + 5 for case in cases)])


def column_widths(variants: Iterable[str], widest: int) -> list[int]:
    """Width of each variant's column. widest: width of the widest cell."""
    return [max(len(variant), 5, widest) + 1 for variant in variants]


def fitting(variants: Iterable[str], width: int, widest: int = 0) -> list[list[str]]:
    """Variants in runs whose columns fit a width. widest: width of the widest cell."""
    runs: list[list[str]] = [[]]
    for variant in variants:
        if runs[-1] and sum(column_widths([*runs[-1], variant], widest)) > width:
            runs.append([])
        runs[-1].append(variant)
    return runs


def beside_each_other(
    title: str,
    shown: Iterable[Shown],
    variants: list[str],
    cell: Callable[[str, str], str],
    label_width: int,
    widest: int = 0,
) -> str:
    """A table with a column per variant.

    cell: text for a case and a variant, empty if there is none.
    widest: width of the widest cell, also in tables with more variants.
    """
    widths = column_widths(variants, widest)

    def cells(row: Shown) -> str:
        return "".join(
            f"{cell(row.case, variant):>{width}}" for variant, width in zip(variants, widths)
        )

    headings = "".join(f"{variant:>{width}}" for variant, width in zip(variants, widths))
    return "\n".join([*wrapped(title), *grouped(shown, cells, headings, label_width)])
