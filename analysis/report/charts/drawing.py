# SPDX-License-Identifier: Apache-2.0
"""Draws the figures of a report into files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.report.charts import flame
from analysis.report.model.figure import (
    Breakdown,
    Curves,
    Ecdf,
    Figure,
    Forest,
    Heat,
    Medians,
    ModelLines,
    Profile,
)
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
    svg = target.with_name(target.name + ".svg")
    if isinstance(figure.drawing, Profile):
        svg.write_text(flame.flame_graph(figure.drawing.path, figure.drawing.kernel))
    else:
        _draw_by_matplotlib(figure, target)
    return DrawnChart(
        svg.read_text(), f"{figure.caption.title}. {figure.table.caption}", figure.table
    )


def _draw_by_matplotlib(figure: Figure, target: Path) -> None:
    # matplotlib takes half a second to import, which a campaign without a chart is spared
    from analysis.report.charts import boots, breakdown, curves, ecdf, forest, heat, model_line

    match figure.drawing:
        case Forest():
            forest.draw_forest(figure.caption, figure.drawing, target)
        case Breakdown():
            breakdown.draw_breakdown(figure.caption, figure.drawing, target)
        case Medians():
            boots.draw_medians(figure.caption, figure.drawing, target)
        case Ecdf():
            ecdf.draw_ecdf(figure.caption, figure.drawing, target)
        case Heat():
            heat.draw_heat_map(figure.caption, figure.drawing, target)
        case Curves():
            curves.draw_curves(figure.caption, figure.drawing, target)
        case ModelLines():
            model_line.draw_model_lines(figure.caption, figure.drawing, target)
