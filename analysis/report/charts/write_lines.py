# SPDX-License-Identifier: Apache-2.0
"""Predicted cycles over what a register write takes: a line per state of the path. The axis of
cycles is logarithmic, since a write takes much longer than all else.
"""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.report.charts import frame, style
from analysis.report.model.figure import Caption, WriteLine, WriteLines
from formats.figures import to_digits

_COLUMNS = 2
_PANEL_INCHES = 3.0
_LEFT_INCHES = 0.7
_LINE_WIDTH = 1.6
_STEP = 5  # cycles of a write: a line is curved on this axis
_LOWEST = 4  # cycles at the foot of the axis


def draw(caption: Caption, drawing: WriteLines, target: Path) -> None:
    """Draws one panel per form of the path, all on one scale.

    target: without suffix; .svg and .png are written.
    """
    states = _from_low_to_high(drawing)
    looks = {state: style.looks(state, states) for state in states}
    legend = [
        Line2D([], [], color=colour, marker=marker, label=state, markersize=5)
        for state, (colour, marker) in looks.items()
    ]
    titles = [panel.title for panel in drawing.panels]
    highest = max(
        line.high + line.writes * drawing.span[1]
        for panel in drawing.panels
        for line in panel.lines.values()
    )
    with frame.panels(
        caption, titles, _COLUMNS, _PANEL_INCHES, target, legend, _LEFT_INCHES
    ) as drawn:
        for axes, panel in zip(drawn, drawing.panels, strict=True):
            for state, line in panel.lines.items():
                _line(axes, line, drawing, *looks[state])
            axes.axvline(drawing.published, color=style.MUTED, linestyle=":", linewidth=1)
            axes.set_xlim(*drawing.span)
            axes.set_yscale("log")
            axes.set_ylim(_LOWEST, 1.1 * highest)
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: to_digits(value)))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel("W, cycles of one PKRS write")
            axes.set_ylabel("predicted cycles")


def _from_low_to_high(drawing: WriteLines) -> list[str]:
    """States, the one with the fewest cycles first."""
    highest: dict[str, float] = {}
    for panel in drawing.panels:
        for state, line in panel.lines.items():
            cycles = line.alone + line.writes * drawing.published
            highest[state] = max(cycles, highest.get(state, 0))
    return sorted(highest, key=lambda state: highest[state])


def _line(axes: Axes, line: WriteLine, drawing: WriteLines, colour: str, marker: str) -> None:
    low, high = drawing.span
    places = sorted({*range(low, high, _STEP), drawing.published, high})

    def cycles(without: float) -> list[float]:
        return [max(_LOWEST, without + line.writes * place) for place in places]

    if line.writes:  # bands of the others would cover each other
        band = (cycles(line.low), cycles(line.high))
        axes.fill_between(places, *band, color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        places,
        cycles(line.alone),
        color=colour,
        marker=marker,
        markevery=[places.index(drawing.published)],
        linewidth=_LINE_WIDTH,
        markersize=5,
        markeredgecolor=style.PAPER,
        markeredgewidth=0.4,
    )
