# SPDX-License-Identifier: Apache-2.0
"""Against scipy, counting by hand, and worked examples."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from analysis.stats import holm, ranks

RANDOM = np.random.default_rng(7)


def by_counting(old, new):
    """Two-sided p of the rank sum: every way to deal the ranks out, by brute force."""
    of_ranks = stats.rankdata(np.r_[old, new])
    seen = of_ranks[: len(old)].sum()
    sums = np.array([sum(dealt) for dealt in combinations(of_ranks, len(old))])
    return min(1, 2 * min(np.mean(sums <= seen), np.mean(sums >= seen)))


@pytest.mark.parametrize("sizes", [(4, 4), (5, 7), (6, 6)])
def test_rank_p_counts_every_order(sizes):
    old, new = RANDOM.normal(0, 1, sizes[0]), RANDOM.normal(0.8, 1, sizes[1])
    assert ranks.p(old, new) == pytest.approx(by_counting(old, new))


@pytest.mark.parametrize("sizes", [(4, 4), (5, 7), (6, 6), (7, 7)])
def test_rank_p_counts_every_order_of_boots_that_tie(sizes):
    old, new = RANDOM.integers(0, 4, sizes[0]).astype(float), RANDOM.integers(
        1, 5, sizes[1]
    ).astype(float)
    assert ranks.p(old, new) == pytest.approx(by_counting(old, new))


def test_four_boots_a_side_reach_two_in_seventy_and_no_less():
    assert ranks.p(np.arange(4.0), np.arange(4.0) + 100) == pytest.approx(2 / 70)


def test_boots_that_are_all_alike_have_p_1():
    assert ranks.p(np.full(40, 3.0), np.full(40, 3.0)) == 1


def test_many_boots_go_by_the_normal_approximation():
    old, new = RANDOM.normal(0, 1, 300), RANDOM.normal(0.1, 1, 300)
    assert ranks.p(old, new) == pytest.approx(
        stats.mannwhitneyu(old, new, method="asymptotic").pvalue
    )
    tied_old, tied_new = old.round(1), new.round(1)
    assert ranks.p(tied_old, tied_new) == pytest.approx(
        stats.mannwhitneyu(tied_old, tied_new, method="asymptotic").pvalue
    )


def test_cliffs_delta_counts_pairs():
    old, new = np.array([1.0, 2, 2, 5]), np.array([2.0, 3, 6])
    above = sum(np.sign(b - a) for a in old for b in new)
    assert ranks.cliffs_delta(old, new) == above / 12
    assert ranks.cliffs_delta(new, old) == -above / 12
    assert ranks.cliffs_delta(np.arange(3.0), np.arange(3.0) + 10) == 1


def test_holm_of_a_worked_example():
    # the four p of the example that encyclopedias and R's p.adjust(c(0.01, 0.04, 0.03, 0.005),
    # "holm") give
    assert holm.adjusted(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )


def test_holm_never_passes_1_and_never_falls_with_rising_p():
    assert holm.adjusted(np.array([0.5, 0.6, 0.9])) == pytest.approx([1, 1, 1])
    # the second step alone would give less than the first
    assert holm.adjusted(np.array([0.02, 0.021, 0.5])) == pytest.approx([0.06, 0.06, 0.5])


def test_holm_takes_each_row_as_a_family():
    rows = np.array([[0.01, 0.04], [0.04, 0.01]])
    assert holm.adjusted(rows) == pytest.approx(np.array([[0.02, 0.04], [0.04, 0.02]]))


def test_a_family_of_one_is_not_adjusted():
    assert holm.adjusted(np.array([0.04])) == pytest.approx([0.04])
