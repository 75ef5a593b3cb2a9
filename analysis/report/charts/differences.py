# SPDX-License-Identifier: Apache-2.0
"""What variants add to an I/O, by block size or jobs, with intervals and the model beside it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from analysis.fio_model.cost_model import ModelCheck
from analysis.report.charts import curves, frame, style
from analysis.report.model.figure import Caption, Differences
from formats.figures import to_digits

_PANEL_INCHES = 2.2
_COLUMNS = 2
_LEFT_INCHES = 0.75
# Variants at one block size stand beside each other, so much of the axis apart.
_BESIDE = 0.035
# Large I/Os scatter by more than is added: they do not set the scale of the others beyond so many
# times the models and most of what was added; half as far below 0.
_FARTHEST = 1.2
_COUNTED: dict[str, Any] = {"linestyle": "-", "linewidth": 1.0}
_EXPECTED: dict[str, Any] = {"linestyle": "--", "linewidth": 1.2}


def draw(caption: Caption, differences: Differences, target: Path) -> None:
    """Draws one panel per kind of run, all on one scale.

    target: without suffix; .svg and .png are written.
    """
    panels = differences.panels
    checks = [check for panel in panels for check in panel.checks]
    variants = list(dict.fromkeys(map(_variant, checks)))
    legend = curves.legend(variants, differences.variants)
    if any(check.counted is not None for check in checks):
        words = "one call, counted from outside"
        legend.append(Line2D([], [], color=style.INK, label=words, **_COUNTED))
    if any(check.modelled is not None for check in checks):
        legend.append(Line2D([], [], color=style.INK, label="the cost model", **_EXPECTED))
    titles = [panel.title for panel in panels]
    with frame.panels(
        caption, titles, _COLUMNS, _PANEL_INCHES, target, legend, _LEFT_INCHES
    ) as drawn:
        ends = _ends(checks)
        for axes, panel in zip(drawn, panels):
            axes.set_ylim(ends)
            for variant in variants:
                own = [check for check in panel.checks if _variant(check) == variant]
                place = variants.index(variant) - (len(variants) - 1) / 2
                looks = style.looks(variant, differences.variants)
                places = [differences.place(one) for one in panel.checks]
                beside = _BESIDE * place * _doublings(places)
                _draw_variant(axes, [(differences.place(one), one) for one in own], looks, beside)
            axes.axhline(0, color=style.INK, linewidth=0.8)
            ticks = {differences.place(one): differences.tick(one) for one in panel.checks}
            curves.doubling(axes, dict(sorted(ticks.items())))
            left, right = axes.get_xlim()
            axes.set_xlim(left / 2, right * 4)  # words beside the last figures
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: to_digits(value)))
            axes.set_xlabel("jobs, a file each" if differences.by_jobs else "bytes an I/O")
            axes.set_ylabel(f"{differences.unit} added")


def _variant(check: ModelCheck) -> str:
    return check.comparison.pair.new.label


def _doublings(places: Sequence[int]) -> float:
    """From the first place of the axis to the last."""
    return math.log2(max(places) / min(places))


def _ends(checks: Sequence[ModelCheck]) -> tuple[float, float]:
    """Of the axis of all panels: as far as points lie, but for those that are far from most."""
    added = [check.comparison.difference for check in checks]
    lines = [line or 0.0 for check in checks for line in (check.counted, check.modelled)]
    most = max(float(np.abs(lines).max()), float(np.quantile(np.abs(added), 0.75)), 1e-9)
    low = max(min([0.0, *added, *lines]), -_FARTHEST / 2 * most)
    high = min(max([0.0, *added, *lines]), _FARTHEST * most)
    edge = 0.12 * (high - low)
    return low - edge, high + edge


def _draw_variant(
    axes: Axes,
    placed: Sequence[tuple[int, ModelCheck]],
    looks: tuple[str, str],
    beside: float,
) -> None:
    """placed: by their places on the axis; beside: doublings between these and the figures."""
    colour, marker = looks
    low, high = axes.get_ylim()
    for place, check in placed:
        x, added = place * 2**beside, check.comparison.difference
        if check.interval:
            axes.plot(
                (x, x), (check.interval.low, check.interval.high), color=colour, linewidth=1.4
            )
        shown = min(max(added, low), high)
        axes.plot(
            x,
            shown,
            marker,
            color=colour if shown == added else style.PAPER,
            markeredgecolor=style.PAPER if shown == added else colour,
            markeredgewidth=0.6 if shown == added else 1.4,
            markersize=5.5,
            clip_on=False,
            zorder=3,
        )
        if shown != added:
            axes.annotate(
                f"{added:+,.0f}",
                (x, shown),
                (7 if beside >= 0 else -7, 0),
                textcoords="offset points",
                ha="left" if beside >= 0 else "right",
                va="bottom" if added < 0 else "top",
                fontsize=8,
            )
    for line, values in (
        (_COUNTED, [check.counted for _, check in placed]),
        (_EXPECTED, [check.modelled for _, check in placed]),
    ):
        points = [
            (float(place), value) for (place, _), value in zip(placed, values) if value is not None
        ]
        if points:
            axes.plot(*zip(*sorted(points)), color=colour, **line)
