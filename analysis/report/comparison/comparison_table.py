# SPDX-License-Identifier: Apache-2.0
"""Rows of a comparison as a table of words, with the columns that say something."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.report.comparison import format
from analysis.stats.comparison import Comparison


@dataclass(frozen=True)
class ComparisonTable:
    """Each row has a case and a cell for each heading, the verdict last."""

    caption: str
    headings: list[str]
    rows: list[tuple[Comparison, list[str]]]


def build_table(
    title: str, rows: Sequence[Comparison], of: Sequence[Comparison]
) -> ComparisonTable:
    """title: of the metric; of: all rows of that metric, by which the columns are chosen. Boots
    that all rows have in common are in the caption.
    """
    boots = list(dict.fromkeys(map(format.count_boots, of)))
    columns = [
        ("old", [format.format_value(row.old) for row in rows]),
        ("new", [format.format_value(row.new) for row in rows]),
        ("change", [format.format_change(row) for row in rows]),
    ]
    if any(map(_percent, of)):
        columns.append(("%", [_percent(row) for row in rows]))
    if any(map(format.format_interval, of)):
        columns.append(("95 %", [format.format_interval(row) for row in rows]))
    if len(boots) > 1:
        columns.append(("of", [format.count_boots(row) for row in rows]))
    columns.append(("verdict", [format.word(row) for row in rows]))
    return ComparisonTable(
        caption=f"{title}; {boots[0]}" if len(boots) == 1 else title,
        headings=[heading for heading, _ in columns],
        rows=[(row, [cells[number] for _, cells in columns]) for number, row in enumerate(rows)],
    )


def _percent(row: Comparison) -> str:
    """What an exact count changed by: of another the change is a ratio."""
    if not row.exact or row.ratio is None or row.difference == 0:
        return ""
    return format.format_percent(row.ratio)
