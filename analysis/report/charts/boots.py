# SPDX-License-Identifier: Apache-2.0
"""Each boot's median with its raw samples behind it: how far boots differ, against how far samples
do.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from analysis.report.charts import frame, style
from analysis.report.model.figure import Caption, Medians
from analysis.summary.samples import Distribution, titles

_PANEL_INCHES = 2.1
_COLUMNS = 2

# Raw points beyond these ranks are counted at the edge, so that one sample in a thousand does not
# set the scale.
_SHOWN = (0.01, 0.99)


def draw(caption: Caption, medians: Medians, target: Path) -> None:
    """Draws one panel per case and variant.

    target: without suffix; .svg and .png are written.
    """
    cases = medians.distributions
    with frame.panels(caption, titles(cases), _COLUMNS, _PANEL_INCHES, target) as panels:
        for panel, case in zip(panels, cases):
            _panel(panel, case, medians.scale, medians.axis)


def _panel(panel: Axes, case: Distribution, scale: float, axis: str) -> None:
    values = np.concatenate([boot.values for boot in case.boots]) * scale
    costs = np.array([boot.cost for boot in case.boots]) * scale
    low, high = np.quantile(values, _SHOWN)
    low, high = min(low, costs.min()), max(high, costs.max())
    margin = 0.08 * (high - low) or 0.5
    panel.set_xlim(low - margin, high + margin)
    for row, boot in enumerate(case.boots):
        raw = boot.values * scale
        # no two neighbours by rank at one height; the same each time
        heights = row + 0.3 * np.sin(np.arange(len(raw)) * 2.4)
        panel.plot(raw, heights, ".", color=style.SKY, markersize=2, alpha=0.5, rasterized=True)
    panel.axvline(np.median(costs), color=style.MUTED, linewidth=0.8, linestyle="--")
    panel.plot(
        costs,
        range(len(costs)),
        "D",
        color=style.VERMILION,
        markeredgecolor=style.PAPER,
        markeredgewidth=0.6,
        markersize=5.5,
    )
    outside = int((values > high + margin).sum() + (values < low - margin).sum())
    step = max(1, len(case.boots) // 5)
    shown = range(0, len(case.boots), step)
    panel.set_yticks(shown, [str(case.boots[row].number) for row in shown])
    panel.set_ylim(len(case.boots) - 0.4, -0.6)
    panel.set_ylabel(case.per)
    panel.set_xlabel(f"{axis}; {outside} of {len(values)} points are outside" if outside else axis)
