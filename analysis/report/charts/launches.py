# SPDX-License-Identifier: Apache-2.0
"""Figures of single launches on one axis from 0, so that two modes of a case are seen as two."""

from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D

from analysis.report.charts import frame, style
from analysis.report.model.figure import Caption, Launches
from formats.campaign_format import USER_SPACE

_CHARACTER = 0.068  # inches, of the words right of the axis
_HALF_MARK = 0.32  # of a row, of the median's mark


def draw(caption: Caption, launches: Launches, target: Path) -> None:
    """Draws one row per case, under its heading.

    target: without suffix; .svg and .png are written.
    """
    headed = [
        frame.HeadedRows(heading, [label for label, _ in rows]) for heading, rows in launches.groups
    ]
    colour, _ = style.looks(USER_SPACE, [USER_SPACE])
    everything = [figures for _, rows in launches.groups for _, figures in rows]
    words = [_in_words(figures) for figures in everything]
    legend = [
        Line2D([], [], linestyle="none", marker="o", color=colour, label="a launch"),
        Line2D([], [], color=style.INK, label="their median"),
    ]
    right = 0.15 + _CHARACTER * max(map(len, words))
    with frame.rows(caption, headed, legend, target, right) as (axes, positions):
        places = [place for group in positions for place in group]
        for place, figures, said in zip(places, everything, words, strict=True):
            axes.plot(figures, [place] * len(figures), "o", color=colour, markersize=4)
            median = float(np.median(figures))
            axes.vlines(median, place - _HALF_MARK, place + _HALF_MARK, color=style.INK)
            axes.annotate(
                said, (1, place), (6, 0), ("axes fraction", "data"), "offset points", va="center"
            )
        axes.set_xlim(0, 1.03 * max(max(figures) for figures in everything))
        axes.grid(axis="x")
        axes.set_xlabel(launches.axis)


def _in_words(figures: list[float]) -> str:
    """The median, and from where to where launches reach."""
    low, median, high = (f"{float(one):.1f}" for one in np.quantile(figures, (0, 0.5, 1)))
    return f"{median}  [{low}, {high}]"
