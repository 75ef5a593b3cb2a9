# SPDX-License-Identifier: Apache-2.0
"""Stacked bars: where the instructions of an operation go, by part of the path; and how long such
an operation would be if a PKRS write took longer than an instruction.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.report.charts import frame, style
from analysis.report.model.figure import BarPanel, Breakdown, Caption
from analysis.summary.cases import Row
from analysis.summary.cost_parts import PARTS, TITLES

_COLUMNS = 2
_HEIGHT = 0.74  # of a bar, in rows
_ROW_INCHES = 0.235
_AROUND_INCHES = 0.8  # of a panel, above and below its rows
# Inches: a count is left out of a segment that does not show around it; and of the words beside a
# bar or an axis.
_COUNT_EDGE, _COUNT_DIGIT, _WORD_CHARACTER = 0.12, 0.075, 0.075
_SUPPOSED = {"facecolor": "none", "edgecolor": style.INK, "linestyle": "--", "linewidth": 1}


def draw(caption: Caption, breakdown: Breakdown, target: Path) -> None:
    """Draws one panel per kind of page or path, all on one scale, and one of what is supposed, on
    its own.

    target: without suffix; .svg and .png are written.
    """
    drawn = [row for panel in breakdown.panels for _, row in panel.rows]
    panels = list(breakdown.panels)
    if breakdown.supposed:
        panels.append(breakdown.supposed)
    labels = [label for panel in panels for label, _ in panel.rows]
    most_rows = max(len(panel.rows) for panel in panels)
    with frame.panels(
        caption,
        [panel.title for panel in panels],
        _COLUMNS,
        _AROUND_INCHES + _ROW_INCHES * most_rows,
        target,
        _legend(drawn, breakdown),
        0.2 + _WORD_CHARACTER * max(map(len, labels)),
    ) as axes:
        longest = max(row.cost or 0 for row in drawn) or 1
        for one, panel in zip(axes, breakdown.panels):
            scale = _prepare(one, panel, longest, most_rows, [_label(row) for row in drawn])
            for place, (_, row) in enumerate(panel.rows):
                _bar(one, place, row, scale)
            one.set_xlabel("instructions (emulated, not time)")
        if breakdown.supposed:
            _draw_supposed(axes[-1], breakdown.supposed, breakdown.write_cycles, most_rows)


def _legend(drawn: Sequence[Row], breakdown: Breakdown) -> list[Artist]:
    used = [part for part in PARTS if any(row.parts and row.parts[part] for row in drawn)]
    legend: list[Artist] = [
        Patch(
            facecolor=style.PART_COLOURS[part],
            hatch=style.PART_HATCHES[part],
            edgecolor=style.PAPER,
            label=TITLES[part],
        )
        for part in used
    ]
    if any(row.pkrs_writes for row in drawn):
        mark = {"marker": "v", "color": style.INK, "markersize": 4.5, "linestyle": "none"}
        legend.append(Line2D([], [], label="a PKRS write", **mark))
    if breakdown.supposed:
        legend.append(Patch(label=f"writes of {breakdown.write_cycles} cycles", **_SUPPOSED))
    return legend


def _prepare(axes: Axes, panel: BarPanel, longest: float, rows: int, words: Sequence[str]) -> float:
    """Sets the limits of a panel so that the words beside the longest bar end where it does;
    inches a unit.
    """
    inches = axes.get_position().width * axes.figure.get_size_inches()[0]
    for_words = _WORD_CHARACTER * (2 + max(map(len, words)))
    axes.set_xlim(0, longest * inches / (inches - for_words))
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks(range(len(panel.rows)), [label for label, _ in panel.rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    return (inches - for_words) / longest


def _label(row: Row) -> str:
    return f"{row.cost:g}"


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
            axes.text(left + width / 2, position, f"{width:g}", ha="center", va="center", bbox=box)
        left += width
    _mark_writes(axes, position, row, left, scale)
    axes.text(left + 0.05 / scale, position, _label(row), va="center", fontweight="bold")


def _mark_writes(axes: Axes, position: float, row: Row, end: float, scale: float) -> None:
    """A mark per PKRS write above a bar's last part, which the writes are."""
    writes = round(float(row.pkrs_writes or 0))
    places = [end - (number + 0.5) * 0.09 / scale for number in range(writes)]
    marks = {"color": style.INK, "markersize": 4.5, "clip_on": False, "zorder": 3}
    axes.plot(places, [position - _HEIGHT / 2] * writes, "v", **marks)


def _draw_supposed(axes: Axes, panel: BarPanel, write_cycles: int, rows: int) -> None:
    """Bars as if a PKRS write took so many cycles, and any other instruction one."""
    totals = [
        (row.cost or 0) + float(row.pkrs_writes or 0) * (write_cycles - 1) for _, row in panel.rows
    ]
    words = [f"{total:g}" for total in totals]
    scale = _prepare(axes, panel, max(totals) or 1, rows, words)
    for place, ((_, row), total, said) in enumerate(zip(panel.rows, totals, words, strict=True)):
        others = (row.cost or 0) - float(row.pkrs_writes or 0)
        axes.barh(place, others, height=_HEIGHT, color=style.MUTED)
        if total > others:
            axes.barh(place, total - others, left=others, height=_HEIGHT, **_SUPPOSED)
        axes.text(total + 0.05 / scale, place, said, va="center", fontweight="bold")
    axes.set_xlabel("cycles, if all else takes 1 each")
