# SPDX-License-Identifier: Apache-2.0
"""Estimates and exact intervals from ranks: of pairs by the signed rank, of two separate sides by
the rank sum.

Both invert an exact test (Hodges and Lehmann, Annals of Mathematical Statistics 34, 1963, 598-611;
Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 2014, 3.2-3.3 and 4.2-4.3). They
are right wherever each difference has as likely one sign as the other around the truth.
"""

from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from analysis.stats.verdict import CONFIDENCE, SAME_CONFIDENCE

Array = NDArray[np.float64]

# Differences this close to 0 are 0.
_NOTHING = 1e-12
# Above so many pairs, or boots of a side, the normal approximation is as good.
MOST_EXACT = 50


def pair_means(differences: Array) -> Array:
    """Walsh averages of each row, ascending: (..., pairs) gives (..., pairs (pairs + 1) / 2).

    Of more than MOST_EXACT pairs, only those in the middle and those that end an interval are in
    their places.
    """
    pairs = differences.shape[-1]
    first, second = _upper_triangle(pairs)
    means = (differences[..., first] + differences[..., second]) / 2
    if pairs <= MOST_EXACT:
        return np.sort(means, axis=-1)
    count = means.shape[-1]
    places = [_signed_rank_place(pairs, confidence) for confidence in (SAME_CONFIDENCE, CONFIDENCE)]
    ends = [place - 1 for place in places] + [count - place for place in places]
    return np.partition(means, [*ends, (count - 1) // 2, count // 2], axis=-1)


@lru_cache(maxsize=8)
def _upper_triangle(pairs: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.triu_indices(pairs)
    return first, second


def estimate(means: Array) -> Array:
    """Hodges-Lehmann estimates, of what pair_means gave: the medians."""
    count = means.shape[-1]
    middle: Array = (means[..., (count - 1) // 2] + means[..., count // 2]) / 2
    return middle


def interval(means: Array, pairs: int, confidence: float) -> tuple[Array, Array]:
    """Exact signed-rank intervals, of what pair_means gave of so many pairs; without end where so
    few pairs have none.
    """
    place = _signed_rank_place(pairs, confidence)
    if place == 0:
        endless = np.full(means.shape[:-1], np.inf)
        return -endless, endless
    return means[..., place - 1], means[..., -place]


@lru_cache(maxsize=256)
def _signed_rank_place(pairs: int, confidence: float) -> int:
    """Which of the ordered means ends the interval, counted from 1; 0: none."""
    tail = (1 - confidence) / 2
    if pairs > MOST_EXACT:
        deviation = np.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
        return int(pairs * (pairs + 1) / 4 - special.ndtri(1 - tail) * deviation)
    sums = _rank_sums(np.arange(1, pairs + 1))
    return int(np.searchsorted(np.cumsum(sums), tail, side="right"))


def signed_rank_p(differences: Array) -> float:
    """Two-sided p of the signed-rank test of one case, exact up to MOST_EXACT pairs; ties have
    middle ranks, zeros are left out.
    """
    kept = differences[np.abs(differences) > _NOTHING]
    if not len(kept):
        return 1.0
    if len(kept) > MOST_EXACT:
        return float(stats.wilcoxon(kept, mode="approx").pvalue)
    doubled = np.rint(2 * stats.rankdata(np.abs(kept))).astype(int)
    probabilities = _rank_sums(doubled)
    seen = int(doubled[kept > 0].sum())
    tail = min(probabilities[: seen + 1].sum(), probabilities[seen:].sum())
    return float(min(1.0, 2 * tail))


def _rank_sums(ranks: NDArray[np.int_]) -> Array:
    """Probability of each sum of a random half of these whole numbers, by that sum."""
    probabilities = np.ones(1)
    for rank in ranks:
        without = np.pad(probabilities, (0, rank))
        without[rank:] += probabilities
        probabilities = without / 2
    return probabilities


def two_sample(old: Array, new: Array, confidence: float) -> tuple[float, tuple[float, float]]:
    """Hodges-Lehmann shift new - old of two sides that are no pairs, and its exact rank-sum
    interval.
    """
    count = len(old) * len(new)
    place = _rank_sum_place(len(old), len(new), confidence)
    wanted = [place - 1, count - place] if place else []
    middle = [(count - 1) // 2, count // 2]
    shifts = np.partition((new[:, None] - old[None, :]).ravel(), wanted + middle)
    ends = (float(shifts[place - 1]), float(shifts[-place])) if place else (-np.inf, np.inf)
    return float(shifts[middle].mean()), ends


@lru_cache(maxsize=256)
def _rank_sum_place(old: int, new: int, confidence: float) -> int:
    """As _signed_rank_place, of the ordered shifts."""
    if max(old, new) > MOST_EXACT:
        deviation = np.sqrt(old * new * (old + new + 1) / 12)
        return int(old * new / 2 - special.ndtri((1 + confidence) / 2) * deviation)
    # counts[k, u]: ways to choose k of the places so far with a statistic of u
    counts = [np.ones(1)] + [np.zeros(1) for _ in range(new)]
    for below in range(old + new):
        for chosen in range(min(new, below + 1), 0, -1):
            fewer = counts[chosen - 1]
            moved = np.concatenate([np.zeros(below - chosen + 1), fewer])
            longer = max(len(counts[chosen]), len(moved))
            counts[chosen] = np.pad(counts[chosen], (0, longer - len(counts[chosen]))) + np.pad(
                moved, (0, longer - len(moved))
            )
    tail = np.cumsum(counts[new]) / comb(old + new, new)
    return int(np.searchsorted(tail, (1 - confidence) / 2, side="right"))


def cliffs_delta(old: Array, new: Array) -> float:
    """Share of pairs with new above old minus share with new below: -1 to 1 (Cliff, Psychological
    Bulletin 114, 1993, 494-509).
    """
    ordered = np.sort(old)
    above = np.searchsorted(ordered, new, "left").sum()
    below = (len(old) - np.searchsorted(ordered, new, "right")).sum()
    return float(above - below) / (len(old) * len(new))
