# SPDX-License-Identifier: Apache-2.0
"""What a reader is told, when, and when not."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.stats import cautions
from analysis.stats.clusters import Outlier
from analysis.stats.family import compare_family
from analysis.stats.sample import Sample, SamplePair
from analysis.stats.tests.sample_pairs import TICKS, pair
from analysis.stats.verdict import Verdict

# Ten boots a side in ABBA blocks, whose deviations look like those of normal noise.
SLOTS = np.arange(20.0)
IS_OLD = np.isin(np.arange(20) % 4, (0, 3))
DEVIATIONS = np.array([-1.5, -1.0, -0.7, -0.4, -0.1, 0.1, 0.4, 0.7, 1.0, 1.5])
OLD_NOISE = DEVIATIONS[[3, 8, 0, 6, 9, 1, 5, 2, 7, 4]]
NEW_NOISE = DEVIATIONS[[7, 1, 4, 9, 2, 6, 0, 8, 3, 5]]


def sides(old: np.ndarray, new: np.ndarray) -> SamplePair:
    return SamplePair(
        "case", TICKS, Sample("before", old, SLOTS[IS_OLD]), Sample("after", new, SLOTS[~IS_OLD])
    )


CALM = sides(200 + OLD_NOISE, 200 + NEW_NOISE)


def warnings_of(*pairs: SamplePair) -> str:
    return "\n".join(compare_family(pairs)[0].warnings)


def test_a_calm_campaign_has_no_warning():
    assert warnings_of(CALM) == ""
    assert warnings_of(replace(CALM, new=replace(CALM.new, values=210 + NEW_NOISE))) == ""


def test_sides_of_unknown_order_are_said_not_to_be_made_in_turn():
    assert "not made in turn" in warnings_of(replace(CALM, old=replace(CALM.old, slots=None)))
    assert "not made in turn" in warnings_of(replace(CALM, new=replace(CALM.new, slots=None)))


@pytest.mark.parametrize(("boots", "few"), [(3, False), (4, True), (5, True), (6, False)])
def test_few_boots_are_said_to_be_few(boots, few):
    assert ("few boots" in warnings_of(pair(200, 200, boots=boots))) is few


def test_one_side_first_is_hardly_in_turn():
    first = replace(
        CALM, old=replace(CALM.old, slots=SLOTS[:10]), new=replace(CALM.new, slots=SLOTS[10:])
    )
    assert "hardly made in turn" in warnings_of(first)


def test_a_drift_is_named_and_taken_out():
    drifting = sides(200 + OLD_NOISE + 3 * SLOTS[IS_OLD], 200 + NEW_NOISE + 3 * SLOTS[~IS_OLD])
    (one,) = compare_family([drifting])
    assert ["drift" in warning for warning in one.warnings] == [
        True
    ]  # nor does it make groups or outliers
    assert one.verdict is not Verdict.SLOWER


def test_boots_that_agree_to_the_digit_are_named():
    said = warnings_of(replace(CALM, new=replace(CALM.new, values=np.full(10, 200.0))))
    assert "after: all boots agree to the digit" in said and "before" not in said


def test_groups_are_named_with_their_places():
    said = warnings_of(
        replace(
            CALM,
            new=replace(CALM.new, values=np.where(np.arange(10) % 4 == 0, 230, 200) + NEW_NOISE),
        )
    )
    assert (
        "after: the boots fall into two groups, 7 near" in said
        and "3 near" in said
        and "before" not in said
    )


def test_outliers_are_named_and_kept():
    values = 200 + OLD_NOISE
    values[4] = 240
    one = compare_family([replace(CALM, old=replace(CALM.old, values=values))])[0]
    assert [outlier.severe for outlier in one.old_outliers] == [True] and one.new_outliers == ()
    assert any(
        warning.startswith(
            "before: far outside the other boots, and kept, which widens the interval: 2"
        )
        for warning in one.warnings
    )
    assert one.n_old == 10


def test_mild_outliers_are_only_outside():
    assert cautions.warn_about_shape("x", (), (), "ns") == ()
    mild, severe = Outlier(4.0, severe=False), Outlier(9.0, severe=True)
    assert cautions.warn_about_shape("x", (), (mild,), "ns") == (
        "x: outside the other boots, and kept, which widens the interval: 4 ns",
    )
    assert (
        cautions.warn_about_shape("x", (), (mild, severe, severe), "ns")[0]
        == "x: far outside the other boots, and kept, which widens the interval: 9, 9 ns"
    )


@pytest.mark.parametrize(
    ("spread", "boots", "warned"), [(5, 6, True), (5, 10, False), (3, 6, False)]
)
def test_few_boots_of_another_spread_are_warned_of(spread, boots, warned):
    new = replace(CALM.new, values=200 + spread * NEW_NOISE[:boots], slots=CALM.new.slots[:boots])
    old = replace(
        CALM.old, values=200 + OLD_NOISE * NEW_NOISE[:boots].std(ddof=1) / OLD_NOISE.std(ddof=1)
    )
    assert (
        "differ in spread and in number" in warnings_of(replace(CALM, old=old, new=new))
    ) is warned


def test_a_spread_is_that_of_which_the_boots_are_a_sample():
    # four boots that deviate 4.2 times as much, by n - 1; by n it would be 3.6 and 4.0 times
    few, many = OLD_NOISE[:4] / OLD_NOISE[:4].std(ddof=1), NEW_NOISE / NEW_NOISE.std(ddof=1)
    assert cautions.warn_about_spreads(4.2 * few, many) and cautions.warn_about_spreads(
        many, 4.2 * few
    )
    assert not cautions.warn_about_spreads(3.9 * few, many) and not cautions.warn_about_spreads(
        many, 3.9 * few
    )


def test_a_change_that_ranks_do_not_show_in_a_large_family_rests_on_the_shape_of_noise():
    four = pair(200, 220, boots=4)
    others = [pair(200, 200, boots=4)] * 11
    (alone,) = compare_family([four])
    among = compare_family([four, *others])[0]
    assert alone.verdict is among.verdict is Verdict.SLOWER
    assert not any(warning.startswith(cautions.RESTS_ON_SHAPE) for warning in alone.warnings)
    # 12 families' worth of 2/70
    assert any(
        warning.startswith(cautions.RESTS_ON_SHAPE) and "0.34" in warning
        for warning in among.warnings
    )


def test_what_resampling_does_not_confirm_is_said():
    assert cautions.warn_about_bootstrap(True) == ()
    (said,) = cautions.warn_about_bootstrap(False)
    assert "not confirm" in said
    assert "not confirm" not in warnings_of(
        replace(CALM, new=replace(CALM.new, values=210 + NEW_NOISE))
    )
