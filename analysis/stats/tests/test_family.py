# SPDX-License-Identifier: Apache-2.0
"""The verdict as a whole: words, margins, families, looks."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.stats import randomisation
from analysis.stats.family import against_itself, compare_family
from analysis.stats.looks import Kind
from analysis.stats.sample import Sample, SamplePair, Unit
from analysis.stats.tests.sample_pairs import (
    COUNTED,
    NEW_NOISE,
    OLD_NOISE,
    SPEED,
    TICKS,
    pair,
    with_samples,
)
from analysis.stats.verdict import (
    Evidence,
    Verdict,
    Words,
    judge,
    margin_in_units,
    margin_of_ratio,
    one_word,
)


def judged(*arguments, **changes):
    (one,) = compare_family([pair(*arguments, **changes)])
    return one


@pytest.mark.parametrize(
    ("change", "spread", "word"),
    [
        (1.03, 0.002, Verdict.SLOWER),
        (0.97, 0.002, Verdict.FASTER),
        (1.0, 0.002, Verdict.SAME),
        (1.005, 0.001, Verdict.WITHIN),
        (0.995, 0.001, Verdict.WITHIN),
        (1.011, 0.004, Verdict.SLOWER_OPEN),
        (1 / 1.011, 0.004, Verdict.FASTER_OPEN),
        (1.01, 0.03, Verdict.UNRESOLVED),
    ],
)
def test_each_word(change, spread, word):
    assert judged(200, 200 * change, spread=spread).verdict is word


@pytest.mark.parametrize("metric", [TICKS, SPEED])
@pytest.mark.parametrize("new", [150.0, 199.0, 200.0, 200.9, 202.2, 206.0, 250.0])
def test_an_exchange_of_sides_exchanges_slower_and_faster(metric, new):
    there = pair(200, new, spread=0.004, metric=metric)
    (one,), (other,) = compare_family([there]), compare_family(
        [replace(there, old=there.new, new=there.old)]
    )
    opposite = {
        Verdict.SLOWER: Verdict.FASTER,
        Verdict.FASTER: Verdict.SLOWER,
        Verdict.SLOWER_OPEN: Verdict.FASTER_OPEN,
        Verdict.FASTER_OPEN: Verdict.SLOWER_OPEN,
    }
    assert other.verdict is opposite.get(one.verdict, one.verdict)
    assert np.isclose(one.ratio * other.ratio, 1) and np.isclose(one.difference, -other.difference)
    assert np.isclose(one.ratio_95.low * other.ratio_95.high, 1) and one.p_holm == other.p_holm


@pytest.mark.parametrize(
    ("metric", "new", "word"), [(TICKS, 220, Verdict.SLOWER), (SPEED, 220, Verdict.FASTER)]
)
def test_each_metric_knows_its_better_direction(metric, new, word):
    assert judged(200, new, metric=metric).verdict is word


@pytest.mark.parametrize(
    ("path", "share"), [(1000, 0.01), (200, 0.01), (50, 0.02), (20, 0.05), (10, 0.05), (2, 0.05)]
)
def test_the_margin_is_a_hundredth_or_a_cycle_but_never_more_than_a_twentieth(path, share):
    assert margin_of_ratio(TICKS, path, path * 1.5) == margin_of_ratio(TICKS, path * 1.5, path)
    assert np.isclose(margin_of_ratio(TICKS, path, path), share)
    assert np.isclose(margin_in_units(TICKS, -path, path), share * path)
    assert margin_of_ratio(SPEED, path, path) == 0.01


@pytest.mark.parametrize("cycles", range(20, 101))
def test_one_whole_cycle_more_is_inside_whatever_the_last_bit_is(cycles):
    assert judged(cycles, cycles + 1, spread=0).verdict is Verdict.WITHIN


@pytest.mark.parametrize("cycles", range(2, 20))
def test_a_cycle_is_a_change_where_it_is_more_than_a_twentieth(cycles):
    assert judged(cycles, cycles + 1, spread=0).verdict is Verdict.SLOWER


def test_figures_that_are_shown_are_those_that_were_tested():
    one = judged(200, 206, spread=0.01)
    assert np.isclose(one.new / one.old, one.ratio)
    assert np.isclose(one.new - one.old, one.difference)
    # medians and estimate may differ in direction, and then the medians say nothing
    skewed = pair(200, 200, spread=0.0)
    old = np.array([200.0] * 6 + [190] * 4)
    new = np.array([199.9] * 6 + [230] * 4)
    shown = compare_family(
        [replace(skewed, old=replace(skewed.old, values=old), new=replace(skewed.new, values=new))]
    )[0]
    assert (shown.ratio > 1) == (shown.new > shown.old)


# Of n pairs: which of the ordered means of two differences ends the 90 % and the 95 % interval, by
# tables of the signed-rank test (one-sided 5 and 2.5 %).
PLACES = {8: (6, 4), 10: (11, 9), 12: (18, 14)}


@pytest.mark.parametrize("pairs", PLACES)
@pytest.mark.parametrize(("further_in", "is_same"), [(1e-4, True), (-1e-4, False)])
def test_same_is_by_the_interval_of_90_percent(pairs, further_in, is_same):
    """Differences whose 90 % interval ends just inside the margin, or just beyond it; the one of
    95 % ends beyond it in both.
    """
    there = pair(200, 200, spread=0.01, pairs=pairs)
    differences = np.log(there.new.values) - np.log(there.old.values)
    means = sorted(
        (one + other) / 2
        for place, one in enumerate(differences)
        for other in differences[: place + 1]
    )
    at_90, at_95 = PLACES[pairs]
    # the margin that decides: the further of both ends of the interval
    margin = max(-means[at_90 - 1], means[-at_90]) * (1 + further_in)
    assert max(-means[at_95 - 1], means[-at_95]) > 1.01 * margin
    scale = np.log1p(0.01) / margin
    scaled = replace(
        there,
        old=replace(there.old, values=np.full(pairs, 200.0)),
        new=replace(there.new, values=200 * np.exp(scale * differences)),
    )
    assert (compare_family([scaled])[0].verdict is Verdict.SAME) == is_same


def test_p_is_adjusted_over_all_that_is_read_together():
    changed, others = pair(200, 201.5, spread=0.004), [pair(200, 200, spread=0.004)] * 11
    noisy = [
        replace(other, new=replace(other.new, values=np.roll(other.new.values, number)))
        for number, other in enumerate(others)
    ]
    (alone,), among = compare_family([changed]), compare_family([changed, *noisy])[0]
    assert alone.p == among.p and alone.p_holm <= among.p_holm
    assert among.looks[0].p > among.p


def test_groups_whose_coins_differ_share_the_level():
    one = pair(200, 206)
    (alone,) = compare_family([one])
    both = compare_family([one, replace(one, group=1)])
    assert {row.p_holm for row in both} == {2 * alone.p_holm}


def test_exact_figures_are_not_of_the_family_and_need_no_interval():
    exact = Sample("x", np.array([5.0, 5.0]), exact=True)
    more = replace(exact, values=np.array([12.0, 12.0]))
    noisy = pair(200, 260, case="fork")
    rows = compare_family([SamplePair("counted", COUNTED, exact, more), noisy])
    assert (rows[0].verdict, rows[0].difference, rows[0].p_holm) == (Verdict.SLOWER, 7, None)
    assert rows[1].p_holm == compare_family([noisy])[0].p_holm
    (same,) = compare_family([SamplePair("counted", COUNTED, exact, exact)])
    assert (same.verdict, same.reason) == (Verdict.SAME, "to the digit")


def test_a_count_that_moved_at_the_second_alignment_only_is_no_same():
    old = Sample("x", np.array([5.0, 5.0]), exact=True, shifted=np.array([5.0, 5.0]))
    new = replace(old, shifted=np.array([9.0, 9.0]))
    (one,) = compare_family([SamplePair("counted", COUNTED, old, new)])
    assert one.verdict is Verdict.SLOWER and "+4 instructions at the second alignment" in one.reason


@pytest.mark.parametrize("pairs", range(1, 6))
def test_under_six_pairs_there_is_no_verdict(pairs):
    one = judged(200, 260, pairs=pairs)
    assert (
        one.verdict is Verdict.EXPLORATORY
        and one.p_holm is None
        and np.isclose(one.ratio, 1.3, rtol=0.01)
    )
    assert (one.ratio_95 is None) == (pairs == 1)


@pytest.mark.parametrize(("pairs", "said"), [(6, True), (7, True), (8, False)])
def test_six_and_seven_pairs_say_what_they_find(pairs, said):
    one = judged(200, 206, spread=0.005, pairs=pairs)
    assert one.verdict is not Verdict.EXPLORATORY
    assert one.power.startswith(f"{pairs} pairs of boots that spread by") is said


def test_sides_that_are_no_pairs_have_no_verdict():
    there = pair(200, 260)
    apart = replace(there, old=replace(there.old, rounds=None))
    (one,) = compare_family([apart])
    assert one.verdict is Verdict.EXPLORATORY and "no pairs" in one.reason
    assert np.isclose(one.ratio, 1.3, rtol=0.01) and one.ratio_95.excludes(1)


def test_boots_that_alternate_by_date_are_pairs_and_have_no_verdict():
    there = pair(200, 260)
    slots = np.arange(20.0).reshape(10, 2)
    slots[::3] = slots[::3, ::-1]
    dated = replace(
        there,
        old=replace(there.old, rounds=None, slots=slots[:, 0]),
        new=replace(there.new, rounds=None, slots=slots[:, 1]),
    )
    (one,) = compare_family([dated])
    assert one.verdict is Verdict.EXPLORATORY and "by date" in one.reason and one.pairs == 10
    in_blocks = replace(
        dated,
        old=replace(dated.old, slots=np.arange(10.0)),
        new=replace(dated.new, slots=np.arange(10.0, 20)),
    )
    assert compare_family([in_blocks])[0].pairs == 0


def test_pairs_are_by_round_and_not_by_place():
    there = pair(200, 200, spread=0.004)
    order = np.random.default_rng(1).permutation(10)
    shuffled = replace(
        there,
        new=replace(there.new, values=there.new.values[order], rounds=there.new.rounds[order]),
    )
    (one,), (other,) = compare_family([there]), compare_family([shuffled])
    assert (one.ratio_95, one.p) == (other.ratio_95, other.p)


def test_cases_that_lack_a_round_have_the_coins_of_the_rounds_they_have():
    """One lacks round 2, another round 7: one vector of signs holds for each round, so that only
    the cases' own places in it make p what it is.
    """
    whole = pair(200, 201, spread=0.004)
    noise = np.random.default_rng(3).normal(0, 0.002, (2, 10))
    cases, rows = [], []
    for lost, change in zip((2, 7), noise):
        old, new, rounds = whole.old.values, whole.new.values * np.exp(change), whole.new.rounds
        kept = rounds != lost
        sides = [
            replace(side, values=values[kept], rounds=rounds[kept])
            for side, values in ((whole.old, old), (whole.new, new))
        ]
        cases.append(replace(whole, old=sides[0], new=sides[1]))
        rows.append(np.where(kept, np.log(new) - np.log(old), np.nan))
    margins = np.full(2, np.log1p(0.01))
    wanted = randomisation.changes(np.array(rows), margins).differs
    by_place = [np.append(row[~np.isnan(row)], np.nan) for row in rows]
    assert (randomisation.changes(np.array(by_place), margins).differs != wanted).any()
    assert [row.p_holm for row in compare_family(cases)] == list(wanted)


def test_a_round_that_lost_a_boot_is_left_out_and_said():
    there = pair(200, 206)
    lost = replace(
        there, new=replace(there.new, values=there.new.values[1:], rounds=there.new.rounds[1:])
    )
    (one,) = compare_family([lost])
    whole = replace(
        lost, old=replace(there.old, values=there.old.values[1:], rounds=there.old.rounds[1:])
    )
    (other,) = compare_family([whole])
    assert (one.ratio_95, one.p_holm, one.pairs) == (other.ratio_95, other.p_holm, 9)
    assert one.pair.lost_on_one_side == 1 and "no partner" in one.warnings[0]
    assert other.pair.lost_on_one_side == 0 and other.warnings == ()


def test_repetitions_of_one_launch_have_no_verdict():
    there = pair(200, 260)
    one = compare_family([replace(there, new=replace(there.new, unit=Unit.REPETITION))])[0]
    assert one.verdict is Verdict.EXPLORATORY and one.ratio_95 is None


def test_launches_of_one_boot_are_a_verdict_on_this_boot():
    there = pair(200, 260)
    sides = {name: replace(getattr(there, name), unit=Unit.LAUNCH) for name in ("old", "new")}
    (one,) = compare_family([replace(there, **sides)])
    assert one.verdict is Verdict.SLOWER and "this boot only" in one.warnings[0]


def test_the_same_files_are_the_same():
    (one,) = compare_family([replace(pair(200, 200, pairs=2), identical=True)])
    assert (one.verdict, one.reason) == (Verdict.SAME, "the same files")


def slow(old_share: float, new_share: float):
    there = pair(200, 200)
    looks = replace(
        there, old=with_samples(there.old, old_share), new=with_samples(there.new, new_share)
    )
    return compare_family([looks])[0]


def test_samples_that_the_median_hides_are_found_by_mean_and_share():
    """As many boots, the same medians; 10 and 45 % of samples take three times as long."""
    one = slow(0.10, 0.45)
    assert one.verdict is Verdict.SLOWER and "share of slow samples" in one.reason + "".join(
        look.kind for look in one.looks if look.slower
    )
    by_kind = {look.kind: look for look in one.looks}
    assert by_kind[Kind.MEDIAN].inside and by_kind[Kind.MEAN].slower and by_kind[Kind.SLOW].slower
    assert np.isclose(by_kind[Kind.SLOW].estimate, 0.35)
    assert np.isclose(by_kind[Kind.MEAN].estimate, 1.9 / 1.2, rtol=0.01)
    assert slow(0.45, 0.10).verdict is Verdict.FASTER


def test_same_takes_all_looks():
    assert slow(0.10, 0.10).verdict is Verdict.SAME
    assert slow(0.10, 0.12).verdict is not Verdict.SAME
    there = pair(200, 200)
    shifted = replace(there.new, shifted=there.new.values * 1.05)
    moved = replace(there, old=replace(there.old, shifted=there.old.values), new=shifted)
    one = compare_family([moved])[0]
    assert one.verdict is Verdict.SLOWER and "second alignment" in one.reason


def test_figures_around_nothing_are_compared_by_their_difference():
    there = pair(200, 200)
    old = np.array([-0.2, 0.1, 0.0, -0.1, 0.2, 0.1, 0.0, -0.1, 0.1, -0.2])
    sides = replace(
        there, old=replace(there.old, values=old), new=replace(there.new, values=old + 5)
    )
    (one,) = compare_family([sides])
    assert (one.ratio, one.verdict) == (None, Verdict.SLOWER) and np.isclose(one.difference, 5)
    assert one.difference_95.excludes(0)


def test_an_unresolved_case_says_what_would_have_been_found():
    one = judged(200, 202, spread=0.03)
    assert one.verdict is Verdict.UNRESOLVED and one.boots_to_resolve > 10
    found = judged(200, 200 * one.smallest_found * 1.01, spread=0.03)
    missed = judged(200, 200 * one.smallest_found * 0.97, spread=0.03)
    assert found.verdict is Verdict.SLOWER and missed.verdict is not Verdict.SLOWER
    assert f"a change of {(one.smallest_found - 1) * 100:.3g} %" in one.reason


def test_a_large_change_lacks_no_more_pairs_than_a_small_p_takes():
    """Six pairs are enough for one case. Beside eleven that have not changed they are not, where
    each of those is as extreme by other signs; nine are: 12 cases, 2 of 2^9 vectors each.
    """

    def first_of_a_dozen(pairs):
        rounds = np.arange(pairs)
        before = Sample("before", np.full(pairs, 200.0), rounds=rounds)
        spread = np.exp(0.03 * np.resize(NEW_NOISE, pairs))  # far more than the margin of 1 %
        after = replace(before, values=before.values * 4 * spread)
        cases = [SamplePair("kernel/0", TICKS, before, after)]
        for number in range(1, 12):
            up_or_down = np.where(number >> rounds & 1, 1.03, 1 / 1.03)
            after = replace(before, values=before.values * up_or_down)
            cases.append(SamplePair(f"kernel/{number}", TICKS, before, after))
        return compare_family(cases)[0]

    assert judged(200, 800, spread=0.03, pairs=6).verdict is Verdict.SLOWER
    six, nine = first_of_a_dozen(6), first_of_a_dozen(9)
    assert (six.verdict, six.boots_to_resolve) == (Verdict.UNRESOLVED, 9)
    assert nine.verdict is Verdict.SLOWER


def test_a_change_has_to_be_on_its_side_of_nothing_by_the_interval_too():
    """The guard, apart from any p: without it a falling score takes one direction for the other."""
    one = np.ones(1)

    def words(low: float, high: float) -> Words:
        return judge(
            Evidence(
                worse=0.01 * one,
                better=0.01 * one,
                differs=0.01 * one,
                estimate=one,
                low=low * one,
                high=high * one,
                low_95=low * one,
                high_95=high * one,
                margin=0.01 * one,
                alone=0.01 * one,
            )
        )

    assert words(0.001, 0.1).slower[0] and not words(0.001, 0.1).faster[0]
    assert words(-0.1, -0.001).faster[0] and not words(-0.1, -0.001).slower[0]
    for ends in ((-0.001, 0.1), (0.0, 0.1), (-0.1, 0.0)):
        assert not words(*ends).slower[0] and not words(*ends).faster[0]


def test_the_guard_holds_a_change_back_that_the_score_calls():
    """Four pairs far on the other side count a tenth; the interval does not forget them."""
    there = pair(200, 200)
    values = 200 * np.exp(np.array([0.03] * 7 + [-0.3] * 3) + 0.0001 * NEW_NOISE)
    sides = replace(
        there,
        old=replace(there.old, values=200 * np.exp(0.0001 * OLD_NOISE)),
        new=replace(there.new, values=values),
    )
    (one,) = compare_family([sides])
    assert one.looks[0].weak_pairs == 3 and one.ratio_90.low < 1
    assert one.verdict not in (Verdict.SLOWER, Verdict.FASTER)


def test_same_takes_all_figures_and_a_change_any():
    no, yes = np.array([False, False]), np.array([False, True])
    estimate = np.array([0.1, -0.1])
    everything = np.array([True, True])
    assert one_word(Words(no, no, no, everything), estimate) is Verdict.SAME
    assert one_word(Words(no, no, no, yes), estimate) is Verdict.UNRESOLVED
    assert one_word(Words(no, no, yes, everything), estimate) is Verdict.WITHIN
    assert one_word(Words(no, no, yes, yes), estimate) is Verdict.FASTER_OPEN
    assert one_word(Words(yes, no, yes, yes), estimate) is Verdict.SLOWER
    assert one_word(Words(no, yes, yes, yes), estimate) is Verdict.FASTER


@pytest.mark.parametrize(("boots", "tested"), [(6, False), (7, False), (8, True)])
def test_a_variant_against_itself_is_a_bound_or_not_tested(boots, tested):
    values = np.exp(0.001 * np.resize(OLD_NOISE, boots)) * 200
    half = Sample("a", values[::2]), Sample("a again", values[1::2])
    row = against_itself(SamplePair("case", TICKS, *half))
    assert (row.ratio_95 is not None) is tested and row.reason == (
        "a bound" if tested else "not tested"
    )


def test_the_same_input_gives_the_same_result():
    pairs = [pair(200, 203, spread=0.01, pairs=16)]
    assert compare_family(pairs)[0].p_holm == compare_family(pairs)[0].p_holm


def test_an_empty_family_is_no_error():
    assert compare_family([]) == []
