# SPDX-License-Identifier: Apache-2.0
"""Ratios new/old with their intervals, against the band in which a change is none."""

import math
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.report.charts import frame, style
from analysis.report.comparison import format
from analysis.report.model.figure import Caption, Forest
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import Verdict

# Verdicts are told apart by form: up is slower, down is faster, and a hollow one leaves the size
# open. Colours are the variants' and the parts'.
_MARKERS = {
    Verdict.SLOWER: ("^", style.INK),
    Verdict.FASTER: ("v", style.INK),
    Verdict.SAME: ("o", style.INK),
    Verdict.WITHIN: ("o", style.PAPER),
    Verdict.SLOWER_OPEN: ("^", style.PAPER),
    Verdict.FASTER_OPEN: ("v", style.PAPER),
    Verdict.UNRESOLVED: ("X", style.MUTED),
    Verdict.EXPLORATORY: ("P", style.MUTED),
}
_MARK_SIZE = 5.5
_BAND_LABEL = "no change to a user of the path (the margin)"
# Beyond this ratio of the largest to the smallest a linear axis would press what is near 1
# together.
_LOGARITHMIC = 1.5
# An interval of few boots may be without end: it does not set the scale beyond so much of the
# ratios' own span.
_INTERVAL_SPAN = 2.0
_CHARACTER = 0.068  # inches, of the words right of the axis


def draw(caption: Caption, forest: Forest, target: Path) -> None:
    """Draws one row per comparison, under its heading.

    target: without suffix; .svg and .png are written.
    """
    groups = forest.groups
    drawn = [row for _, rows in groups for _, row in rows]
    legend = verdict_legend(drawn)
    if any(row.margin for row in drawn):
        legend.append(Patch(facecolor=style.BAND, label=_BAND_LABEL))
    headed = [frame.HeadedRows(heading, [label for label, _ in rows]) for heading, rows in groups]
    with frame.rows(
        caption,
        headed,
        legend,
        target,
        right=0.15 + _CHARACTER * max(len(_label(row)) for row in drawn),
    ) as (axes, positions):
        _scale(axes, drawn)
        axes.axvline(1, color=style.INK, linewidth=0.8)
        for places, (_, rows) in zip(positions, groups):
            for place, (_, row) in zip(places, rows):
                _row(axes, place, row)
        axes.grid(axis="x")
        axes.set_xlabel(forest.axis)


def verdict_legend(drawn: list[Comparison]) -> list[Artist]:
    """The marks of the verdicts that there are, as their words are printed."""
    words = {
        row.verdict: str(row.verdict) if row.verdict is Verdict.WITHIN else format.word(row)
        for row in drawn
    }
    return [
        Line2D([], [], linestyle="none", label=words[verdict], **_looks(verdict))
        for verdict in _MARKERS
        if verdict in words
    ]


def mark(axes: Axes, x: float, y: float, verdict: Verdict) -> None:
    axes.plot(x, y, linestyle="none", **_looks(verdict))


def _looks(verdict: Verdict) -> dict[str, Any]:
    marker, colour = _MARKERS[verdict]
    edge = style.INK if colour == style.PAPER else style.PAPER
    looks = {"marker": marker, "color": colour, "markeredgecolor": edge}
    return looks | {"markersize": _MARK_SIZE, "markeredgewidth": 1 if edge == style.INK else 0.6}


def _row(axes: Axes, position: float, row: Comparison) -> None:
    if row.margin:
        axes.barh(
            position,
            row.margin.high - row.margin.low,
            left=row.margin.low,
            height=1,
            color=style.BAND,
            zorder=0,
        )
    if row.ratio_95:
        axes.plot(
            (row.ratio_95.low, row.ratio_95.high),
            (position, position),
            color=style.MUTED,
            linewidth=1.6,
            solid_capstyle="butt",
        )
    if row.ratio is not None:
        mark(axes, row.ratio, position, row.verdict)
    axes.text(
        1.02, position, _label(row), transform=axes.get_yaxis_transform(), va="center", fontsize=8
    )


def _label(row: Comparison) -> str:
    return " ".join(
        word
        for word in (format.format_change(row), format.format_interval(row), format.word(row))
        if word
    )


def _scale(axes: Axes, drawn: list[Comparison]) -> None:
    """Limits that hold all ratios, intervals that have an end, and the narrowest margin: a wide one
    would hide the others. Ticks as plain figures.
    """
    narrowest = min(
        (row.margin for row in drawn if row.margin), key=lambda margin: margin.high, default=None
    )
    needed = [1.0, *(row.ratio for row in drawn if row.ratio is not None)]
    if narrowest:
        needed += [narrowest.low, narrowest.high]
    low, high = math.log(min(needed)), math.log(max(needed))
    reach = _INTERVAL_SPAN * (high - low)
    ends = [
        math.log(end)
        for row in drawn
        if row.ratio_95
        for end in (row.ratio_95.low, row.ratio_95.high)
        if 0 < end < math.inf
    ]
    clipped = [min(max(end, low - reach), high + reach) for end in ends]
    low, high = min([low, *clipped]), max([high, *clipped])
    edge = 0.05 * (high - low) or 0.01
    if high - low > math.log(_LOGARITHMIC):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(math.exp(low - edge), math.exp(high + edge))
