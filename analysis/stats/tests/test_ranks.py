# SPDX-License-Identifier: Apache-2.0
"""Estimates and intervals from ranks, against tables, scipy and the independent reference."""

import numpy as np
import pytest
from scipy import stats

from analysis.stats import ranks
from analysis.stats.tests import reference_method

RANDOM = np.random.default_rng(4)


@pytest.mark.parametrize("pairs", range(6, 21))
def test_estimate_and_interval_of_pairs_are_those_of_the_reference(pairs):
    for differences in RANDOM.normal(size=(20, pairs)):
        means = ranks.pair_means(differences)
        for confidence in (0.9, 0.95):
            estimate, ends = reference_method.interval(differences, 1 - confidence)
            assert np.allclose(ranks.interval(means, pairs, confidence), ends)
            assert np.isclose(ranks.estimate(means), estimate)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize("pairs", [6, 10, 17])
def test_an_interval_holds_what_the_signed_rank_test_does_not_reject(pairs, confidence):
    """By scipy's exact test, of values just inside and just outside."""
    differences = RANDOM.normal(size=pairs)
    low, high = ranks.interval(ranks.pair_means(differences), pairs, confidence)
    for edge, inwards in ((low, 1e-9), (high, -1e-9)):
        inside, outside = (
            stats.wilcoxon(differences - edge - step, mode="exact").pvalue
            for step in (inwards, -inwards)
        )
        assert outside <= 1 - confidence < inside


@pytest.mark.parametrize(("pairs", "confidence"), [(5, 0.95), (4, 0.9)])
def test_few_pairs_have_no_interval(pairs, confidence):
    low, high = ranks.interval(ranks.pair_means(np.arange(pairs) + 1.0), pairs, confidence)
    assert (low, high) == (-np.inf, np.inf)


def test_signed_rank_p_is_scipys_without_ties_and_counted_with():
    for differences in RANDOM.normal(size=(50, 9)):
        assert np.isclose(
            ranks.signed_rank_p(differences), stats.wilcoxon(differences, mode="exact").pvalue
        )
    # of 1, 1, 2, 2 with ranks 1.5, 1.5, 3.5, 3.5: three of 16 sums are 8.5 or more of 10
    assert np.isclose(ranks.signed_rank_p(np.array([-1.0, 1, 2, 2, 0])), 2 * 3 / 16)
    assert ranks.signed_rank_p(np.zeros(6)) == 1


@pytest.mark.parametrize(
    ("old", "new", "place"),
    # critical values of U at 5 %, two-sided (Hollander, Wolfe and Chicken, table A.6), and 1
    [(3, 4, 0), (4, 4, 1), (5, 5, 3), (6, 8, 9), (10, 10, 24)],
)
def test_an_interval_of_two_sides_ends_where_the_rank_sum_rejects(old, new, place):
    first, second = RANDOM.normal(size=old), RANDOM.normal(size=new)
    estimate, (low, high) = ranks.two_sample(first, second, 0.95)
    shifts = np.sort(np.subtract.outer(second, first).ravel())
    assert np.isclose(estimate, np.median(shifts))
    if place == 0:
        assert (low, high) == (-np.inf, np.inf)
        return
    assert (low, high) == (shifts[place - 1], shifts[-place])
    for edge, step in ((low, 1e-9), (high, -1e-9)):
        outside, inside = (
            stats.mannwhitneyu(first + edge + by, second, method="exact").pvalue
            for by in (-step, step)
        )
        assert outside <= 0.05 < inside


def test_cliffs_delta_counts_pairs():
    old, new = np.array([1.0, 2, 3]), np.array([2.0, 3, 4, 0])
    above = sum(b > a for a in old for b in new) - sum(b < a for a in old for b in new)
    assert ranks.cliffs_delta(old, new) == above / 12


def test_large_sides_end_where_the_exact_ones_would(monkeypatch):
    """Beyond MOST_EXACT the place is that of the normal approximation, a few from the exact."""
    for pairs in (60, 80):
        approximate = ranks._signed_rank_place(pairs, 0.95), ranks._rank_sum_place(pairs, 55, 0.95)
        with monkeypatch.context() as patch:
            patch.setattr(ranks, "MOST_EXACT", 100)
            exact = (
                ranks._signed_rank_place.__wrapped__(pairs, 0.95),
                ranks._rank_sum_place.__wrapped__(pairs, 55, 0.95),
            )
        assert np.abs(np.subtract(approximate, exact)).max() <= 3
    differences = RANDOM.normal(0.2, 1, 60)
    assert np.isclose(
        ranks.signed_rank_p(differences), stats.wilcoxon(differences).pvalue, rtol=0.05
    )
