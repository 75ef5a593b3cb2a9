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
_MARK_SHARE = 0.1  # of a cell's width, left of its words
# Half of the colour is a quarter of the overhead that has the full one.
_STRONGEST = 0.6


def draw(caption: Caption, heat: Heat, target: Path) -> None:
    """Draws one row per kind of run, under its heading.

    target: without suffix; .svg and .png are written.
    """
    groups, columns, full = heat.groups, heat.columns, heat.full
    drawn = [cell for _, rows in groups for _, cells in rows for cell in cells.values()]
    scale = [
        (style.LESS, -1.0, -full),
        (style.MORE, 0.5, full / 4),
        (style.MORE, 1.0, full),
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
        heads = [f"{columns[0]} bytes", *columns[1:]]
        axes.set_xticks([number + 0.5 for number in range(len(columns))], heads)
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=0, pad=-12)
        axes.spines[["top", "bottom"]].set_visible(False)
        for places, (_, rows) in zip(positions, groups):
            for place, (_, cells) in zip(places, rows):
                if len(cells) == 1:
                    (cell,) = cells.values()
                    _cell(axes, (0, len(columns)), place, cell, full)
                    continue
                for column, cell in cells.items():
                    _cell(axes, (columns.index(column), 1), place, cell, full)


def _ratio(cell: Comparison) -> float:
    return 1.0 if cell.ratio is None else cell.ratio


def _cell(
    axes: Axes, place: tuple[int, int], position: float, cell: Comparison, full: float
) -> None:
    """place: the first column, and how many columns."""
    left, columns = place
    overhead = _ratio(cell) - 1
    depth = min(1.0, abs(overhead) / full) ** 0.5
    axes.add_patch(
        Rectangle(
            (left + 0.01, position - 0.46),
            columns - 0.02,
            0.92,
            facecolor=style.MORE if overhead > 0 else style.LESS,
            alpha=_STRONGEST * depth,
            linewidth=0,
        )
    )
    forest.mark(axes, left + _MARK_SHARE / 2 + 0.02, position, cell.verdict)
    lines = _words(cell)
    if columns > 1:
        lines = [", ".join(lines)]
    for number, line in enumerate(lines):
        height = 0.42 * (number - (len(lines) - 1) / 2)
        axes.text(left + _MARK_SHARE + 0.03, position + height, line, va="center", fontsize=8)


def _words(cell: Comparison) -> list[str]:
    """What is added, in units and percent; and between what percentages it lies."""
    added = cell.difference
    places = 0 if abs(added) >= 100 else 1 if abs(added) >= 10 else 2
    percent = format.format_percent(_ratio(cell))
    words = [f"{added:+,.{places}f} ({percent if float(percent) else percent.lstrip('+')} %)"]
    if interval := cell.ratio_95:
        low, high = format.format_percent(interval.low), format.format_percent(interval.high)
        words.append(f"{low} to {high}")
    return words
