# SPDX-License-Identifier: Apache-2.0
from lab.campaign import environment_diff


def test_each_difference_is_named_with_both_values():
    was = {
        "cpu": {"microcode": "0x1", "smt": None},
        "clock": {"tsc_hz": 1.0, "clocksource": "tsc"},
        "gone": 1,
    }
    now = {
        "cpu": {"microcode": "0x2", "smt": None},
        "clock": {"tsc_hz": 2.0, "clocksource": "hpet"},
    }
    assert list(environment_diff.differences(was, now)) == [
        'cpu.microcode was "0x1", is "0x2"',
        'clock.clocksource was "tsc", is "hpet"',
        "gone was 1, is null",
    ]
    assert list(environment_diff.differences(was, was)) == []
