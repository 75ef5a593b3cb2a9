# SPDX-License-Identifier: Apache-2.0
"""What every chart has around it: title, what was measured and on what, and rows with headings."""

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from PIL import Image

from analysis.report.charts import style
from analysis.report.model.figure import Caption

# Inches, at the sizes of type below.
_MARGIN = 0.14
_TITLE_HEIGHT = 0.32
_LINE_HEIGHT = 0.17
_LEGEND_HEIGHT = 0.3
_LEGEND_MARK, _LEGEND_LETTER = 0.42, 0.072  # of an entry: its mark and the gaps; a letter
_AXIS_HEIGHT = 0.5
_ROW_HEIGHT = 0.27
_CHARACTER = 0.0755  # of the names, which are monospaced

_TITLE_POINTS, _TEXT_POINTS, _NAME_POINTS = 12, 8.5, 9
_LINE_CHARACTERS = 118
_NAME_CHARACTERS = 46
_MOST_PLACES = 6  # behind the point of a tick
_COLOURS = 128  # of a PNG
_MOST_COLOURFUL: Literal[1] = 1  # Image.Quantize.MAXCOVERAGE: keeps those of few pixels
_INDENT = 2  # characters, of labels below their heading

_SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.monospace": ["DejaVu Sans Mono"],
    "font.size": 9,
    "text.color": style.INK,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.edgecolor": style.MUTED,
    "axes.labelcolor": style.INK,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,  # figures are read off an axis as they stand there
    "axes.formatter.limits": (-6, 9),
    "figure.facecolor": style.PAPER,
    "grid.color": style.RULE,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.4,
    "xtick.color": style.MUTED,
    "xtick.labelcolor": style.INK,
    "ytick.color": style.MUTED,
    "ytick.labelcolor": style.INK,
    "svg.fonttype": "none",  # text that can be searched, read aloud and given the page's colour
}


@dataclass(frozen=True)
class HeadedRows:
    """Rows of a chart below one heading, from the top."""

    heading: str
    labels: list[str]


def plain_ticks(axis: Axis) -> None:
    """Ticks as people write them, with as many places as tell them apart. The limits are set."""
    ticks = axis.get_majorticklocs()
    places = next(
        (one for one in range(_MOST_PLACES) if np.allclose(ticks, np.round(ticks, one), 0)),
        _MOST_PLACES,
    )
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.{places}f}"))


def shortened(name: str) -> str:
    """A name that fits beside an axis."""
    return name if len(name) <= _NAME_CHARACTERS else name[: _NAME_CHARACTERS - 1] + "…"


