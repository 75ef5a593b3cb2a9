# SPDX-License-Identifier: Apache-2.0
"""Verdicts: from estimates to one word."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analysis.stats.sample import Metric

# A change below this is no change to a user of the path.
MARGIN_SHARE = 0.01
# Nor is one of less than a core cycle, which is what decides for paths of under 100 cycles.
MARGIN_CYCLES = 1.0
# Probability of calling a change, in a family of comparisons in which nothing changed.
ALPHA = 0.05
# The interval that has to lie inside the margin: two one-sided tests at ALPHA.
SAME_CONFIDENCE = 1 - 2 * ALPHA
# The interval that is printed: it excludes "no change" where p is below ALPHA.
CONFIDENCE = 1 - ALPHA
# Below so many boots a side there is no verdict.
FEWEST_BOOTS = 4


class Verdict(StrEnum):
    """What a comparison says of new against old."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNRESOLVED = "unresolved"
    EXPLORATORY = "exploratory"  # too few boots for a verdict


def judge_change(metric: Metric, difference: float) -> Verdict:
    """What a change of new - old that is not 0 means. The only place that knows which direction is
    better.
    """
    return Verdict.SLOWER if (difference > 0) == (metric.better == "lower") else Verdict.FASTER


def margin_of_ratio(metric: Metric, old: float, new: float) -> float:
    """Largest ratio, less 1, that is no change. The smallest is its inverse, so that it does not
    matter which side is old.
    """
    return max(MARGIN_SHARE, MARGIN_CYCLES * (metric.cycle or 0) / min(old, new))


def margin_in_units(metric: Metric, old: float, new: float) -> float:
    """The same as a difference, for figures that have no ratio because one is 0 or below."""
    return max(MARGIN_SHARE * min(abs(old), abs(new)), MARGIN_CYCLES * (metric.cycle or 0))


def decide(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    margin: NDArray[np.float64],
    p: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which comparisons are `same` and which are a change; the rest is unresolved.

    low, high: interval of SAME_CONFIDENCE, where 0 is no difference; p: adjusted for the family.
    """
    same = (-margin < low) & (high < margin)
    return same, ~same & (p < ALPHA)
