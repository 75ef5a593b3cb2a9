# SPDX-License-Identifier: Apache-2.0
"""Whether a control of a contributed campaign is what it is known to be."""

import pytest

from analysis.data.load import load
from analysis.sharing import record_truth
from analysis.tests.conftest import record

# A call and a return are instructions, and no adds: 15 of them, 13 adds.
CALL = {"known": 15, "known_adds": 13, "cost": 30.0}


@pytest.mark.parametrize(
    ("clock", "fields", "is_right"),
    [
        ("tsc", {"cost_core_cycles": 11.84}, True),
        ("tsc", {"cost_core_cycles": 10.0}, True),
        ("tsc", {"cost_core_cycles": 9.9}, False),
        ("tsc", {"cost_core_cycles": 16.1}, False),
        ("tsc", {"cost_core_cycles": None}, True),
        ("icount", {"cost": 15.0}, True),
        ("icount", {"cost": 13.0}, False),
    ],
)
def test_a_control_is_held_against_its_adds_by_a_clock_of_time(
    write_campaign, clock, fields, is_right
):
    control = record("control/adds13_call", clock=clock, **(CALL | fields))
    folder = write_campaign([control, record(clock=clock)])
    wrong = [line for line in record_truth.untrue_records(load(folder)) if "known length" in line]
    assert bool(wrong) != is_right, wrong
