# SPDX-License-Identifier: Apache-2.0
"""Each boot's median with its raw samples behind it: how far boots differ, against how far samples
do.
"""

from pathlib import Path

import numpy as np

from analysis.report import style
from analysis.report.charts import frame
from analysis.summary.samples import Distribution, titles

_PANEL_INCHES = 2.1
_COLUMNS = 2

# Raw points beyond these ranks are counted at the edge, so that one sample in a thousand does not
# set the scale.
_SHOWN = (0.01, 0.99)


def draw(
    words: frame.Caption, drawn: list[Distribution], scale: float, axis: str, target: Path
) -> None:
    """One panel a case and variant.

    scale: from the unit of the figures to that of the axis.
    target: without suffix; .svg and .png are written.
    """
    with frame.panels(words, titles(drawn), _COLUMNS, _PANEL_INCHES, target) as panels:
        for panel, one in zip(panels, drawn):
            _panel(panel, one, scale, axis)


def _panel(panel, one: Distribution, scale: float, axis: str) -> None:
    values = np.concatenate([boot.values for boot in one.boots]) * scale
    costs = np.array([boot.cost for boot in one.boots]) * scale
    low, high = np.quantile(values, _SHOWN)
    low, high = min(low, costs.min()), max(high, costs.max())
    margin = 0.08 * (high - low) or 0.5
    panel.set_xlim(low - margin, high + margin)
    for row, boot in enumerate(one.boots):
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
    step = max(1, len(one.boots) // 5)
    shown = range(0, len(one.boots), step)
    panel.set_yticks(shown, [str(one.boots[row].number) for row in shown])
    panel.set_ylim(len(one.boots) - 0.4, -0.6)
    panel.set_ylabel(one.per)
    panel.set_xlabel(f"{axis}; {outside} of {len(values)} points are outside" if outside else axis)
