# SPDX-License-Identifier: Apache-2.0
"""The share of samples that take no longer than so much: several modes are several steps."""

from pathlib import Path

import numpy as np

from analysis.report import style
from analysis.report.charts import frame
from analysis.summary.samples import Distribution, titles

_PANEL_INCHES = 2.3
_COLUMNS = 2
_SHOWN = (0.005, 0.99)


def draw(
    words: frame.Caption, drawn: list[Distribution], scale: float, axis: str, target: Path
) -> None:
    """One panel a case and variant, one thin curve a boot, and one of all boots together.

    scale: from the unit of the figures to that of the axis.
    target: without suffix; .svg and .png are written.
    """
    with frame.panels(words, titles(drawn), _COLUMNS, _PANEL_INCHES, target) as panels:
        for panel, one in zip(panels, drawn):
            for boot in one.boots:
                panel.step(
                    boot.values * scale,
                    _shares(boot.values),
                    where="post",
                    color=style.SKY,
                    linewidth=0.7,
                    alpha=0.8,
                )
            everything = np.sort(np.concatenate([boot.values for boot in one.boots])) * scale
            panel.step(
                everything, _shares(everything), where="post", color=style.BLUE, linewidth=1.6
            )
            low, high = np.quantile(everything, _SHOWN)
            margin = 0.08 * (high - low) or 0.5
            panel.set_xlim(low - margin, high + margin)
            panel.set_ylim(0, 1.02)
            panel.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "¼", "½", "¾", "1"))
            panel.set_xlabel(f"{axis}; the longest took {frame.plain(everything[-1])}")


def _shares(values: np.ndarray) -> np.ndarray:
    return np.arange(1, len(values) + 1) / len(values)
