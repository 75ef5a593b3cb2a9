# SPDX-License-Identifier: Apache-2.0
"""The share of samples that take no longer than so much: several modes are several steps."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.data.grouping import group_by
from analysis.report.charts import frame, style
from analysis.report.model.figure import Caption, Spread
from analysis.summary.samples import Distribution, titles
from formats.figures import to_digits

_PANEL_INCHES = 2.0
_COLUMNS = 2
_LEFT_INCHES = 0.75
# Samples beyond these ranks do not set the scale.
_SHOWN = (0.005, 0.99)
# Points of a thick curve: more are not seen, and make the page large.
_POINTS = 200


def draw(caption: Caption, spread: Spread, target: Path) -> None:
    """Draws one panel per case and variant: a thin curve per boot, a thick one of all boots.

    target: without suffix; .svg and .png are written.
    """
    cases = spread.distributions
    limits = {
        name: _limits(same, spread)
        for name, same in group_by(cases, lambda case: case.case).items()
    }
    with frame.panels(
        caption, titles(cases), _COLUMNS, _PANEL_INCHES, target, left=_LEFT_INCHES
    ) as panels:
        for panel, case in zip(panels, cases):
            _panel(panel, case, spread)
            panel.set_xlim(limits[case.case])
            frame.plain_ticks(panel.xaxis)


def _limits(cases: list[Distribution], spread: Spread) -> tuple[float, float]:
    """Ends of the axis of one case, of all variants."""
    ends = [
        end * spread.scales[case.variant]
        for case in cases
        for end in (
            *np.quantile(np.concatenate([boot.values for boot in case.boots]), _SHOWN),
            *(boot.cost for boot in case.boots),
        )
    ]
    margin = 0.08 * (max(ends) - min(ends)) or 0.5
    return min(ends) - margin, max(ends) + margin


def _panel(panel: Axes, case: Distribution, spread: Spread) -> None:
    scale = spread.scales[case.variant]
    colour, _ = style.looks(case.variant, spread.variants)
    for boot in case.boots:
        _curve(panel, boot.values * scale, {"color": style.MUTED, "linewidth": 0.6, "alpha": 0.6})
    everything = np.sort(np.concatenate([boot.values for boot in case.boots])) * scale
    _curve(panel, everything, {"color": colour, "linewidth": 1.8})
    costs = [boot.cost * scale for boot in case.boots]
    looks = {"color": style.INK, "markersize": 4, "markeredgecolor": style.PAPER}
    panel.plot(costs, [0.5] * len(costs), "D", **looks)
    panel.set_ylim(0, 1.02)
    panel.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "¼", "½", "¾", "1"))
    panel.xaxis.set_major_locator(MaxNLocator(5))
    panel.set_xlabel(spread.axis)
    panel.set_ylabel("share of samples")
    panel.text(
        0.99,
        0.04,
        f"largest: {to_digits(everything[-1])}",
        transform=panel.transAxes,
        ha="right",
        fontsize=8,
        color=style.MUTED,
    )


def _curve(panel: Axes, values: np.ndarray, looks: dict) -> None:
    """values: ascending."""
    shares = np.arange(1, len(values) + 1) / len(values)
    kept = np.unique(np.linspace(0, len(values) - 1, min(_POINTS, len(values))).round().astype(int))
    panel.step(values[kept], shares[kept], where="post", **looks)
