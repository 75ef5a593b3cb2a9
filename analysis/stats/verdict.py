# SPDX-License-Identifier: Apache-2.0
"""Verdicts: from tests and intervals to one word."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analysis.stats.sample import Metric

# A change below this is no change to a user of the path.
MARGIN_SHARE = 0.01
# Nor is one of less than a core cycle, which decides for paths of under 100 cycles; but no more
# than this share of the path, which decides below 20.
MARGIN_CYCLES, MOST_MARGIN_SHARE = 1.0, 0.05
# Of the share of slow samples, in points.
MARGIN_POINTS = 0.01
# Probability of calling a change in a report in which nothing changed.
ALPHA = 0.05
# The interval that has to lie inside the margin: two one-sided tests at ALPHA.
SAME_CONFIDENCE = 1 - 2 * ALPHA
# The interval that is printed.
CONFIDENCE = 1 - ALPHA
# Below so many pairs no test reaches ALPHA; from so many on --fail-on judges.
FEWEST_PAIRS, GATE_PAIRS = 6, 8
# An interval's end this share of the margin beyond it is at the margin, and inside.
_TOLERANCE = 1e-9


class Verdict(StrEnum):
    """What a comparison says of new against old."""

    SLOWER = "slower"  # beyond the margin
    FASTER = "faster"
    SAME = "same"  # shown to be inside the margin
    WITHIN = "within the margin"  # differs, and is inside
    SLOWER_OPEN = "slower, size open"  # differs, and may be inside
    FASTER_OPEN = "faster, size open"
    UNRESOLVED = "unresolved"
    EXPLORATORY = "exploratory"  # no test that holds its level


CHANGED = (Verdict.SLOWER, Verdict.FASTER)
OPEN = (Verdict.SLOWER_OPEN, Verdict.FASTER_OPEN)


def is_worse(metric: Metric, difference: float) -> bool:
    """Whether a change of new - old that is not 0 is for the worse. The only place that knows which
    direction is better.
    """
    return (difference > 0) == (metric.better == "lower")


def judge_change(metric: Metric, difference: float) -> Verdict:
    """The word for a change of new - old that is known to the digit, and is not 0."""
    return Verdict.SLOWER if is_worse(metric, difference) else Verdict.FASTER


def margin_of_ratio(metric: Metric, old: float, new: float) -> float:
    """Largest ratio, less 1, that is no change. The smallest is its inverse, so that it does not
    matter which side is old.
    """
    cycles = MARGIN_CYCLES * (metric.cycle or 0) / min(old, new)
    return max(MARGIN_SHARE, min(cycles, MOST_MARGIN_SHARE))


def margin_in_units(metric: Metric, old: float, new: float) -> float:
    """The same as a difference, for figures that have no ratio because one is 0 or below."""
    path = min(abs(old), abs(new))
    cycles = MARGIN_CYCLES * (metric.cycle or 0)
    return max(MARGIN_SHARE * path, min(cycles, MOST_MARGIN_SHARE * path))


@dataclass(frozen=True)
class Evidence:
    """What is known of several figures, each an array of them; above 0 is worse."""

    worse: NDArray[np.float64]  # p, adjusted: beyond the margin
    better: NDArray[np.float64]
    differs: NDArray[np.float64]  # p, adjusted: from 0
    alone: NDArray[np.float64]  # p, of each figure by itself: from 0
    estimate: NDArray[np.float64]
    low: NDArray[np.float64]  # interval of SAME_CONFIDENCE
    high: NDArray[np.float64]
    low_95: NDArray[np.float64]  # interval of CONFIDENCE
    high_95: NDArray[np.float64]
    margin: NDArray[np.float64]


@dataclass(frozen=True)
class Words:
    """Which figures are what, each an array of them."""

    slower: NDArray[np.bool_]
    faster: NDArray[np.bool_]
    differs: NDArray[np.bool_]
    inside: NDArray[np.bool_]


def judge(evidence: Evidence, alpha: float = ALPHA) -> Words:
    """A change has to be on its side of 0 by the interval, too: the score that tests it falls, and
    may take a difference for one of the other direction.
    """
    reach = evidence.margin * (1 + _TOLERANCE)
    return Words(
        slower=(evidence.worse <= alpha) & (evidence.low > 0),
        faster=(evidence.better <= alpha) & (evidence.high < 0),
        differs=evidence.differs <= alpha,
        inside=(-reach <= evidence.low) & (evidence.high <= reach),
    )


def one_word(words: Words, estimate: NDArray[np.float64]) -> Verdict:
    """The word for a case of which several figures were looked at: `same` takes all of them, a
    change any.
    """
    if words.slower.any():
        return Verdict.SLOWER
    if words.faster.any():
        return Verdict.FASTER
    if words.inside.all():
        return Verdict.WITHIN if words.differs.any() else Verdict.SAME
    if words.differs.any():
        worse = (words.differs & (estimate > 0)).any()
        return Verdict.SLOWER_OPEN if worse else Verdict.FASTER_OPEN
    return Verdict.UNRESOLVED
