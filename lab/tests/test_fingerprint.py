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


def test_nothing_of_the_machine_is_left():
    value = {
        "identity": {"host_name": "spr", "serial": "X1"},
        "kernel": {"cmdline": "root=/dev/spr-vg/root spread=1", "bits": 64},
        "arguments": ["--out", "/home/me/c", "/home/me2"],
    }
    assert environment_diff.anonymous(value, {"spr": "HOST", "/home/me": "~"}) == {
        "identity": {"host_name": None, "serial": None},
        "kernel": {"cmdline": "root=/dev/HOST-vg/root spread=1", "bits": 64},
        "arguments": ["--out", "~/c", "/home/me2"],
    }
