# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from analysis.data.load import CountedPath
from analysis.report import writer
from analysis.report.charts import flame
from analysis.report.model.figure import Caption, Profile
from analysis.summary import stacks
from analysis.summary.stacks import Counts
from analysis.tests import conftest
from analysis.tests.conftest import record
from formats.campaign_format import UNKNOWN_FUNCTION


def path(*counted: tuple[str, int, int]) -> CountedPath:
    """Ten operations. counted: (stack, instructions, PKRS writes) of all of them."""
    return CountedPath(
        "elsewhere/irq/inside",
        "test",
        1,
        ops=10,
        instructions=sum(count for _, count, _ in counted),
        empty_instructions=20,
        wrmsr=0,
        pkrs_writes=0,
        functions=[],
        stacks=[
            {"stack": stack.split(";"), "instructions": count, "wrmsr": writes}
            for stack, count, writes in counted
        ],
    )


NEW = path(
    ("loop", 20, 0),
    ("loop;irq;close<&>", 50, 10),
    ("loop;irq;handler", 30, 0),
    ("loop;exit;handler", 40, 0),
)
OLD = path(("loop", 20, 0), ("loop;irq;handler", 60, 0), ("loop;exit;handler", 40, 0))


def frames(new: CountedPath, old: CountedPath | None = None) -> dict[str, tuple[float, str]]:
    """Width and fill of each frame, by what it says."""
    drawing = ElementTree.fromstring(flame.flame_graph(Caption("T", "S"), Profile(new, old)))
    boxes = {
        group.find("{*}title").text: group.find("{*}rect")
        for group in drawing.iter("{http://www.w3.org/2000/svg}g")
    }
    return {said: (float(box.get("width")), box.get("fill")) for said, box in boxes.items()}


def test_a_call_has_what_it_called():
    (loop,) = stacks.call_tree(NEW).called.values()
    assert loop.added == Counts(14, 1)
    assert {name: call.added.instructions for name, call in loop.called.items()} == {
        "irq": 8,
        "exit": 4,
    }


def test_a_function_has_its_own_wherever_it_was_called():
    assert [(name, after) for name, _, after in stacks.own_counts(NEW)] == [
        ("handler", Counts(7, 0)),
        ("close<&>", Counts(5, 1)),
        ("loop", Counts(2, 0)),
    ]


def test_frames_are_as_wide_as_what_they_took():
    drawn = frames(NEW)
    names = {said.split(":")[0]: width for said, (width, _) in drawn.items()}
    assert abs(names["irq"] / names["loop"] - 80 / 140) < 1e-3
    assert "close<&>: 5 instructions, 1 PKRS write" in drawn


def test_of_two_sides_only_what_differs_is_drawn_as_wide_as_it_differs():
    drawn = frames(NEW, OLD)
    assert list(drawn) == [
        "loop: +2 instructions, 1 PKRS write",
        "irq: +2 instructions, 1 PKRS write",
        "handler: -3 instructions, 0 PKRS writes",
        "close<&>: +5 instructions, 1 PKRS write",
    ]
    widths = [width for width, _ in drawn.values()]
    assert widths[0] == widths[1] and abs(widths[2] / widths[3] - 3 / 5) < 1e-2
    fills = [fill for _, fill in drawn.values()]
    assert fills[0] == fills[3] != fills[2]  # more and fewer


def test_what_only_moved_to_another_function_is_neither_more_nor_fewer():
    drawn = frames(path(("loop;a", 10, 0)), path(("loop;b", 10, 0)))
    (loop,) = [fill for said, (_, fill) in drawn.items() if said.startswith("loop: +0")]
    assert loop not in {fill for said, (_, fill) in drawn.items() if not said.startswith("loop")}


@pytest.mark.parametrize("before", [(), (("loop;dax", 10, 0),)], ids=["new", "a tail call"])
def test_what_another_function_calls_as_before_cancels(before):
    old = path(("loop;copy", 4000, 0), ("loop;copy;bytes", 9000, 0), *before)
    new = path(("loop;dax", 20, 10), ("loop;dax;copy", 4000, 0), ("loop;dax;copy;bytes", 9000, 0))
    for sides in ((new, old), (old, new)):
        count = f"{'+' if sides[0] is new else '-'}{1 if before else 2}"
        assert {said.split(" instr")[0] for said in frames(*sides)} == {
            f"loop: {count}",
            f"dax: {count}",
        }


def test_a_function_that_calls_itself_is_one_frame():
    drawn = frames(path(("loop;fill;fill;fill;leaf", 30, 0), ("loop;fill;fill", 10, 0)))
    assert list(drawn) == [
        f"{said} instructions, 0 PKRS writes" for said in ("loop: 4", "fill: 4", "leaf: 3")
    ]


def test_what_is_less_than_nothing_is_not_drawn():
    less = replace(NEW, stacks=[*NEW.stacks, *path(("loop;averages", -3, 0)).stacks])
    assert not any(said.startswith("averages") for said in frames(less))


def test_stacks_are_beside_the_drawing_for_other_tools(tmp_path):
    flame.draw(Caption("T", "S"), Profile(NEW, OLD), tmp_path / "one")
    assert (tmp_path / "one.svg").is_file()
    assert (tmp_path / "one.folded").read_text().splitlines() == [
        "loop 2 2",
        "loop;exit;handler 4 4",
        "loop;irq;close<&> 0 5",
        "loop;irq;handler 6 3",
    ]
    assert stacks.folded(NEW).splitlines()[1] == "loop;exit;handler 4"


def test_a_legend_names_what_there_is():
    def legend(new: CountedPath, old: CountedPath | None = None) -> set[str]:
        root = ElementTree.fromstring(flame.flame_graph(Caption("T", "S"), Profile(new, old)))
        return {text.text for text in root.findall("{*}text")} - {"T", "S"}

    assert legend(OLD) == set()
    assert legend(NEW) == {"◆ writes PKRS"}
    assert legend(NEW, OLD) == {"more instructions", "fewer", "◆ writes PKRS"}
    moved = path(("loop", 20, 0), ("loop;other", 60, 0), ("loop;exit;handler", 40, 0))
    assert "as many, moved" in legend(moved, OLD)


def test_large_counts_have_separators():
    assert stacks.describe_count(Fraction(5398)) == "5,398"
    assert stacks.describe_count(Fraction(20986631, 10), "+") == "+2,098,663.1"


@pytest.mark.parametrize(("unknown", "drawn"), [(30, True), (90, False)])
def test_a_path_through_functions_that_nobody_can_name_is_not_drawn(write_campaign, unknown, drawn):
    case = "elsewhere/irq/inside"
    counted = {("body",): 60, ("body", UNKNOWN_FUNCTION): unknown}
    listed = [
        {"stack": list(stack), "instructions": count, "wrmsr": 0}
        for stack, count in counted.items()
    ]
    folder = write_campaign(
        [record(case, cost=8)], [conftest.path(case, body=8) | {"stacks": listed}]
    )
    writer.write_report(folder)
    assert bool(list((folder / "charts").glob("profile-*"))) == drawn
