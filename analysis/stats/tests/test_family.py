# SPDX-License-Identifier: Apache-2.0
"""Verdicts: what has to be said, and what must never be."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.stats import regression, resampling
from analysis.stats.comparison import Interval, halves, moved
from analysis.stats.family import compare_family
from analysis.stats.sample import Sample, SamplePair, Unit
from analysis.stats.tests.sample_pairs import CALM, COUNTED, SPEED, TICKS, pair
from analysis.stats.verdict import Verdict, decide, margin_in_units, margin_of_ratio


def judged(*arguments, **changes):
    (one,) = compare_family([pair(*arguments, **changes)])
    return one


def test_figures_are_those_of_the_model_of_logarithms():
    one = judged(200, 210, deviation=0.01)
    old, new = one.pair.old, one.pair.new
    fit = regression.fit(np.log(old.values), np.log(new.values), old.slots, new.slots)
    assert one.ratio == pytest.approx(math.exp(fit.difference)) == pytest.approx(1.05)
    assert (one.ratio_95.low, one.ratio_95.high) == pytest.approx(np.exp(fit.interval(0.95)))
    assert (one.ratio_90.low, one.ratio_90.high) == pytest.approx(np.exp(fit.interval(0.90)))
    assert one.p == fit.p() and one.p_holm == one.p
    assert (
        one.difference == pytest.approx(10) and one.difference_95.low < 10 < one.difference_95.high
    )
    assert (one.n_old, one.n_new) == (8, 8)


@pytest.mark.parametrize(
    ("metric", "new", "verdict"),
    [
        (TICKS, 206, Verdict.SLOWER),
        (TICKS, 194, Verdict.FASTER),
        (SPEED, 206, Verdict.FASTER),
        (SPEED, 194, Verdict.SLOWER),
    ],
)
def test_each_metric_knows_its_better_direction(metric, new, verdict):
    assert judged(200, new, metric=metric).verdict is verdict


@pytest.mark.parametrize("metric", [TICKS, SPEED])
@pytest.mark.parametrize("new", [150.0, 199.9, 200.0, 200.1, 206.0, 250.0])
def test_an_exchange_of_sides_exchanges_slower_and_faster(metric, new):
    given = pair(200, new, metric=metric, deviation=0.003)
    (one,), (other,) = compare_family([given]), compare_family(
        [replace(given, old=given.new, new=given.old)]
    )
    exchanged = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    assert other.verdict is exchanged.get(one.verdict, one.verdict)
    assert other.difference == -one.difference and other.p == one.p
    assert other.ratio == pytest.approx(1 / one.ratio)
    assert other.difference_95 == Interval(-one.difference_95.high, -one.difference_95.low)
    assert other.cliffs_delta == -one.cliffs_delta


def test_a_change_inside_the_margin_is_the_same_however_sure_it_is():
    one = judged(200, 201, deviation=0.0001)
    assert one.p < 1e-6 and one.verdict is Verdict.SAME


def test_no_significant_difference_is_not_the_same():
    one = judged(200, 200, deviation=0.05)
    assert one.p > 0.9 and one.verdict is Verdict.UNRESOLVED
    assert one.boots_to_resolve > 8 and str(one.boots_to_resolve) in one.reason


def test_a_short_path_has_a_cycle_of_margin_and_a_long_one_a_hundredth():
    assert judged(20, 20.8).verdict is Verdict.SAME
    assert judged(20, 21.2).verdict is Verdict.SLOWER
    assert judged(20, 20.8, metric=SPEED).verdict is Verdict.FASTER  # which has no cycles
    assert judged(200, 201.8).verdict is Verdict.SAME
    assert judged(200, 202.5).verdict is Verdict.SLOWER
    short, long = judged(20, 20).margin, judged(500, 500).margin
    assert (short.low, short.high) == pytest.approx((1 / 1.05, 1.05), rel=1e-6)
    assert (long.low, long.high) == (1 / 1.01, 1.01)


def test_a_cycle_may_be_less_than_a_unit():
    nanoseconds = replace(TICKS, unit="ns", cycle=0.4)
    assert judged(8, 8.3, metric=nanoseconds).verdict is Verdict.SAME
    assert judged(8, 8.5, metric=nanoseconds).verdict is Verdict.SLOWER


def test_p_is_adjusted_over_the_family():
    changed, others = pair(200, 206, deviation=0.02), [pair(200, 200, deviation=0.02)] * 19
    family = compare_family([changed, *others])
    (alone,) = compare_family([changed])
    assert alone.p < 0.05 and alone.verdict is Verdict.SLOWER
    assert (
        family[0].p_holm == pytest.approx(20 * alone.p) and family[0].verdict is Verdict.UNRESOLVED
    )


def test_exact_figures_are_not_of_the_family_and_need_no_interval():
    exact = SamplePair(
        "k",
        COUNTED,
        Sample("a", np.full(2, 5.0), exact=True),
        Sample("b", np.full(2, 6.0), exact=True),
    )
    one, timed = compare_family([exact, pair(200, 206)])
    assert (one.verdict, one.reason, one.difference, one.ratio) == (
        Verdict.SLOWER,
        "+1 instructions",
        1,
        1.2,
    )
    assert one.p is None and one.ratio_95 is None and one.warnings == ()
    assert timed.p_holm == timed.p
    (back,) = compare_family([replace(exact, old=exact.new, new=exact.old)])
    assert (back.verdict, back.reason) == (Verdict.FASTER, "-1 instructions")
    (equal,) = compare_family([replace(exact, new=exact.old)])
    assert equal.verdict is Verdict.SAME and equal.difference == 0 and equal.ratio == 1


def test_one_exact_side_is_not_enough():
    exact = Sample("a", np.full(2, 5.0), exact=True)
    (one,) = compare_family([SamplePair("k", COUNTED, exact, replace(exact, exact=False))])
    assert one.verdict is Verdict.EXPLORATORY


def test_a_lone_exact_boot_is_said_to_be_one():
    exact = Sample("a", np.full(1, 5.0), exact=True)
    (one,) = compare_family(
        [SamplePair("k", COUNTED, exact, replace(exact, label="b", values=np.full(2, 5.0)))]
    )
    assert one.verdict is Verdict.SAME
    assert [warning.split(":")[0] for warning in one.warnings] == ["a"]


@pytest.mark.parametrize("boots", [1, 2, 3])
def test_under_four_boots_a_side_there_is_no_verdict(boots):
    one = judged(200, 400, boots=boots)
    assert one.verdict is Verdict.EXPLORATORY and one.p_holm is None
    assert one.ratio == pytest.approx(2, rel=1e-3)


def test_many_boots_of_one_side_do_not_make_up_for_few_of_the_other():
    given = pair(200, 400)
    few = replace(given.old, values=given.old.values[:3], slots=given.old.slots[:3])
    for one in compare_family([replace(given, old=few), replace(given, old=given.new, new=few)]):
        assert one.verdict is Verdict.EXPLORATORY


def test_each_side_is_shown_by_its_median_boot():
    given = pair(200, 300)
    (one,) = compare_family(
        [
            replace(
                given,
                old=replace(given.old, values=np.array([200.0, 201, 202, 203, 204, 205, 206, 900])),
            )
        ]
    )
    assert one.old == 203.5


def test_four_boots_a_side_are_enough():
    assert judged(200, 400, boots=4).verdict is Verdict.SLOWER


def test_repetitions_of_one_launch_have_no_verdict():
    given = pair(200, 400)
    (one,) = compare_family([replace(given, new=replace(given.new, unit=Unit.REPETITION))])
    assert one.verdict is Verdict.EXPLORATORY and "launch" in one.reason


def test_launches_of_one_boot_are_a_verdict_on_this_boot():
    given = pair(200, 400)
    (one,) = compare_family([replace(given, old=replace(given.old, unit=Unit.LAUNCH))])
    assert one.verdict is Verdict.SLOWER and any(
        "this boot only" in warning for warning in one.warnings
    )
    assert not any("this boot only" in warning for warning in judged(200, 400).warnings)


def test_the_same_files_are_the_same():
    given = pair(200, 200, deviation=0.05)
    (one,) = compare_family([replace(given, new=given.old, identical=True)])
    assert (one.verdict, one.ratio, one.difference, one.reason) == (
        Verdict.SAME,
        1,
        0,
        "the same files",
    )


def test_a_variant_that_differs_from_itself_leaves_nothing_resolved():
    disturbed = compare_family([pair(200, 210, case="aa")])
    calm = compare_family([pair(200, 200, case="aa")])
    assert moved(disturbed[0]) and not moved(calm[0])
    pairs = [pair(200, 220), pair(200, 200)]
    assert [one.verdict for one in compare_family(pairs, calm)] == [Verdict.SLOWER, Verdict.SAME]
    assert {(one.verdict, one.reason) for one in compare_family(pairs, calm + disturbed)} == {
        (Verdict.UNRESOLVED, "A/A moved")
    }


def test_an_exact_variant_that_differs_from_itself_moved():
    exact = SamplePair(
        "aa",
        COUNTED,
        Sample("a", np.full(2, 5.0), exact=True),
        Sample("b", np.full(2, 6.0), exact=True),
    )
    assert moved(*compare_family([exact])) and not moved(
        *compare_family([replace(exact, new=exact.old)])
    )


def test_halves_of_a_side_are_dealt_out_in_the_order_they_were_made():
    side = Sample(
        "plain",
        np.array([30.0, 10, 20, 40, 50, 60, 70, 80]),
        slots=np.array([9, 1, 4, 12, 15, 18, 21, 23]),
    )
    first, second = halves(side)
    assert list(first.values) == [10, 40, 50, 80] and list(second.values) == [20, 30, 60, 70]
    assert list(first.slots) == [1, 12, 15, 23]
    assert first.label != second.label


def test_figures_around_nothing_are_compared_by_their_difference():
    slots = np.arange(16)
    old = Sample("a", 0.2 * CALM, slots[::2])
    (one,) = compare_family(
        [SamplePair("empty", TICKS, old, replace(old, values=old.values + 0.1, slots=slots[1::2]))]
    )
    assert one.ratio is None and one.verdict is Verdict.SAME and one.margin == Interval(-1, 1)
    (far,) = compare_family(
        [SamplePair("empty", TICKS, old, replace(old, values=old.values + 5, slots=slots[1::2]))]
    )
    assert far.verdict is Verdict.SLOWER and far.difference == pytest.approx(5, abs=0.2)


def test_the_same_input_gives_the_same_result():
    given = [pair(200, 203, deviation=0.01), pair(200, 200, deviation=0.02)]
    assert [vars(one) | {"pair": None} for one in compare_family(given)] == [
        vars(one) | {"pair": None} for one in compare_family(given)
    ]


def test_an_empty_family_is_no_error():
    assert compare_family([]) == []


def test_the_family_of_aa_rows_is_adjusted_like_any_other():
    unlucky, calm = pair(200, 206, deviation=0.021), [pair(200, 200, deviation=0.021)] * 11
    (alone,) = compare_family([unlucky])
    assert alone.p < 0.05 and moved(alone)
    assert not any(moved(one) for one in compare_family([unlucky, *calm]))


def test_the_same_files_are_the_same_whatever_the_campaign_suffered():
    given = pair(200, 200)
    disturbed = compare_family([pair(200, 210, case="aa")])
    (one,) = compare_family([replace(given, new=given.old, identical=True)], disturbed)
    assert one.verdict is Verdict.SAME


def test_an_exact_verdict_falls_with_the_aa_row_too():
    exact = SamplePair(
        "k",
        COUNTED,
        Sample("a", np.full(2, 5.0), exact=True),
        Sample("b", np.full(2, 6.0), exact=True),
    )
    (one,) = compare_family([exact], compare_family([pair(200, 210, case="aa")]))
    assert (one.verdict, one.reason) == (Verdict.UNRESOLVED, "A/A moved")


@pytest.mark.parametrize("which", ["old", "new"])
@pytest.mark.parametrize("value", [0.0, -0.1])
def test_one_boot_at_or_below_nothing_leaves_no_ratio(which, value):
    given = pair(10, 10.5)
    side = getattr(given, which)
    values = side.values.copy()
    values[2] = value
    (one,) = compare_family([replace(given, **{which: replace(side, values=values)})])
    assert one.ratio is None and one.ratio_95 is None and math.isfinite(one.difference)


def test_the_margin_of_a_ratio_ends_where_the_difference_is_a_cycle():
    assert judged(20, 20.99, deviation=1e-6).verdict is Verdict.SAME
    assert judged(20, 21.01, deviation=1e-6).verdict is Verdict.SLOWER
    assert judged(20.99, 20, deviation=1e-6).verdict is Verdict.SAME
    assert judged(21.01, 20, deviation=1e-6).verdict is Verdict.FASTER


def test_margins_are_the_same_from_either_side():
    assert margin_of_ratio(TICKS, 20, 25) == margin_of_ratio(TICKS, 25, 20) == 0.05
    assert margin_of_ratio(SPEED, 20, 25) == 0.01
    assert margin_in_units(SPEED, -50, 30) == margin_in_units(SPEED, 30, -50) == pytest.approx(0.3)
    assert margin_in_units(TICKS, -50, 30) == 1


def test_what_is_decided_of_an_interval_and_p():
    low, high = np.array([-0.5, -0.5, -1.5, 0.5, 0.5, 0.5]), np.array(
        [0.5, 1.0, 0.5, 1.5, 1.5, 1.5]
    )
    same, changed = decide(low, high, np.array(1.0), np.array([0.001, 0.9, 0.9, 0.049, 0.05, 0.09]))
    assert list(same) == [True, False, False, False, False, False]
    assert list(changed) == [False, False, False, True, False, False]


def test_a_larger_family_takes_more_boots_to_resolve():
    unclear, others = pair(200, 208, deviation=0.05), [pair(200, 200, deviation=0.05)] * 11
    (alone,) = compare_family([unclear])
    among = compare_family([unclear, *others])[0]
    assert alone.verdict is among.verdict is Verdict.UNRESOLVED
    assert among.boots_to_resolve > alone.boots_to_resolve


def test_what_is_not_made_in_turn_takes_more_boots_than_it_has():
    given = pair(200, 200, deviation=0.0055)
    slots = np.arange(16)
    (in_turn,) = compare_family([given])
    (one,) = compare_family(
        [
            replace(
                given,
                old=replace(given.old, slots=slots[:8]),
                new=replace(given.new, slots=slots[8:]),
            )
        ]
    )
    assert in_turn.verdict is Verdict.SAME
    assert one.verdict is Verdict.UNRESOLVED and one.boots_to_resolve == 9


@pytest.mark.parametrize(("boots", "resampled"), [(5, False), (6, True), (60, True), (61, False)])
def test_boots_are_resampled_from_six_to_sixty_a_side(boots, resampled):
    one = judged(200, 210, deviation=0.01, boots=boots)
    assert (one.bootstrap_95 is not None) is resampled
    if resampled:
        assert one.bootstrap_95.low < one.ratio < one.bootstrap_95.high


def test_a_change_that_resampling_does_not_confirm_is_said(monkeypatch):
    monkeypatch.setattr(resampling, "interval", lambda *_: (-0.1, 0.1))
    one = judged(200, 210)
    assert one.verdict is Verdict.SLOWER and any(
        "not confirm" in warning for warning in one.warnings
    )
