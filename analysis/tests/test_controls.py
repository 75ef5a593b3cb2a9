# SPDX-License-Identifier: Apache-2.0
"""Campaigns whose controls are off, or whose clock and observer do not agree: the report begins
with it.
"""

import subprocess
import sys

import pytest

from analysis.data.load import load
from analysis.report import writer
from analysis.summary import controls
from analysis.tests.conftest import path, record
from lab.core.dirs import ROOT

pytestmark = pytest.mark.program

CONTROL = "control/adds13"


def control(cost: float = 13, **changes) -> dict:
    return record(CONTROL, cost=cost, known=13, known_adds=13, **changes)


def flagged(raw: dict, reason: str) -> dict:
    return raw | {"status": "flagged", "reason": reason}


def first_line(folder) -> str:
    return writer.write_report(folder).mail.splitlines()[0]


def test_right_controls_are_said_and_are_no_rows(write_campaign):
    written = writer.write_report(
        write_campaign(
            [control(), record()], [path(CONTROL, kb_control=13), path(lowmem_page_address=5)]
        )
    )
    assert written.problems == []
    assert "Controls: loops of 13 instructions were measured as such" in written.details
    assert CONTROL not in written.details


def test_a_campaign_without_controls_says_nothing_of_them(write_campaign):
    written = writer.write_report(write_campaign([record()]))
    assert written.problems == [] and "ontrol" not in written.details


def test_a_control_that_is_off_is_the_first_line(write_campaign):
    reason = "control: control/adds13 takes 14 instructions an operation, and has 13"
    folder = write_campaign([flagged(control(14), reason), flagged(record(), reason)])
    assert first_line(folder).startswith("NOT VALID: control/adds13 takes 14 instructions")
    html = (folder / "report" / "index.html").read_text()
    assert html.index("NOT VALID: control/adds13") < html.index("<h1>")


def test_no_figure_is_given_where_a_control_is_off(write_campaign):
    reason = "control: control/adds13 takes 14 instructions an operation, and has 13"
    text = writer.write_report(
        write_campaign([flagged(control(14), reason), flagged(record(cost=6), reason)])
    ).details
    assert "dram                              -" in text


def test_an_observer_that_counts_twice_is_the_first_line(write_campaign):
    folder = write_campaign(
        [control(), record()], [path(CONTROL, kb_control=28), path(lowmem_page_address=12)]
    )
    assert first_line(folder).startswith(
        "NOT VALID: the observer counts 28 instructions in control/adds13"
    )


def test_an_observer_that_is_wrong_of_another_case_is_the_first_line(write_campaign):
    folder = write_campaign(
        [control(), record()], [path(CONTROL, kb_control=13), path(lowmem_page_address=6)]
    )
    assert (
        first_line(folder)
        == "NOT VALID: kernel/kmap_local/dram: the clock says 5 instructions and the"
    )


def test_parts_of_an_instruction_are_the_first_line(write_campaign):
    reason = "no whole number of instructions an operation: its loop is not the same in each round"
    folder = write_campaign([control(), flagged(record(cost=27.006), reason)])
    assert first_line(folder).startswith(
        "NOT VALID: kernel/kmap_local/dram: no whole number of instructions"
    )


def test_what_is_flagged_for_another_reason_leaves_the_rest_valid(write_campaign):
    folder = write_campaign([control(), record(), flagged(record("a/b/c"), "too much disturbance")])
    assert writer.write_report(folder).problems == []


@pytest.mark.parametrize(("cost", "code"), [(13, 0), (14, 1)])
def test_the_exit_code_says_so(write_campaign, cost, code):
    one = (
        control(cost) if cost == 13 else flagged(control(cost), "control: control/adds13 takes 14")
    )
    folder = write_campaign([one, record()])
    result = subprocess.run(
        [sys.executable, "-m", "analysis", "report", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == code
    assert ("NOT VALID" in result.stderr) is (code == 1)


def test_a_control_that_was_only_disturbed_leaves_the_rest_valid(write_campaign):
    disturbed = flagged(control(), "time is not linear in the number of operations: off by 7 %")
    assert writer.write_report(write_campaign([disturbed, record()])).problems == []


def test_a_control_that_nobody_flagged_is_held_against_its_length(write_campaign):
    folder = write_campaign([control(14), record()])
    said = "NOT VALID: control/adds13 was measured as 14 and has 13 instructions"
    assert first_line(folder).startswith(said)


def test_boots_without_controls_are_counted(write_campaign):
    folder = write_campaign([control(), record(), record(boot=2)])
    said = "instructions were measured as such in the kernel in 1 of 2 boots."
    assert said in controls.sentence(load(folder))


def of_user(**changes) -> dict:
    """A control in user space, whose samples interrupts may be in."""
    return control(**changes) | {"case": "user/control/adds13", "exact": False}


def test_the_kernel_has_controls_of_its_own(write_campaign):
    folder = write_campaign([of_user(), record()])
    said = "in the kernel in none of 1 boot, in user space in every boot."
    assert said in controls.sentence(load(folder))


def test_a_control_that_was_skipped_was_not_measured_as_such(write_campaign):
    skipped = control() | {"status": "skipped", "reason": "no reason", "cost": None}
    folder = write_campaign([skipped, of_user(), record()])
    assert "in the kernel in none of 1 boot" in controls.sentence(load(folder))


def test_a_control_in_user_space_is_held_against_its_length(write_campaign):
    folder = write_campaign([control(), of_user(cost=14), record()])
    said = "NOT VALID: user/control/adds13 was measured as 14 and has 13"
    assert first_line(folder).startswith(said)


def test_what_is_not_valid_is_not_judged(write_campaign):
    kernels = [record(variant=name) for name in ("off", "on")]
    folder = write_campaign([*kernels, *(control(14, variant=name) for name in ("off", "on"))])
    command = [sys.executable, "-m", "analysis", "compare", folder, "--fail-on", "slower"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 3
    assert "NOT VALID: control/adds13 was measured as 14" in found.stdout
    assert "not judged" in found.stderr and "NOT VALID" in found.stderr
