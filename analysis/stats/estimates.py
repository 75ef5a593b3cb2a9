# SPDX-License-Identifier: Apache-2.0
"""Estimate and intervals of a comparison's medians, in the units that a reader wants."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.stats import looks, ranks
from analysis.stats.comparison import Comparison, Interval
from analysis.stats.looks import Look
from analysis.stats.verdict import CONFIDENCE, FEWEST_PAIRS, SAME_CONFIDENCE, is_worse


def with_shift(comparison: Comparison) -> Comparison:
    """Estimate and interval of two sides that are no pairs."""
    old, new = comparison.pair.old.values, comparison.pair.new.values
    logs = bool(min(old.min(), new.min()) > 0)
    before, after = (np.log(old), np.log(new)) if logs else (old, new)
    shift, ends = ranks.two_sample(before, after, CONFIDENCE)
    level = float(np.median(before) + np.median(after)) / 2
    interval = Interval(*ends) if np.isfinite(ends).all() else None
    return _in_units(comparison, shift, level, logs, interval)


def with_pairs(comparison: Comparison) -> Comparison:
    """Estimate and intervals of the median, by its pairs."""
    look = looks.look_at_median(comparison.pair)
    count = len(look.differences)
    if count >= FEWEST_PAIRS:
        means = ranks.pair_means(look.differences)
        ends = [
            Interval(*map(float, ranks.interval(means, count, confidence)))
            for confidence in (SAME_CONFIDENCE, CONFIDENCE)
        ]
        return with_median(comparison, look, float(ranks.estimate(means)), *ends)
    outer = _t_interval(look.differences) if count > 1 else None
    return with_median(comparison, look, float(look.differences.mean()), None, outer)


def with_median(
    comparison: Comparison,
    look: Look,
    estimate: float,
    inner: Interval | None,
    outer: Interval | None,
) -> Comparison:
    """With what the pairs' medians came to. look: at the median; estimate and intervals of its
    differences: inner is of SAME_CONFIDENCE, outer of CONFIDENCE.
    """
    sign = 1.0 if is_worse(comparison.metric, 1) else -1.0
    inner, outer = (turned(sign, ends.low, ends.high) if ends else None for ends in (inner, outer))
    result = _in_units(comparison, sign * estimate, look.level, look.logs, outer)
    margin = look.margin
    if look.logs:
        return replace(
            result,
            ratio_90=inner.mapped(np.exp) if inner else None,
            margin=Interval(-margin, margin).mapped(np.exp),
            rank_p=ranks.signed_rank_p(look.differences),
        )
    return replace(
        result,
        margin=Interval(-margin, margin),
        rank_p=ranks.signed_rank_p(look.differences),
    )


def turned(sign: float, low: float, high: float) -> Interval:
    return Interval(low, high) if sign > 0 else Interval(-high, -low)


def _t_interval(differences: NDArray[np.float64]) -> Interval:
    count = len(differences)
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * differences.std(ddof=1) / count**0.5
    return Interval(float(differences.mean() - reach), float(differences.mean() + reach))


def _in_units(
    comparison: Comparison, estimate: float, level: float, logs: bool, interval: Interval | None
) -> Comparison:
    """The estimate as a reader wants it: figures of both sides, so far apart around their level."""
    if not logs:
        return replace(
            comparison,
            old=level - estimate / 2,
            new=level + estimate / 2,
            ratio=None,
            difference=estimate,
            difference_95=interval,
        )

    def units(value: float) -> float:
        # odd in value, so that an exchange of sides changes its sign
        return float(2 * np.exp(level) * np.sinh(value / 2))

    return replace(
        comparison,
        old=float(np.exp(level - estimate / 2)),
        new=float(np.exp(level + estimate / 2)),
        ratio=float(np.exp(estimate)),
        ratio_95=interval.mapped(np.exp) if interval else None,
        difference=units(estimate),
        difference_95=interval.mapped(units) if interval else None,
    )
