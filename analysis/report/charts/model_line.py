# SPDX-License-Identifier: Apache-2.0
"""Overhead of an I/O with its interval, the model beside it, and what the model leaves over."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.fio_model.cost_model import ModelCheck
from analysis.report import style
from analysis.report.charts import curves, frame

_PANEL_INCHES = 2.4
_LEFT_INCHES = 0.9
# Variants at one block size stand beside each other, so many doublings apart.
_BESIDE = 0.28
# Large I/Os scatter by more than the model is about: an axis is even up to about so many times the
# model, and logarithmic beyond, as far as this.
_EVEN, _FARTHEST = 2.0, 40
_EXPECTED = {"linestyle": "--", "linewidth": 1.3}
_BRACKET = {"linestyle": ":", "linewidth": 1.5}
_COUNTED = {"linestyle": "-", "linewidth": 0.9}


@dataclass(frozen=True)
class Panel:
    title: str
    rows: list[ModelCheck]  # each with a model


def draw(words: frame.Caption, panels: Sequence[Panel], unit: str, target: Path) -> None:
    """Two panels a kind of run: overhead, models and what was counted; what is left by 2 WRPKRS.

    target: without suffix; .svg and .png are written.
    """
    variants = list(
        dict.fromkeys(row.comparison.pair.new.label for panel in panels for row in panel.rows)
    )
    legend = curves.legend(variants) + [
        Line2D([], [], color=style.INK, label="model: 2 WRPKRS", **_EXPECTED),
        Line2D([], [], color=style.INK, label="the whole bracket", **_BRACKET),
    ]
    if any(row.counted is not None for panel in panels for row in panel.rows):
        legend.append(
            Line2D([], [], color=style.INK, label="one call, counted from outside", **_COUNTED)
        )
    titles = [title for panel in panels for title in (panel.title, "what 2 WRPKRS leave over")]
    with frame.panels(words, titles, 2, _PANEL_INCHES, target, legend, _LEFT_INCHES) as drawn:
        for added, left, panel in zip(drawn[::2], drawn[1::2], panels):
            _points(added, panel.rows, variants, less_model=False)
            _models(added, panel.rows, variants)
            _points(left, panel.rows, variants, less_model=True)
            added.set_ylabel(f"{unit} added to an I/O")
            left.set_ylabel(f"{unit} left over")


def _points(axes: Axes, rows: list[ModelCheck], variants: list[str], less_model: bool) -> None:
    axes.axhline(0, color=style.INK, linewidth=0.8)
    spans = []
    for row in rows:
        variant = row.comparison.pair.new.label
        colour, marker = curves.looks(variants, variant)
        at = row.run.block_bytes * 2 ** (
            _BESIDE * (variants.index(variant) - (len(variants) - 1) / 2)
        )
        taken = row.expected if less_model else 0.0
        figure = row.comparison.difference - taken
        if row.interval:
            axes.plot(
                (at, at),
                (row.interval.low - taken, row.interval.high - taken),
                color=colour,
                linewidth=1.4,
            )
        axes.plot(
            at,
            figure,
            marker,
            color=colour,
            markeredgecolor=style.PAPER,
            markeredgewidth=0.6,
            markersize=5,
        )
        spans.append((row, taken, figure))
    _scale(axes, spans)
    curves.doubling(axes, {row.run.block_bytes: row.run.size for row in rows})
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: frame.plain(value)))
    axes.set_xlabel("bytes an I/O")


def _scale(axes: Axes, spans: list[tuple[ModelCheck, float, float]]) -> None:
    even = _round(
        _EVEN
        * max(
            [
                1.0,
                *(
                    abs(model)
                    for row, _, _ in spans
                    for model in (row.expected, row.bracket, row.counted or 0.0)
                ),
            ]
        )
    )
    ends = [
        end - taken
        for row, taken, _ in spans
        if row.interval
        for end in (row.interval.low, row.interval.high)
    ]
    reached = [figure for _, _, figure in spans] + [
        min(max(end, -_FARTHEST * even), _FARTHEST * even) for end in ends
    ]
    low, high = min([-0.1 * even, *reached]), max([0.5 * even, *reached])
    if max(-low, high) > even:
        axes.set_yscale("symlog", linthresh=even, linscale=2)
        low, high = min(low, -even), max(high, even)
        decades = [
            10**power for power in range(1, 12) if 3 * even < 10**power
        ]  # a nearer one would stand on the last before it
        shown = [0.0, even / 2, even, *decades]
        axes.yaxis.set_major_locator(FixedLocator(sorted({*shown, *(-tick for tick in shown)})))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylim(low * 1.3, high * 1.3)
    else:
        edge = 0.06 * (high - low)
        axes.set_ylim(low - edge, high + edge)


def _round(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, ..."""
    decade = 10 ** math.floor(math.log10(value))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= value)


def _models(axes: Axes, rows: list[ModelCheck], variants: list[str]) -> None:
    for variant in variants:
        own = [row for row in rows if row.comparison.pair.new.label == variant]
        colour, _ = curves.looks(variants, variant)
        for model, looks in (("expected", _EXPECTED), ("bracket", _BRACKET), ("counted", _COUNTED)):
            points = [
                (row.run.block_bytes, getattr(row, model))
                for row in own
                if getattr(row, model) is not None
            ]
            if len(points) == 1:  # a line needs two ends
                ((at, figure),) = points
                points = [(at / 1.5, figure), (at * 1.5, figure)]
            if points:
                axes.plot(*zip(*points), color=colour, **looks)
