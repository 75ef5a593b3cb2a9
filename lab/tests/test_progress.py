# SPDX-License-Identifier: Apache-2.0
import re

from lab.core.progress import Display


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
