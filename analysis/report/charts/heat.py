# SPDX-License-Identifier: Apache-2.0
"""A heat map of overhead: a row a kind of run, a column a block size, and in each cell the figure
with its interval and verdict.
"""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from analysis.report.charts import forest, frame, style
from analysis.report.comparison import format
from analysis.report.model.figure import Caption, Heat
from analysis.stats.comparison import Comparison

_ROW_HEIGHT = 0.36
_MARK_SHARE = 0.13  # of a cell's width, left of its words
# An overhead of this share, or the largest where that is less, has the full colour; half of the
# colour is a quarter of it.
_FULL = 0.10
_STRONGEST = 0.6


def draw(caption: Caption, heat: Heat, target: Path) -> None:
    """Draws one row per kind of run, under its heading.

    target: without suffix; .svg and .png are written.
    """
    groups, columns = heat.groups, heat.columns
    drawn = [cell for _, rows in groups for _, cells in rows for cell in cells.values()]
    full = min(_FULL, max(abs(_ratio(cell) - 1) for cell in drawn)) or _FULL
    scale = [
        (style.BLUE, -1.0, -full),
        (style.VERMILION, 0.5, full / 4),
        (style.VERMILION, 1.0, full),
    ]
    legend = [
        Patch(facecolor=colour, alpha=_STRONGEST * abs(depth), label=f"{share * 100:+.2g} %")
        for colour, depth, share in scale
    ]
    headed = [frame.HeadedRows(heading, [label for label, _ in rows]) for heading, rows in groups]
    with frame.rows(
        caption, headed, forest.verdict_legend(drawn) + legend, target, row_height=_ROW_HEIGHT
    ) as (axes, positions):
        axes.set_xlim(0, len(columns))
        axes.set_xticks([number + 0.5 for number in range(len(columns))], columns)
        axes.tick_params(axis="x", length=0)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel("bytes an I/O")
        for places, (_, rows) in zip(positions, groups):
            for place, (_, cells) in zip(places, rows):
                for column, cell in cells.items():
                    _cell(axes, columns.index(column), place, cell, full)


def _ratio(cell: Comparison) -> float:
    return 1.0 if cell.ratio is None else cell.ratio


def _cell(axes: Axes, left: float, position: float, cell: Comparison, full: float) -> None:
    overhead = _ratio(cell) - 1
    depth = min(1.0, abs(overhead) / full) ** 0.5
    colour = style.VERMILION if overhead > 0 else style.BLUE
    axes.add_patch(
        Rectangle(
            (left + 0.01, position - 0.46),
            0.98,
            0.92,
            facecolor=colour,
            alpha=_STRONGEST * depth,
            linewidth=0,
        )
    )
    marker, mark = forest.MARKERS[cell.verdict]
    axes.plot(
        left + _MARK_SHARE / 2 + 0.02,
        position,
        marker,
        color=mark,
        markeredgecolor=style.PAPER,
        markeredgewidth=0.6,
        markersize=5,
    )
    text = {"ha": "left", "fontsize": 7.5}
    text_left = left + _MARK_SHARE + 0.02
    interval = cell.ratio_95
    axes.text(
        text_left,
        position - (0.2 if interval else 0),
        f"{format.format_percent(_ratio(cell))} %",
        va="center",
        fontweight="bold",
        **text,
    )
    if interval:
        axes.text(
            text_left,
            position + 0.22,
            f"{format.format_percent(interval.low)} to {format.format_percent(interval.high)}",
            va="center",
            **text,
        )
