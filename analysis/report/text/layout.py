# SPDX-License-Identifier: Apache-2.0
"""Plain text of 72 columns: what all blocks of report.txt have in common."""

import textwrap
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

WIDTH = 72
LABEL_WIDTH = 31


class OfCase(Protocol):
    @property
    def case(self) -> str:
        ...


Shown = TypeVar("Shown", bound=OfCase)


def wrapped(text: str, indent: str = "") -> list[str]:
    """A name that is longer than a line is not broken: nobody could copy it."""
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def grouped(
    shown: Iterable[Shown],
    cells: Callable[[Shown], str],
    columns: str,
    label_width: int = LABEL_WIDTH,
) -> list[str]:
    """Lines of a table: a case's path on a line of its own, where it changes; its last parts and
    cells below.
    """
    lines = [f"{'':{label_width}}{columns}"]
    above = None
    for one in shown:
        family, path, *rest = one.case.split("/")
        if not rest:  # two parts: nothing to group by
            above = None
            lines.append(f"  {one.case:{label_width - 2}}{cells(one)}".rstrip())
            continue
        if (family, path) != above:
            above = (family, path)
            lines.append(f"  {family}/{path}/")
        lines.append(f"    {'/'.join(rest):{label_width - 4}}{cells(one)}".rstrip())
    return lines


def label_width(cases: Iterable[str]) -> int:
    """What `grouped` needs beside columns of variants."""
    return max([24, *(len("/".join(case.split("/")[2:])) + 5 for case in cases)])


def columns(variants: Iterable[str], widest: int) -> list[int]:
    """Widths of a column a variant. widest: of its cells."""
    return [max(len(variant), 5, widest) + 1 for variant in variants]


def fitting(variants: Iterable[str], width: int, widest: int = 0) -> list[list[str]]:
    """Variants in runs whose columns fit a width. widest: of their cells."""
    runs: list[list[str]] = [[]]
    for variant in variants:
        if runs[-1] and sum(columns([*runs[-1], variant], widest)) > width:
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
    """A table of one column a variant. cell: of a case and a variant, empty where there is none;
    widest: of these, also of tables with more variants.
    """
    widths = columns(variants, widest)

    def cells(one: Shown) -> str:
        return "".join(
            f"{cell(one.case, variant):>{width}}" for variant, width in zip(variants, widths)
        )

    headings = "".join(f"{variant:>{width}}" for variant, width in zip(variants, widths))
    return "\n".join([*wrapped(title), *grouped(shown, cells, headings, label_width)])
