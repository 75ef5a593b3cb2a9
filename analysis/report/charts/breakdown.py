# SPDX-License-Identifier: Apache-2.0
"""Stacked bars: where the instructions of an operation go, by part of the path."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from analysis.report.charts import frame, style
from analysis.report.model.figure import Breakdown, Caption
from analysis.summary.cases import Row
from analysis.summary.cost_parts import PARTS, TITLES

_HEIGHT = 0.74  # of a bar, in rows
# Inches: a count is left out of a segment that does not show around it; and of the words beside a
# bar.
_COUNT_EDGE, _COUNT_DIGIT, _WORD_CHARACTER = 0.12, 0.065, 0.09


def draw(caption: Caption, breakdown: Breakdown, target: Path) -> None:
    """Draws one bar per row, under its heading.

    target: without suffix; .svg and .png are written.
    """
    groups = breakdown.groups
    drawn = [row for _, rows in groups for _, row in rows]
    used = [part for part in PARTS if any(row.parts and row.parts[part] for row in drawn)]
    legend = [
        Patch(
            facecolor=style.PART_COLOURS[part],
            hatch=style.PART_HATCHES[part],
            edgecolor=style.PAPER,
            label=TITLES[part],
        )
        for part in used
    ]
    headed = [frame.HeadedRows(heading, [label for label, _ in rows]) for heading, rows in groups]
    longest = max(row.cost or 0 for row in drawn) or 1
    words_inches = _WORD_CHARACTER * (1 + max(len(_label(row)) for row in drawn))
    with frame.rows(caption, headed, legend, target) as (axes, positions):
        inches = axes.get_position().width * axes.figure.get_size_inches()[0]
        axes.set_xlim(
            0, longest * inches / (inches - words_inches)
        )  # the words beside the longest bar end where the axis does
        for places, (_, rows) in zip(positions, groups):
            for place, (_, row) in zip(places, rows):
                _bar(axes, place, row, (inches - words_inches) / longest)
        axes.grid(axis="x")
        axes.set_xlabel("instructions an operation (emulated; clock: icount, not time)")


def _label(row: Row) -> str:
    return f"{row.cost:g}" + (f", {float(row.pkrs_writes):g} WRMSR" if row.pkrs_writes else "")


def _bar(axes: Axes, position: float, row: Row, scale: float) -> None:
    """scale: inches an instruction."""
    left, parts = 0.0, row.parts or {}
    for part in PARTS:
        width = float(parts[part])
        if not width:
            continue
        axes.barh(
            position,
            width,
            left=left,
            height=_HEIGHT,
            color=style.PART_COLOURS[part],
            hatch=style.PART_HATCHES[part],
            edgecolor=style.PAPER,
            linewidth=0.5,
        )
        if width * scale >= _COUNT_EDGE + _COUNT_DIGIT * len(f"{width:g}"):
            box = {"boxstyle": "round,pad=0.12", "facecolor": style.PAPER, "edgecolor": "none"}
            axes.text(
                left + width / 2,
                position,
                f"{width:g}",
                ha="center",
                va="center",
                fontsize=7.5,
                bbox=box,
            )
        left += width
    axes.text(left + 0.04 / scale, position, _label(row), va="center", fontweight="bold")
