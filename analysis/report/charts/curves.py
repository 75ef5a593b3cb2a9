# SPDX-License-Identifier: Apache-2.0
"""Figures of variants against a size or a number of something that doubles, with the interval of
each as a band.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from analysis.report.charts import frame, style
from analysis.report.model.figure import Caption, Curves, Point
from formats.figures import to_digits

_PANEL_INCHES = 2.4
_COLUMNS = 2
_LEFT_INCHES = 0.95
_LINE_WIDTH = 1.4
# Beyond this ratio of the largest to the smallest an axis is logarithmic, as its figures double
# with what they are drawn against.
_LOGARITHMIC = 3.0
# Below this ratio decades alone would be too few ticks.
_FEW_DECADES = 100


def draw(caption: Caption, curves: Curves, target: Path) -> None:
    """Draws one panel per kind of run, with a line per variant.

    target: without suffix; .svg and .png are written.
    """
    variants = list(dict.fromkeys(name for panel in curves.panels for name in panel.lines))
    titles = [panel.title for panel in curves.panels]
    with frame.panels(
        caption,
        titles,
        _COLUMNS,
        _PANEL_INCHES,
        target,
        legend(variants, curves.variants),
        _LEFT_INCHES,
    ) as drawn:
        for axes, panel in zip(drawn, curves.panels):
            for variant, points in panel.lines.items():
                _line(axes, points, *style.looks(variant, curves.variants))
            doubling(axes, panel.ticks)
            _scale(axes, [point.mean for points in panel.lines.values() for point in points])
            axes.set_xlabel(curves.x_label)
            axes.set_ylabel(panel.unit)


def legend(shown: Sequence[str], variants: Sequence[str]) -> list[Artist]:
    """shown: in this chart; variants: of the campaign."""
    pairs = ((variant, *style.looks(variant, variants)) for variant in shown)
    return [
        Line2D([], [], marker=marker, color=colour, label=variant, linewidth=1.4, markersize=5)
        for variant, colour, marker in pairs
    ]


def doubling(axes: Axes, ticks: dict[float, str]) -> None:
    """An axis on which twice as much is one step."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(min(ticks) / 1.6, max(ticks) * 1.6)
    axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: ticks.get(round(value), "")))


def _line(axes: Axes, points: list[Point], colour: str, marker: str) -> None:
    axes.plot(
        [point.x for point in points],
        [point.mean for point in points],
        marker=marker,
        color=colour,
        linewidth=_LINE_WIDTH,
        markersize=5,
        markeredgecolor=style.PAPER,
        markeredgewidth=0.4,
    )
    banded = [point for point in points if point.low is not None]
    if banded:
        x = [point.x for point in banded]
        low, high = [point.low for point in banded], [point.high for point in banded]
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
        # a band no wider than the line would not be seen
        axes.vlines(x, low, high, color=colour, linewidth=1)


def _scale(axes: Axes, figures: list[float]) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: to_digits(value)))
    if min(figures) > 0 and max(figures) > _LOGARITHMIC * min(figures):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1, 2, 5) if max(figures) < _FEW_DECADES * min(figures) else (1,))
        )
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: to_digits(value)))
