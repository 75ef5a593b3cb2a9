# SPDX-License-Identifier: Apache-2.0
"""The path of one operation as a flame graph: callers below, and a frame as wide as the
instructions it took with all it called.
"""

from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from analysis.data.load import CountedPath
from analysis.report.charts.style import INK, PAPER, PART_COLOURS
from analysis.report.model.figure import Caption, Profile

_WIDTH = 1200  # pixels
_ROW = 18
_HEAD = 62  # title and two lines below it
_MARGIN = 10
_LETTER = 6.6  # of the font below, at most
_LEAST_PIXELS = 0.5  # narrower frames are not drawn; their instructions are still in their callers


@dataclass
class Frame:
    """A function as it was called there."""

    name: str
    instructions: int = 0  # its own and of all that it called
    wrmsr: int = 0
    called: dict[str, "Frame"] = field(default_factory=dict)


def call_tree(path: CountedPath) -> Frame:
    """All stacks of a path, joined where they have the same callers; its root has no function."""
    root = Frame("all")
    for counted in path.stacks:
        frame = root
        _add(frame, counted)
        for name in counted["stack"]:
            frame = frame.called.setdefault(name, Frame(name))
            _add(frame, counted)
    return root


def _add(frame: Frame, counted: dict) -> None:
    frame.instructions += counted["instructions"]
    frame.wrmsr += counted["wrmsr"]


def draw(_: Caption, profile: Profile, target: Path) -> None:
    """Writes a flame graph, which has its own caption.

    target: without suffix; .svg is written.
    """
    svg = target.with_name(target.name + ".svg")
    svg.write_text(flame_graph(profile.path, profile.kernel))


def flame_graph(path: CountedPath, subtitle: str) -> str:
    """The whole drawing. The empty loop is in it; frames that write the register have its colour.

    subtitle: kernel, and what it ran in.
    """
    root = call_tree(path)
    height = _HEAD + _ROW * _depth(root) + _MARGIN
    total = (
        f"{_per_operation(root.instructions, path)} instructions,"
        f" {_per_operation(root.wrmsr, path)} of them WRMSR, an operation"
    )
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
            ' font-family="monospace" font-size="11">'
        ),
        f'<rect width="100%" height="100%" style="fill: {PAPER}"/>',
        *(
            f'<text x="{_MARGIN}" y="{y}" style="fill: {INK}" {extra}>{escape(text)}</text>'
            for y, extra, text in (
                (18, 'font-size="14" font-weight="bold"', path.case),
                (35, "", subtitle),
                (52, "", f"{total} (the loop included; counted from outside the guest)"),
            )
        ),
    ]
    scale = (_WIDTH - 2 * _MARGIN) / max(root.instructions, 1)
    lines += _frames(root, path, _MARGIN, height - _MARGIN, scale)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _depth(frame: Frame) -> int:
    return max((1 + _depth(callee) for callee in frame.called.values()), default=0)


def _per_operation(count: int, path: CountedPath) -> str:
    return f"{count / path.ops:g}"


def _frames(frame: Frame, path: CountedPath, left: float, bottom: float, scale: float) -> list[str]:
    lines = []
    for callee in frame.called.values():
        width = callee.instructions * scale
        # a longer way in the shorter of the two windows can leave a function with less than nothing
        if width < _LEAST_PIXELS:
            continue
        lines += _box(callee, path, left, bottom - _ROW, width)
        lines += _frames(callee, path, left, bottom - _ROW, scale)
        left += width
    return lines


def _box(frame: Frame, path: CountedPath, left: float, top: float, width: float) -> list[str]:
    what = (
        f"{frame.name}: {_per_operation(frame.instructions, path)} instructions,"
        f" {_per_operation(frame.wrmsr, path)} WRMSR"
    )
    colour = PART_COLOURS["wrpkrs" if frame.wrmsr else "checks"]
    letters = int((width - 4) / _LETTER)
    label = (
        frame.name
        if len(frame.name) <= letters
        else frame.name[: letters - 1] + "…"
        if letters > 2
        else ""
    )
    # the same colours on a dark page: ink on a frame, which stays as light
    return [
        f'<g><title>{escape(what)}</title><rect x="{left:.2f}" y="{top:.2f}" width="{width:.2f}"'
        f' height="{_ROW - 1}" rx="1" fill={quoteattr(colour)} stroke="white"/><text'
        f' x="{left + 2:.2f}" y="{top + 12:.2f}" fill="{INK}">{escape(label)}</text></g>'
    ]
