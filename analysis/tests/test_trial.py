# SPDX-License-Identifier: Apache-2.0
"""Tables of trials, on figures made up so that the answer is known beforehand."""

import json

import numpy as np
import pytest
from scipy import stats

from analysis.studies import timing_verdict

HEADER = {"trial": "known", "cpu": "a CPU", "cpus": 2, "kernel": "6", "begun": "2026"}


def cell(table: timing_verdict.Table, row: int, column: int) -> str:
    return table.rows[row].cells[column]


def test_spread_is_what_scipy_calls_it():
    values = np.random.default_rng(1).normal(100, 3, 20)
    assert timing_verdict.iqr_share(values) == pytest.approx(stats.iqr(values) / np.median(values))


def test_a_block_compares_the_outer_two_with_the_inner_two():
    assert timing_verdict.blocks(np.array([11, 10, 10, 11, 5, 5, 5, 5, 99])) == pytest.approx(
        [0.1, 0]
    )
    # a steady drift is no difference
    assert timing_verdict.blocks(np.array([1.0, 2, 3, 4])) == pytest.approx([0])


def test_modes_are_apart_and_no_strays():
    assert timing_verdict.modes(np.array([10.0, 10.1, 9.9, 10.05])) == [
        (pytest.approx(10.025), 1.0)
    ]
    two = np.array([9.0, 9.05] * 6 + [10.0, 9.95] * 13 + [25.0])
    assert timing_verdict.modes(two) == [
        (pytest.approx(9.025), pytest.approx(12 / 39)),
        (pytest.approx(9.975), pytest.approx(26 / 39)),
    ]


def known_figures(ratio=3.0, told_share=1.0, misses=1.0, off_misses=0.0) -> list[dict]:
    """20 launches in which all is as it should be, or off by what is said."""

    def rows(case, figure, cycles=185):
        return [
            {"case": case, "figure": figure, "write_cycles": cycles, "load": 0.5} for _ in range(20)
        ]

    figures = rows("user/known/adds1000", 1000) + rows(
        "user/known/multiplications1000", 1000 * ratio
    )
    figures += rows("user/known/lines/l1", 10) + rows("user/known/lines/memory", 310)
    for form in ("kmap_local", "kmap_local_slim"):
        for cycles in (185, 1000):
            figures += rows(f"user/{form}/protected/alone/nowrite", 20, cycles)
            figures += rows(
                f"user/{form}/protected/alone/delay", 20 + 2 * cycles * told_share, cycles
            )
        for state in ("key_off", "dram", "devmap", "protected", "protected_nested"):
            rest = "/nowrite" if state == "protected" else ""
            more = 300 * (off_misses if state == "key_off" else misses)
            figures += rows(f"user/{form}/{state}/descriptors/l1{rest}", 20) + rows(
                f"user/{form}/{state}/descriptors/memory{rest}", 20 + more
            )
    return figures


def holds(tables: list[timing_verdict.Table]) -> list[list[bool | None]]:
    return [[row.holds for row in table.rows] for table in tables]


def test_what_is_known_holds_where_it_is_seen():
    ratio, delays, cold = holds(timing_verdict.known(known_figures()))
    assert ratio == [True, True] and delays == [True] * 4 and cold == [None] + [True] * 10


def test_a_ratio_that_is_off_does_not_hold():
    assert holds(timing_verdict.known(known_figures(ratio=3.014)))[0] == [True, True]
    assert holds(timing_verdict.known(known_figures(ratio=3.016)))[0] == [False, True]
    assert holds(timing_verdict.known(known_figures(ratio=3.05)))[0] == [False, False]


def test_one_launch_in_ten_may_be_off():
    for off, near in ((2, True), (3, False)):
        figures = known_figures()
        for figure in [one for one in figures if one["case"] == "user/known/multiplications1000"][
            :off
        ]:
            figure["figure"] = 3100
        assert holds(timing_verdict.known(figures))[0] == [True, near]


def test_a_delay_that_is_off_does_not_hold():
    assert holds(timing_verdict.known(known_figures(told_share=1.019)))[1] == [True] * 4
    assert holds(timing_verdict.known(known_figures(told_share=0.979)))[1] == [False] * 4


def test_a_state_without_its_miss_does_not_hold_and_one_with_a_miss_too_many_neither():
    assert (
        holds(timing_verdict.known(known_figures(misses=0.4)))[2]
        == [None] + [True, *[False] * 4] * 2
    )
    assert (
        holds(timing_verdict.known(known_figures(misses=2)))[2] == [None] + [True, *[False] * 4] * 2
    )
    assert (
        holds(timing_verdict.known(known_figures(off_misses=0.2)))[2]
        == [None] + [False, *[True] * 4] * 2
    )


