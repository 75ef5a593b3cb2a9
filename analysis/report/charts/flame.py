# SPDX-License-Identifier: Apache-2.0
"""A flame graph of one operation: callers below what they called. Of two kernels it shows what one
takes more than the other; of a single one, all that it takes.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from analysis.report.charts.style import INK, MUTED, PAPER
from analysis.report.model.figure import Caption, Profile
from analysis.summary import stacks
from analysis.summary.stacks import Call, describe_writes

_WIDTH = 896  # pixels, as wide as a figure of the page
_FONT, _LETTER = 13, 7.9  # pixels; the widest letter of that font
_ROW = 20
_HEAD = 68  # title, a line below it, and the legend
_MARGIN = 10
_LEAST_PIXELS = 0.5  # narrower frames are not drawn; their instructions are still in their callers
# Frames are light on a light and on a dark page.
_MORE, _FEWER, _AS_MANY, _ONE_SIDE = "#e3b5d3", "#c9dda6", "#d9d9d9", "#d5dee6"
_SIDES = {_MORE: "more instructions", _FEWER: "fewer", _AS_MANY: "as many, moved"}
_WRITES = f'stroke="{INK}" stroke-width="2"'
_MARK = "\N{BLACK DIAMOND}"


def draw(caption: Caption, profile: Profile, target: Path) -> None:
    """Writes a flame graph, which has its own caption, and its stacks for other tools.

    target: without suffix; .svg and .folded are written.
    """
    target.with_name(target.name + ".svg").write_text(flame_graph(caption, profile))
    target.with_name(target.name + ".folded").write_text(stacks.folded(profile.new, profile.old))


def flame_graph(caption: Caption, profile: Profile) -> str:
    """The whole drawing. The empty loop is in it."""
    root = stacks.call_tree(profile.new, profile.old)
    height = _HEAD + _ROW * _depth(root) + _MARGIN
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
            f' class="flame" data-left="{_MARGIN}" data-width="{_WIDTH - 2 * _MARGIN}"'
            f' data-letter="{_LETTER}" font-family="monospace" font-size="{_FONT}">'
        ),
        f'<rect width="100%" height="100%" style="fill: {PAPER}"/>',
        _text(_MARGIN, 18, caption.title, f'style="fill: {INK}" font-size="15" font-weight="bold"'),
        _text(_MARGIN, 38, caption.subtitle, f'style="fill: {MUTED}"'),
        *_legend(profile, root),
    ]
    scale = (_WIDTH - 2 * _MARGIN) / max(float(root.changed), 1)
    lines += _frames(root, profile, _MARGIN, height - _MARGIN, scale)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _text(left: float, bottom: float, text: str, looks: str) -> str:
    return f'<text x="{left:.1f}" y="{bottom:.1f}" {looks}>{escape(text)}</text>'


def _legend(profile: Profile, root: Call) -> Iterator[str]:
    """What those colours and edges mean that there are."""
    calls = list(_calls(root))
    entries = [
        (words, colour, "")
        for colour, words in _SIDES.items()
        if profile.old is not None and any(_colour(call, profile) == colour for call in calls)
    ]
    if any(call.added.writes for call in calls):
        entries.append(
            (f"{_MARK} writes PKRS", _ONE_SIDE if profile.old is None else _AS_MANY, _WRITES)
        )
    left = float(_MARGIN)
    for words, colour, edge in entries:
        yield f'<rect x="{left + 1:.1f}" y="46" width="13" height="13" fill="{colour}" {edge}/>'
        yield _text(left + 20, 57, words, f'style="fill: {INK}"')
        left += 20 + _LETTER * (len(words) + 2)


def _calls(call: Call) -> Iterator[Call]:
    """All calls below one that have a frame."""
    for callee in call.called.values():
        if callee.changed:
            yield callee
            yield from _calls(callee)


def _colour(call: Call, profile: Profile) -> str:
    if profile.old is None:
        return _ONE_SIDE
    added = call.added.instructions
    return _MORE if added > 0 else _FEWER if added < 0 else _AS_MANY


def _depth(call: Call) -> int:
    return max((1 + _depth(callee) for callee in call.called.values() if callee.changed), default=0)


def _frames(
    call: Call, profile: Profile, left: float, bottom: float, scale: float
) -> Iterator[str]:
    """scale: pixels an instruction."""
    for callee in call.called.values():
        width = float(callee.changed) * scale
        # a longer way in the shorter of two windows can leave a function with less than nothing
        is_nothing = profile.old is None and callee.added.instructions <= 0
        if is_nothing or width < _LEAST_PIXELS:
            continue
        yield _box(callee, profile, left, bottom - _ROW, width)
        yield from _frames(callee, profile, left, bottom - _ROW, scale)
        left += width


def _box(call: Call, profile: Profile, left: float, top: float, width: float) -> str:
    added = call.added
    is_single = profile.old is None
    count = stacks.describe_count(added.instructions, "" if is_single else "+")
    what = f"{call.name}: {count} instructions, {describe_writes(added.writes)}"
    mark = f"{_MARK} " if added.writes else ""
    colour = _colour(call, profile)
    edge = _WRITES if added.writes else f'style="stroke: {PAPER}"'
    words = f"{mark}{call.name} {count}"
    # ink on a frame, which stays as light on a dark page
    shown = _text(
        left + 3, top + 14, _shortened(words, int((width - 6) / _LETTER)), f'fill="{INK}"'
    )
    return (
        f"<g data-words={quoteattr(words)}><title>{escape(what)}</title>"
        f'<rect x="{left:.2f}" y="{top:.2f}" width="{width:.2f}"'
        f' height="{_ROW - 2}" fill="{colour}" {edge}/>{shown}</g>'
    )


def _shortened(words: str, letters: int) -> str:
    if len(words) <= letters:
        return words
    return f"{words[: letters - 1]}…" if letters > 2 else ""
