# SPDX-License-Identifier: Apache-2.0
"""Where the level of a case moved, in figures that were made one after the other.

The test is Lombard's (Rank tests for changepoint problems, Biometrika 74, 1987, 615-624): figures
are replaced by normal scores of their ranks, and of each place the mean before it is held against
the mean after it. The statistic is the largest of these, each in units of its standard deviation.
It rests on ranks alone, so that its distribution is the same whatever the noise is like, as long as
nothing changed and a figure does not depend on the one before. Several changes are found one inside
the other (binary segmentation; Vostrikova, Soviet Mathematics Doklady 24, 1981, 55-59).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, pi, sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from analysis.stats import ranks
from analysis.stats.comparison import Interval
from analysis.stats.verdict import SAME_CONFIDENCE

Array = NDArray[np.float64]

# Probability of any mark at any time in a history in which nothing changed, where it is looked at
# after each of its figures; and what one look at it may spend for that. By simulation, and so is
# the number of figures up to which it holds: python3 -m analysis.studies.clean_histories.
MARKED_EVER, LEVEL = 0.001, 0.000015
# Figures on either side of a change, at least.
FEWEST_BESIDE = 2
# Of fewer figures no order of ranks is as rare as LEVEL: 2 x 10! 10! / 20! for a change in the
# middle.
FEWEST = 20
# What the statistic of so many figures exceeds with the probability LEVEL, by the orders that the
# study draws. Of numbers between them it is between theirs; of more it is the limit's.
_CRITICAL_VALUES = MappingProxyType(
    {
        20: 3.587,
        22: 3.736,
        25: 3.879,
        30: 4.075,
        35: 4.217,
        40: 4.272,
        50: 4.399,
        70: 4.629,
        100: 4.775,
        150: 4.961,
        200: 4.961,
    }
)
SEED = 20261128
# A change is measured by so many figures before it and after it.
_BESIDE = 200
# What a history has to show of a change before it is said how small a one would be marked.
LASTING = 10
# In standard deviations, what is marked if anything is; points of an integral over normal noise.
_FAR, _NODES = 20.0, 40


@dataclass(frozen=True)
class ChangePoint:
    """A level that moved. Differences are after - before, in the unit of the figures."""

    place: int  # of the first figure after it
    difference: float
    interval: Interval  # of SAME_CONFIDENCE


def find_changes(figures: Array) -> list[ChangePoint]:
    """All changes in a history, the oldest first. figures: shape (n,), in the order in which they
    were made. The same figures give the same changes.
    """
    edges = [0, *sorted(_split(figures, 0)), len(figures)]
    for number in range(1, len(edges) - 1):
        begin, place, end = edges[number - 1 : number + 2]
        edges[number] = begin + _placed(figures[begin:end], place - begin)
    return [
        _measured(figures, *edges[number - 1 : number + 2]) for number in range(1, len(edges) - 1)
    ]


def _split(figures: Array, first: int) -> Iterator[int]:
    """Places of changes, counted from first."""
    if len(figures) < FEWEST:
        return
    statistics = _statistics(_scores(figures)[None])[0]
    if statistics.max() <= critical_value(len(figures)):
        return
    place = FEWEST_BESIDE + int(statistics.argmax())
    yield first + place
    yield from _split(figures[:place], first)
    yield from _split(figures[place:], first + place)


def _placed(figures: Array, place: int) -> int:
    """The place of the one change in these figures, of which the test has given about where it is:
    there the distances from the levels before and after have the smallest sum (least absolute
    deviations; Bai, Econometric Theory 11, 1995, 403-436).
    """
    before, after = (np.median(part) for part in (figures[:place], figures[place:]))
    gained = np.cumsum(np.abs(figures - before) - np.abs(figures - after))
    return FEWEST_BESIDE + int(gained[FEWEST_BESIDE - 1 : -FEWEST_BESIDE].argmin())


def _scores(figures: Array) -> Array:
    """Normal scores of the ranks. Equal figures are ranked by chance: else their distribution would
    depend on how many are equal.
    """
    chance = np.random.default_rng(SEED).random(len(figures))
    placed = np.empty(len(figures))
    placed[np.lexsort((chance, figures))] = np.arange(1, len(figures) + 1)
    scores: Array = special.ndtri(placed / (len(figures) + 1))
    return scores


def _statistics(scores: Array) -> Array:
    """Of each order of scores (orders, n), the statistic of each place: (orders, places)."""
    count = scores.shape[1]
    before = np.arange(FEWEST_BESIDE, count - FEWEST_BESIDE + 1)
    # scores add up to 0, and are drawn without putting back
    variance = (scores[0] ** 2).sum() / (count - 1)
    deviation = np.sqrt(variance * before * (count - before) / count)
    sums = np.cumsum(scores, axis=1)[:, before - 1]
    statistics: Array = np.abs(sums) / deviation
    return statistics


def largest_statistics(histories: Array) -> Array:
    """Of each history without equal figures (histories, n), what is held against the critical value
    of n: shape (histories,).
    """
    ranks_of_each = histories.argsort(1).argsort(1) + 1
    largest: Array = _statistics(special.ndtri(ranks_of_each / (histories.shape[1] + 1))).max(1)
    return largest


def drawn_statistics(count: int, orders: int, chooser: np.random.Generator) -> Array:
    """The same of so many orders of figures that are drawn: shape (orders,)."""
    scores = special.ndtri(np.arange(1, count + 1) / (count + 1))
    drawn = chooser.permuted(np.tile(scores, (orders, 1)), axis=1)
    largest: Array = _statistics(drawn).max(1)
    return largest


@lru_cache(maxsize=256)
def critical_value(count: int) -> float:
    """What the statistic of so many figures, at least FEWEST, exceeds with the probability LEVEL or
    less.
    """
    known = list(_CRITICAL_VALUES)
    if count > known[-1]:
        return critical_value_of_limit(count)
    return float(np.interp(log(count), np.log(known), list(_CRITICAL_VALUES.values())))


@lru_cache(maxsize=256)
def critical_value_of_limit(count: int) -> float:
    """The same for many figures: the tail of the standardised Brownian bridge (Csorgo and Horvath,
    Limit Theorems in Change-Point Analysis, 1997, 1.3.26), which is a little too large.
    """
    reach = 2 * log(count / FEWEST_BESIDE - 1)

    def excess(value: float) -> float:
        tail = value * exp(-(value**2) / 2) / sqrt(2 * pi)
        return tail * (reach - reach / value**2 + 4 / value**2) - LEVEL

    return float(optimize.brentq(excess, 2.0, 12.0))


def _measured(figures: Array, begin: int, place: int, end: int) -> ChangePoint:
    before = figures[max(begin, place - _BESIDE) : place]
    after = figures[place : min(end, place + _BESIDE)]
    difference, ends = ranks.two_sample(before, after, SAME_CONFIDENCE)
    return ChangePoint(place, difference, Interval(*ends))


def smallest_marked(figures: Array) -> float | None:
    """The smallest change, from now on, that would be marked in about half of histories once it has
    lasted for LASTING figures, by how far the figures since the last change spread; None: too few
    of them.

    Right for normal noise, about right for other; in the unit of the figures.
    """
    count = len(figures) + LASTING
    if len(figures) < LASTING or count < FEWEST:
        return None
    middle = np.median(figures)
    spread = float(np.median(np.abs(figures - middle))) / special.ndtri(0.75)

    def excess(size: float) -> float:
        return _expected_statistic(size, count) - critical_value(count)

    if excess(_FAR) <= 0:
        return None
    return float(optimize.brentq(excess, 0, _FAR) * spread)


def _expected_statistic(size: float, count: int) -> float:
    """About the statistic of the newest LASTING figures, which are larger by this size. The noise
    is normal, and size in units of its standard deviation.
    """
    places, weights = special.roots_hermitenorm(_NODES)
    share = LASTING / count

    def mean_score(shift: float) -> float:
        at = places + shift
        below = (1 - share) * special.ndtr(at) + share * special.ndtr(at - size)
        scores = special.ndtri(np.clip(below, 1 / (count + 1), count / (count + 1)))
        return float(scores @ weights / weights.sum())

    return (mean_score(size) - mean_score(0)) * sqrt(LASTING * (1 - share))
