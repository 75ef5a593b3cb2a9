# SPDX-License-Identifier: Apache-2.0
import io
import re
import sys

import pytest

from lab.core import progress
from lab.core.progress import Display
from lab.core.time_left import TimeLeft


def test_a_second_plan_starts_anew(capsys):
    """Building a kernel and booting it are counted in units of their own; one says nothing of the
    other.
    """
    with Display() as display:
        display.plan(4)
        display.advance(1)
        display.say("building")
        display.advance(3)
        display.plan(2)
        display.say("booting")
        display.advance(1)
        display.say("booting again")
    building, booting, again = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\[ +\d+ s, about \d+ s left\] building", building)
    assert re.fullmatch(r"\[ +\d+ s\] booting", booting)
    assert re.fullmatch(r"\[ +\d+ s, about \d+ s left\] booting again", again)


def test_units_that_are_not_even_say_nothing_and_steps_of_before_do(capsys, tmp_path):
    with Display(times := TimeLeft(tmp_path / "durations.json", "run")) as display:
        display.plan(2, is_even=False)
        times.plan({"boot": 2}, frozenset(), 1)
        display.advance(1)
        display.say("the first time")
        display.begin("boot")
        display.end("boot")
        display.say("the second boot")
    first, second = capsys.readouterr().err.splitlines()
    assert "left" not in first and re.search(r"about \d+ s left", second)


def test_a_step_with_a_build_in_it_is_no_measure_of_the_next_run(tmp_path):
    file = tmp_path / "durations.json"
    with Display(TimeLeft(file, "run")) as display:
        display.begin("preparation")
        display.plan(100)  # of a build
        display.end("preparation")
        assert not file.exists()
        display.plan(2, is_even=False)
        display.begin("report")
        display.end("report")
        assert file.exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("term", "columns", "is_plain"),
    [("xterm", "100", False), ("xterm", "60", True), ("dumb", "100", True)],
)
def test_a_terminal_without_room_or_control_gets_plain_lines(monkeypatch, term, columns, is_plain):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    for name, value in (("TERM", term), ("COLUMNS", columns), ("LINES", "30")):
        monkeypatch.setenv(name, value)
    with Display() as display:
        display.say("booting")
    lines = terminal.getvalue().splitlines()
    assert (lines == ["[   0 s] booting"]) == is_plain
    assert ("\x1b" in terminal.getvalue()) != is_plain


def test_long_steps_are_followed_in_plain_lines_now_and_then(capsys, monkeypatch):
    with Display() as display:
        display.detail("a case")
        monkeypatch.setattr(progress, "_QUIET_SECONDS", 0)
        display.detail("another case")
    assert capsys.readouterr().err.split("] ")[1:] == ["another case\n"]