def test_a_set_that_had_no_memory_is_no_evidence():
    figures = [one for one in known_figures() if not one["case"].endswith("/memory")]
    assert holds(timing_verdict.known(figures))[2] == [None]


def spread_figures(case: str, ours: list[float], theirs: list[float]) -> list[dict]:
    return [
        {"tool": tool, "case": case, "launch": launch, "figure": figure, "seconds": 1, "load": 0.5}
        for tool, values in (("kmapbench", ours), ("google", theirs))
        for launch, figure in enumerate(values)
    ]


NOISY = [100, 110, 90, 105, 95, 112, 88, 104, 96, 100]


def test_a_third_of_their_spread_is_asked_for():
    calm = [100 + (value - 100) * 0.3 / 10 for value in NOISY]
    (table,) = timing_verdict.spread(spread_figures("user/x/alone", calm, NOISY))
    assert [row.holds for row in table.rows] == [True]
    assert cell(table, 0, 5) == "0 of 2"
    restless = [100 + (value - 100) * 0.4 for value in NOISY]
    (table,) = timing_verdict.spread(spread_figures("user/x/alone", restless, NOISY))
    assert [row.holds for row in table.rows] == [False]


def test_blocks_that_are_off_do_not_hold_whatever_the_spread():
    ours = [100, 103, 103, 100] + [100] * 12
    (table,) = timing_verdict.spread(spread_figures("user/x/alone", ours, NOISY + NOISY[:6]))
    assert table.rows[0].holds is False and cell(table, 0, 5) == "1 of 4"


@pytest.mark.parametrize(
    "case",
    [
        "user/kmap_local/protected/alone/nowrite",
        "user/kmap_local/protected_nested/alone",
        "user/kmap_local/dram",
    ],
)
def test_of_what_has_modes_nothing_is_claimed(case):
    (table,) = timing_verdict.spread(spread_figures(case, NOISY, NOISY))
    assert [row.holds for row in table.rows] == [None]


def test_without_a_whole_block_or_without_figures_nothing_is_claimed():
    (table,) = timing_verdict.spread(spread_figures("user/x/alone", [100, 100], [100, 110]))
    assert [row.holds for row in table.rows] == [None]
    (table,) = timing_verdict.spread(
        spread_figures("user/x/alone", [], NOISY) + spread_figures("user/y/alone", NOISY, NOISY)
    )
    assert [row.holds for row in table.rows] == [None, False] and cell(table, 0, 1) == "no figures"


LEVELS = {
    "user/known/adds13": 13,
    "user/known/adds15": 15,
    "user/known/adds100": 100,
    "user/known/adds103": 103,
    "user/x/alone": 50,
}


def campaign_figures(number: int, spread: float, shift: float = 0) -> list[dict]:
    """shift: of side B, as a share."""
    noise = np.random.default_rng(7)
    return [
        {"campaign": campaign, "round": slot // 2, "side": side, "case": case, "load": 0.5,
         "figure": level * (1 + (shift if side == "B" else 0)) * np.exp(noise.normal(0, spread))}
        for campaign in range(number)
        for slot, side in enumerate("ABBA" * 5)
        for case, level in LEVELS.items()
    ]  # fmt: skip


def test_planted_changes_are_found_and_nothing_else():
    (table,) = timing_verdict.campaigns(campaign_figures(20, 0.001))
    assert [row.cells[1] for row in table.rows] == ["0 of 20", "20 of 20", "20 of 20"]
    assert [row.holds for row in table.rows] == [True] * 3


def test_noise_that_hides_a_change_is_no_find():
    (table,) = timing_verdict.campaigns(campaign_figures(6, 0.3))
    assert [row.holds for row in table.rows][1:] == [False, False]


def test_a_side_that_is_slower_all_over_is_a_false_alarm_in_each_campaign():
    (table,) = timing_verdict.campaigns(campaign_figures(5, 0.001, shift=0.1))
    assert table.rows[0].cells[1] == "5 of 5" and table.rows[0].holds is False


def test_a_file_says_where_and_under_what_load():
    lines = [
        json.dumps(HEADER),
        *(
            json.dumps({**one, "load": load})
            for one, load in zip(known_figures(), [1.0, 7.25] * 1000)
        ),
    ]
    text = timing_verdict.judged(lines)
    assert text.startswith("2 cores of a CPU, Linux 6, 2026; load 1.0 to 7.2")
    assert "| --- | --- | --- |" in text and "| yes |" in text
