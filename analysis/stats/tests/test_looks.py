# SPDX-License-Identifier: Apache-2.0
"""What is looked at in each pair beside the median: shares of slow samples, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.stats import looks
from analysis.stats.looks import Kind
from analysis.stats.sample import Distribution, Sample
from analysis.stats.tests.sample_pairs import pair
from analysis.stats.verdict import MARGIN_POINTS


def with_counts(side: Sample, counts: dict[float, float]) -> Sample:
    """The side with these samples in each boot: how often each value was seen."""
    values = np.array(list(counts), dtype=float)
    return replace(
        side, distribution=lambda _: Distribution(values, np.array(list(counts.values())))
    )


def shares(old: dict[float, float], new: dict[float, float]) -> looks.Look | None:
    there = pair(200, 200)
    sides = replace(there, old=with_counts(there.old, old), new=with_counts(there.new, new))
    found = [look for look in looks.look_at(sides) if look.kind is Kind.SLOW]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        # the median of both is 200, so that 300 is not beyond 1.5 of it and 301 is
        ({200: 8, 300: 2}, {200: 7, 301: 3}, 0.3),
        ({200: 8, 301: 2}, {200: 7, 301: 3}, 0.1),
        # of both together it is 310; of the old boot alone 200, and the difference 0.6
        ({200: 6, 310: 4}, {310: 2, 470: 8}, 0.8),
        # each boot has the same say, however many samples it has: by their number the medians
        # would be 200 in both
        ({200: 60, 400: 40}, {200: 1, 400: 1, 650: 8}, 0.8),
        ({100: 9, 200: 1}, {100: 300, 200: 700}, 0.6),
        # values need not be in order, nor as many on both sides
        ({301: 1, 200: 3}, {200: 1}, -0.25),
    ],
)
def test_a_sample_is_slow_against_the_median_of_both_boots_together(old, new, difference):
    look = shares(old, new)
    assert look.differences == pytest.approx(np.full(10, difference))
    assert (look.margin, look.logs) == (MARGIN_POINTS, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({200: 1}, {290: 1}),
        # most of the new boot's are long, so that the median of both is 400 and none is beyond 600
        ({200: 6, 400: 4}, {200: 1, 400: 9}),
        ({-1: 9, 300: 1}, {-1: 9, 300: 1}),
    ],
)
def test_there_is_no_share_where_nothing_is_slow_or_the_median_is_not_above_0(old, new):
    assert shares(old, new) is None


@pytest.mark.parametrize(("level", "samples"), [(200, 7), (200, 100), (-3, 5), (5, 1)])
def test_boots_of_as_many_samples_are_looked_at_all_at_once_with_the_same_shares(level, samples):
    chooser = np.random.default_rng(samples)
    there = pair(200, 200)
    sides = []
    for side in (there.old, there.new):
        values = level + 50 * np.round(chooser.standard_t(2, (10, samples)), 1)
        sides.append(
            replace(side, distribution=lambda n, v=values: Distribution(v[n], np.ones(samples)))
        )
        sides.append(replace(sides[-1], samples=lambda v=values: v))
    one_by_one = looks.look_at(replace(there, old=sides[0], new=sides[2]))
    at_once = looks.look_at(replace(there, old=sides[1], new=sides[3]))
    assert [look.kind for look in at_once] == [look.kind for look in one_by_one]
    for look, wanted in zip(at_once, one_by_one):
        np.testing.assert_array_equal(look.differences, wanted.differences)
    assert (Kind.SLOW in [look.kind for look in at_once]) == (level > 5)
