# SPDX-License-Identifier: Apache-2.0
"""What a reader is told, when, and when not."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.stats import cautions
from analysis.stats.clusters import Outlier
from analysis.stats.family import compare_family
from analysis.stats.sample import Sample, SamplePair
from analysis.stats.tests.sample_pairs import NEW_NOISE, TICKS, pair


def warnings_of(one: SamplePair) -> str:
    return "\n".join(compare_family([one])[0].warnings)


@pytest.mark.parametrize("pairs", [6, 7, 8, 10, 20])
def test_on_clean_data_at_most_one_comparison_in_twenty_carries_a_warning(pairs):
    chooser, rounds = np.random.default_rng(pairs), np.arange(pairs)
    family = [
        SamplePair(
            str(case),
            TICKS,
            *(
                Sample(label, 200 * np.exp(chooser.normal(0, 0.005, pairs)), rounds=rounds)
                for label in ("old", "new")
            ),
        )
        for case in range(500)
    ]
    rows = compare_family(family)
    assert sum(bool(row.warnings) for row in rows) <= 500 / 20
    # what few pairs can find at all is said of all, and is no warning
    assert {bool(row.power) for row in rows} == {pairs < 8}


def test_boots_that_agree_to_the_digit_are_named():
    there = pair(200, 200)
    said = warnings_of(replace(there, new=replace(there.new, values=np.full(10, 200.0))))
    assert "after: all boots agree to the digit" in said and "before" not in said


def test_groups_are_named_with_their_places():
    there = pair(200, 200)
    values = np.where(np.arange(10) % 4 == 0, 230, 200) + NEW_NOISE
    said = warnings_of(replace(there, new=replace(there.new, values=values)))
    assert "after: the boots fall into two groups, 7 near" in said
    assert "3 near" in said and "before" not in said


def test_outliers_far_outside_are_named_and_kept():
    there = pair(200, 200)
    values = there.old.values.copy()
    values[4] = 240
    one = compare_family([replace(there, old=replace(there.old, values=values))])[0]
    assert [outlier.severe for outlier in one.old_outliers][-1] is True
    assert "before: far outside the other boots, and kept: 240 ticks" in one.warnings
    assert one.n_old == 10


def test_mild_outliers_are_not_named():
    side = pair(200, 200).old
    mild, severe = Outlier(4.0, severe=False), Outlier(9.0, severe=True)
    assert cautions.warn_about_shape(side, (), (mild,), "ns") == ()
    assert cautions.warn_about_shape(side, (), (mild, severe, severe), "ns") == (
        "before: far outside the other boots, and kept: 9, 9 ns",
    )


def test_a_lone_exact_boot_is_said_to_be_one():
    one = replace(pair(5, 5, pairs=1).old, exact=True)
    (said,) = warnings_of(SamplePair("x", TICKS, one, one)).splitlines()[:1]
    assert "one boot; a second would show" in said
