# SPDX-License-Identifier: Apache-2.0
"""Badges: a label and a figure as a small SVG, to be shown on a page elsewhere."""

from markupsafe import escape

from analysis.data.bad_data import printable
from analysis.report.charts.style import INK, LESS, MORE

# Pixels; the width of a letter is about that of Verdana at 11.
_HEIGHT, _LETTER, _MARGIN = 20, 6.6, 6
_COLOURS = {"more": MORE, "less": LESS, "": "#0b3d78"}
_MOST_LETTERS = 60


def render_badge(label: str, text: str, direction: str = "") -> bytes:
    """direction: more or less of something, or neither."""
    shown = [printable(f"{words:.{_MOST_LETTERS}}") for words in (label, text)]
    left, right = (round(len(words) * _LETTER + 2 * _MARGIN) for words in shown)
    name, said = map(escape, shown)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}"'
        f' role="img" aria-label="{name}: {said}">\n'
        f"<title>{name}: {said}</title>\n"
        f'<rect width="{left}" height="{_HEIGHT}" fill="{INK}"/>\n'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLOURS[direction]}"/>\n'
        '<g fill="#fff" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11">\n'
        f'<text x="{_MARGIN}" y="14" textLength="{left - 2 * _MARGIN}">{name}</text>\n'
        f'<text x="{left + _MARGIN}" y="14" textLength="{right - 2 * _MARGIN}">{said}</text>\n'
        "</g>\n</svg>\n"
    ).encode(errors="replace")