@contextmanager
def rows(
    caption: Caption,
    groups: list[HeadedRows],
    legend: Sequence[Artist],
    target: Path,
    right: float = 0,
    row_height: float = _ROW_HEIGHT,
) -> Iterator[tuple[Axes, list[list[float]]]]:
    """A chart with one row a label: its axes and the rows' positions, by group. Written when the
    block ends.

    target: of the files, without suffix; .svg and .png are made.
    right: inches beside the axes, for words.
    """
    lines = sum(1 + len(group.labels) for group in groups)
    with _figure(caption, lines * row_height + _AXIS_HEIGHT, legend, target) as (
        figure,
        top,
        bottom,
    ):
        longest = max(
            len(shortened(label))
            for group in groups
            for label in [group.heading, *(_INDENT * " " + name for name in group.labels)]
        )
        left = _MARGIN + longest * _CHARACTER + 0.1
        width, height = figure.get_size_inches()
        axes = figure.add_axes(
            (
                left / width,
                (bottom + _AXIS_HEIGHT) / height,
                1 - (left + right + _MARGIN) / width,
                1 - (top + bottom + _AXIS_HEIGHT) / height,
            )
        )
        _add_names(figure, groups, top, row_height)
        axes.set_ylim(lines - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
        _add_legend(figure, legend, top)
        yield axes, _positions(groups)


def _add_names(figure: Figure, groups: list[HeadedRows], top: float, row_height: float) -> None:
    """Headings and labels, one per row. top: inches above the first; row_height: in inches."""
    width, height = figure.get_size_inches()
    names: list[tuple[int, str]] = []
    for group in groups:
        names += [(0, group.heading), *((_INDENT, label) for label in group.labels)]
    for row, (indent, name) in enumerate(names):
        figure.text(
            (_MARGIN + indent * _CHARACTER) / width,  # SVG would take blanks together
            1 - (top + (row + 0.5) * row_height) / height,
            shortened(name),
            family="monospace",
            fontsize=_NAME_POINTS,
            fontweight="normal" if indent else "bold",
            va="center_baseline",
        )


def _positions(groups: list[HeadedRows]) -> list[list[float]]:
    """Row of each label on the y axis, by group."""
    positions, heading = [], 0
    for group in groups:
        positions.append([heading + 1.0 + index for index in range(len(group.labels))])
        heading += 1 + len(group.labels)
    return positions


@contextmanager
def panels(
    caption: Caption,
    titles: list[str],
    columns: int,
    panel_height: float,
    target: Path,
    legend: Sequence[Artist] = (),
    left: float = 0.55,
) -> Iterator[list[Axes]]:
    """A chart of small ones beside and below each other, a name above each.

    left: inches beside each, for its ticks.
    """
    lines = -(-len(titles) // columns)
    columns = min(columns, len(titles))
    with _figure(caption, lines * panel_height, legend, target) as (figure, top, bottom):
        width, height = figure.get_size_inches()
        gap, name_height = left - 0.05, 0.28
        _add_legend(figure, legend, top)
        panel_width = (width - left - _MARGIN - gap * (columns - 1)) / columns
        axes = []
        for index, title in enumerate(titles):
            row, column = divmod(index, columns)
            bottom_edge = bottom + (lines - 1 - row) * panel_height + _AXIS_HEIGHT
            box = (
                left + column * (panel_width + gap),
                bottom_edge,
                panel_width,
                panel_height - _AXIS_HEIGHT - name_height,
            )
            panel = figure.add_axes(
                (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
            )
            points = _NAME_POINTS * min(1, panel_width / (len(shortened(title)) * _CHARACTER))
            panel.set_title(
                shortened(title), family="monospace", fontsize=points, loc="left", color=style.INK
            )
            panel.spines[["top", "right"]].set_visible(False)
            panel.grid(axis="both")
            axes.append(panel)
        yield axes


def _add_legend(figure: Figure, legend: Sequence[Artist], top: float) -> None:
    """Legend between caption and body, in as many lines as it takes; nothing if it has no entry."""
    width, height = figure.get_size_inches()
    lines = _legend_lines(legend)
    for number, entries in enumerate(reversed(lines)):
        middle = top - _LEGEND_HEIGHT * (number + 0.5) - 0.03
        figure.legend(
            handles=entries,
            loc="center left",
            bbox_to_anchor=((_MARGIN - 0.02) / width, 1 - middle / height),
            ncols=len(entries),
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.4,
            columnspacing=1.2,
        )


def _legend_lines(legend: Sequence[Artist]) -> list[Sequence[Artist]]:
    """Entries by line: all in one, or as many in each as fit if all were as wide as the widest."""
    widths = [_LEGEND_MARK + _LEGEND_LETTER * len(str(entry.get_label())) for entry in legend]
    room = style.WIDTH_INCHES - 2 * _MARGIN
    if sum(widths) <= room:
        return [legend] if legend else []
    lines = math.ceil(len(legend) / max(1, int(room / max(widths))))
    in_line = math.ceil(len(legend) / lines)
    return [legend[first : first + in_line] for first in range(0, len(legend), in_line)]


@contextmanager
def _figure(
    caption: Caption, body_height: float, legend: Sequence[Artist], target: Path
) -> Iterator[tuple[Figure, float, float]]:
    """A figure with its words, and the inches above and below what is left for the body."""
    subtitle = _wrapped(caption.subtitle)
    footer = _wrapped(caption.footer)
    top = (
        _MARGIN
        + _TITLE_HEIGHT
        + _LINE_HEIGHT * len(subtitle)
        + 0.1
        + _LEGEND_HEIGHT * len(_legend_lines(legend))
    )
    bottom = _LINE_HEIGHT * len(footer) + _MARGIN
    height = top + body_height + bottom
    # The name salts the ids in the file, so that two charts in one page have none in common.
    with matplotlib.rc_context(_SETTINGS | {"svg.hashsalt": target.name}):
        figure = Figure(figsize=(style.WIDTH_INCHES, height))
        edge = _MARGIN / style.WIDTH_INCHES
        figure.text(
            edge,
            1 - _MARGIN / height,
            caption.title,
            va="top",
            fontsize=_TITLE_POINTS,
            fontweight="bold",
        )
        for number, line in enumerate(subtitle):
            y = 1 - (_MARGIN + _TITLE_HEIGHT + number * _LINE_HEIGHT) / height
            figure.text(edge, y, line, va="top", fontsize=_TEXT_POINTS, color=style.MUTED)
        for number, line in enumerate(reversed(footer)):
            figure.text(
                edge,
                (_MARGIN + number * _LINE_HEIGHT) / height,
                line,
                fontsize=_TEXT_POINTS,
                color=style.MUTED,
            )
        yield figure, top, bottom
        # no date in the file: the same campaign gives the same bytes
        figure.savefig(target.with_name(target.name + ".svg"), metadata={"Date": None})
        _write_png(figure, target.with_name(target.name + ".png"))


def _write_png(figure: Figure, target: Path) -> None:
    """With few colours, which is a quarter of the bytes and looks the same."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=style.DOTS_PER_INCH, format="png")
    palette = Image.open(drawn).convert("RGB").quantize(_COLOURS, _MOST_COLOURFUL)
    palette.save(target, optimize=True)


def _wrapped(text: str) -> list[str]:
    return [
        line
        for paragraph in text.split("\n")
        for line in textwrap.wrap(paragraph, _LINE_CHARACTERS)
    ]
