# SPDX-License-Identifier: Apache-2.0
"""The share of samples that take no longer than so much: several modes are several steps."""

from pathlib import Path

import numpy as np

from analysis.report.charts import frame, style
from analysis.report.model.figure import Caption, Ecdf
from analysis.summary.samples import titles

_PANEL_INCHES = 2.3
_COLUMNS = 2
_SHOWN = (0.005, 0.99)


def draw(caption: Caption, ecdf: Ecdf, target: Path) -> None:
    """Draws one panel per case and variant: a thin curve per boot, a thick one of all boots.

    target: without suffix; .svg and .png are written.
    """
    cases, scale = ecdf.distributions, ecdf.scale
    with frame.panels(caption, titles(cases), _COLUMNS, _PANEL_INCHES, target) as panels:
        for panel, case in zip(panels, cases):
            for boot in case.boots:
                panel.step(
                    boot.values * scale,
                    _shares(boot.values),
                    where="post",
                    color=style.SKY,
                    linewidth=0.7,
                    alpha=0.8,
                )
            everything = np.sort(np.concatenate([boot.values for boot in case.boots])) * scale
            panel.step(
                everything, _shares(everything), where="post", color=style.BLUE, linewidth=1.6
            )
            low, high = np.quantile(everything, _SHOWN)
            margin = 0.08 * (high - low) or 0.5
            panel.set_xlim(low - margin, high + margin)
            panel.set_ylim(0, 1.02)
            panel.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "¼", "½", "¾", "1"))
            panel.set_xlabel(f"{ecdf.axis}; the longest took {frame.plain(everything[-1])}")


def _shares(values: np.ndarray) -> np.ndarray:
    return np.arange(1, len(values) + 1) / len(values)
