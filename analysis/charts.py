# SPDX-License-Identifier: Apache-2.0
"""Charts of a campaign, as SVG and PNG."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from analysis import style  # noqa: E402
from analysis.parts import PARTS, TITLES  # noqa: E402
from analysis.table import Row  # noqa: E402

# A count narrower than this share of the longest bar is left out of its segment.
_LABEL_SHARE = 0.03

# Width of one character of the case names, at the size used here.
_MONOSPACE_INCHES = 0.076


def cost_breakdown(rows: list[Row], title: str, subtitle: str, footer: str, target: Path) -> list[Path]:
    """Stacked bars: instructions of one map/unmap pair in each case, by part of the path.

    target: without suffix; the files written are returned.
    """
    drawn = [row for row in rows if row.parts is not None]
    width, least_height = style.FIGURE_INCHES
    height = max(least_height, 0.45 * len(drawn) + 1.9)
    with matplotlib.rc_context({"font.size": 9, "svg.hashsalt": "kmapbench", "hatch.linewidth": 0.4}):
        figure, axes = plt.subplots(figsize=(width, height))
        label_width = _MONOSPACE_INCHES * max(len(row.case) for row in drawn) + 0.25
        figure.subplots_adjust(left=label_width / width, right=1 - 0.1 / width, top=1 - 0.95 / height, bottom=0.55 / height)
        longest = max(row.cost for row in drawn)
        for position, row in enumerate(drawn):
            _bar(axes, position, row, longest)
        axes.set_yticks(range(len(drawn)), [row.case for row in drawn], family="monospace")
        axes.invert_yaxis()
        axes.set_xlim(0, longest * 1.33)
        axes.set_xlabel("instructions a map/unmap pair (emulated; clock: icount, not time)")
        axes.spines[["top", "right"]].set_visible(False)
        used = [part for part in PARTS if any(row.parts[part] for row in drawn)]
        handles = [
            plt.Rectangle((0, 0), 1, 1, facecolor=style.PART_COLOURS[part], hatch=style.PART_HATCHES[part], edgecolor="white")
            for part in used
        ]
        axes.legend(handles, [TITLES[part] for part in used], loc="upper right", frameon=False)
        left_edge = 0.12 / width
        figure.text(left_edge, 1 - 0.1 / height, title, va="top", fontsize=12, fontweight="bold")
        figure.text(left_edge, 1 - 0.4 / height, f"{subtitle}\n{footer}", va="top", fontsize=8.5, color="#444444")
        files = [target.with_suffix(suffix) for suffix in (".svg", ".png")]
        for file in files:
            # no date in the file: the same campaign gives the same bytes
            figure.savefig(file, dpi=style.DOTS_PER_INCH, metadata={"Date": None} if file.suffix == ".svg" else None)
        plt.close(figure)
    return files


def _bar(axes, position: int, row: Row, longest: float) -> None:
    left = 0.0
    for part in PARTS:
        width = float(row.parts[part])
        if not width:
            continue
        axes.barh(
            position,
            width,
            left=left,
            height=0.68,
            color=style.PART_COLOURS[part],
            hatch=style.PART_HATCHES[part],
            edgecolor="white",
            linewidth=0.5,
        )
        if width >= _LABEL_SHARE * longest:
            axes.text(
                left + width / 2,
                position,
                f"{width:g}",
                ha="center",
                va="center",
                fontsize=8,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            )
        left += width
    writes = f"  ({float(row.wrmsr):g} WRMSR)" if row.wrmsr else ""
    axes.text(left + longest * 0.01, position, f"{row.cost:g}{writes}", va="center", fontsize=9, fontweight="bold")
