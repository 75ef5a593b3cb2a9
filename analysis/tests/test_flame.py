# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction
from xml.etree import ElementTree

from analysis.data.load import CountedPath
from analysis.report.charts import flame
from analysis.summary.stacks import own_counts

STACKS = [
    {"stack": ["loop"], "instructions": 20, "wrmsr": 0},
    {"stack": ["loop", "irq", "close<&>"], "instructions": 50, "wrmsr": 10},
    {"stack": ["loop", "irq", "handler"], "instructions": 30, "wrmsr": 0},
    {"stack": ["loop", "exit", "handler"], "instructions": 40, "wrmsr": 0},
]
PATH = CountedPath(
    "elsewhere/irq/inside",
    "test",
    1,
    ops=10,
    instructions=140,
    empty_instructions=20,
    wrmsr=10,
    pkrs_writes=10,
    functions=[],
    stacks=STACKS,
)


def test_a_frame_has_what_it_called():
    (loop,) = flame.call_tree(PATH).called.values()
    assert (loop.instructions, loop.wrmsr) == (140, 10)
    assert {name: frame.instructions for name, frame in loop.called.items()} == {
        "irq": 80,
        "exit": 40,
    }


def test_a_function_has_its_own_wherever_it_was_called():
    assert own_counts(PATH) == [
        ("handler", 7, 0),
        ("close<&>", 5, 1),
        ("loop", 2, 0),
    ]
    assert isinstance(own_counts(PATH)[0][1], Fraction)


def test_frames_are_as_wide_as_what_they_took():
    drawing = ElementTree.fromstring(flame.flame_graph(PATH, "test"))
    widths = {
        title: float(group.find("{*}rect").get("width"))
        for group in drawing.iter("{http://www.w3.org/2000/svg}g")
        if (title := group.find("{*}title").text)
    }
    names = {title.split(":")[0]: width for title, width in widths.items()}
    assert abs(names["irq"] / names["loop"] - 80 / 140) < 1e-3
    assert any(title == "close<&>: 5 instructions, 1 WRMSR" for title in widths)


def test_what_is_less_than_nothing_is_not_drawn():
    less = CountedPath(
        "c",
        "v",
        1,
        1,
        4,
        0,
        0,
        0,
        [],
        [*STACKS, {"stack": ["loop", "averages"], "instructions": -3, "wrmsr": 0}],
    )
    assert "averages" not in flame.flame_graph(less, "test")
