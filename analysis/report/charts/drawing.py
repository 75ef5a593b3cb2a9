# SPDX-License-Identifier: Apache-2.0
"""Draws the figures of a report into files."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from analysis.report.model.figure import Figure
from analysis.report.model.table import Table


@dataclass(frozen=True)
class DrawnChart:
    """A drawn figure and the table behind it."""

    svg: str
    description: str  # for readers who cannot see the picture
    table: Table


def draw_figures(figures: Sequence[Figure], folder: Path) -> list[DrawnChart]:
    """Writes each figure as SVG, and as PNG if matplotlib draws it. The folder is made if there is
    anything to draw.
    """
    if figures:
        folder.mkdir(exist_ok=True)
    return [_draw_figure(figure, folder) for figure in figures]


def _draw_figure(figure: Figure, folder: Path) -> DrawnChart:
    target = folder / figure.table.name
    # matplotlib takes half a second to import, which a campaign without a chart is spared
    chart = import_module(f"analysis.report.charts.{figure.drawing.chart}")
    chart.draw(figure.caption, figure.drawing, target)
    return DrawnChart(
        target.with_name(target.name + ".svg").read_text(),
        f"{figure.caption.title}. {figure.table.caption}",
        figure.table,
    )
