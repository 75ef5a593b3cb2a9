# SPDX-License-Identifier: Apache-2.0
"""Overhead of an I/O with its interval, the model beside it, and what the model leaves over."""

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.fio_model.cost_model import ModelCheck
from analysis.report.charts import curves, frame, style
from analysis.report.model.figure import Caption, ModelLines

_PANEL_INCHES = 2.4
_LEFT_INCHES = 0.9
# Variants at one block size stand beside each other, so many doublings apart.
_BESIDE = 0.28
# Large I/Os scatter by more than the model is about: an axis is even up to about so many times the
# model, and logarithmic beyond, as far as this.
_EVEN, _FARTHEST = 2.0, 40
_EXPECTED: dict[str, Any] = {"linestyle": "--", "linewidth": 1.3}
_MAP_UNMAP: dict[str, Any] = {"linestyle": ":", "linewidth": 1.5}
_COUNTED: dict[str, Any] = {"linestyle": "-", "linewidth": 0.9}


def draw(caption: Caption, lines: ModelLines, target: Path) -> None:
    """Draws two panels per kind of run: overhead and models; residuals of 2 PKRS writes.

    target: without suffix; .svg and .png are written.
    """
    checks = [check for panel in lines.panels for check in panel.checks]
    variants = list(dict.fromkeys(map(_variant, checks)))
    legend = curves.legend(variants) + [
        Line2D([], [], color=style.INK, label="model: 2 WRPKRS", **_EXPECTED),
        Line2D([], [], color=style.INK, label="the whole bracket", **_MAP_UNMAP),
    ]
    if any(check.counted is not None for check in checks):
        legend.append(
            Line2D([], [], color=style.INK, label="one call, counted from outside", **_COUNTED)
        )
    titles = [
        title for panel in lines.panels for title in (panel.title, "what 2 WRPKRS leave over")
    ]
    with frame.panels(caption, titles, 2, _PANEL_INCHES, target, legend, _LEFT_INCHES) as drawn:
        for added, left, panel in zip(drawn[::2], drawn[1::2], lines.panels):
            _points(added, panel.checks, variants, less_model=False)
            _models(added, panel.checks, variants)
            _points(left, panel.checks, variants, less_model=True)
            added.set_ylabel(f"{lines.unit} added to an I/O")
            left.set_ylabel(f"{lines.unit} left over")


def _variant(check: ModelCheck) -> str:
    return check.comparison.pair.new.label


def _points(axes: Axes, checks: list[ModelCheck], variants: list[str], less_model: bool) -> None:
    axes.axhline(0, color=style.INK, linewidth=0.8)
    points: list[float] = []
    ends: list[float] = []
    for check in checks:
        variant = _variant(check)
        colour, marker = curves.looks(variants, variant)
        doublings = _BESIDE * (variants.index(variant) - (len(variants) - 1) / 2)
        x = check.run.block_bytes * 2**doublings
        taken = check.expected or 0.0 if less_model else 0.0
        points.append(check.comparison.difference - taken)
        if check.interval:
            low, high = check.interval.low - taken, check.interval.high - taken
            axes.plot((x, x), (low, high), color=colour, linewidth=1.4)
            ends += [low, high]
        axes.plot(
            x,
            points[-1],
            marker,
            color=colour,
            markeredgecolor=style.PAPER,
            markeredgewidth=0.6,
            markersize=5,
        )
    _scale(axes, _even_up_to(checks), points, ends)
    curves.doubling(axes, {check.run.block_bytes: check.run.size for check in checks})
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: frame.plain(value)))
    axes.set_xlabel("bytes an I/O")


def _even_up_to(checks: list[ModelCheck]) -> float:
    """Largest value of the linear part of the y axis."""
    models = [
        abs(model or 0.0)
        for check in checks
        for model in (check.expected, check.map_unmap, check.counted)
    ]
    return _round(_EVEN * max([1.0, *models]))


def _scale(axes: Axes, even: float, points: list[float], ends: list[float]) -> None:
    """Sets the limits of the y axis. ends: of the intervals."""
    reached = points + [min(max(end, -_FARTHEST * even), _FARTHEST * even) for end in ends]
    low, high = min([-0.1 * even, *reached]), max([0.5 * even, *reached])
    if max(-low, high) <= even:
        edge = 0.06 * (high - low)
        axes.set_ylim(low - edge, high + edge)
        return
    axes.set_yscale("symlog", linthresh=even, linscale=2)
    low, high = min(low, -even), max(high, even)
    # a nearer decade would stand on the last tick before it
    decades = [10**power for power in range(1, 12) if 3 * even < 10**power]
    ticks = [0.0, even / 2, even, *decades]
    axes.yaxis.set_major_locator(FixedLocator(sorted({*ticks, *(-tick for tick in ticks)})))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(low * 1.3, high * 1.3)


def _round(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, ..."""
    decade = 10 ** math.floor(math.log10(value))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= value)


def _models(axes: Axes, checks: list[ModelCheck], variants: list[str]) -> None:
    for variant in variants:
        own = [check for check in checks if _variant(check) == variant]
        colour, _ = curves.looks(variants, variant)
        models = (
            (_EXPECTED, [check.expected for check in own]),
            (_MAP_UNMAP, [check.map_unmap for check in own]),
            (_COUNTED, [check.counted for check in own]),
        )
        for looks, values in models:
            points = [
                (float(check.run.block_bytes), value)
                for check, value in zip(own, values)
                if value is not None
            ]
            if len(points) == 1:  # a line needs two ends
                ((x, value),) = points
                points = [(x / 1.5, value), (x * 1.5, value)]
            if points:
                axes.plot(*zip(*points), color=colour, **looks)
