# SPDX-License-Identifier: Apache-2.0
"""What is looked at of each pair of boots: median, mean, share of slow samples, second alignment;
of fio the mean of the I/Os, which is its figure, and their median and 99th percentile.

A look is a difference for each pair, above 0 where new is worse: of logarithms where all figures
are above 0, of shares in points, else of figures in the metric's unit.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analysis.stats.sample import Distribution, SamplePair
from analysis.stats.verdict import MARGIN_POINTS, is_worse, margin_in_units, margin_of_ratio

# A sample is slow beyond so many medians of both boots of its pair.
SLOW = 1.5
# What a sum of shares may be off by: half of the samples are there a little before it says so.
_ROUNDING = 1e-12
# Of so many samples a boot the sum is off by less.
_MOST_AT_ONCE = 4096


class Kind(StrEnum):
    """What of a boot's samples a look is of."""

    MEDIAN = "median"
    MEAN = "mean"
    SLOW = "share of slow samples"
    SHIFTED = "second alignment"
    IO_MEDIAN = "median of the I/Os"
    IO_P99 = "99th percentile of the I/Os"


@dataclass(frozen=True)
class Look:
    """One figure of one case in all of its pairs."""

    kind: Kind
    differences: NDArray[np.float64]  # shape (pairs,): above 0 where new is worse
    margin: float  # in the unit of the differences
    level: float  # of both sides, in the unit of the differences
    logs: bool  # differences are of logarithms


def look_at_median(pair: SamplePair) -> Look:
    of_old, of_new = pair.pairing[1:]
    return _of_figures(Kind.MEDIAN, pair, pair.old.values[of_old], pair.new.values[of_new])


def look_at(pair: SamplePair) -> list[Look]:
    """All looks at a case, its median first."""
    of_old, of_new = pair.pairing[1:]
    looks = [look_at_median(pair)]
    for kind, old, new in (
        (Kind.MEAN, pair.old.means, pair.new.means),
        (Kind.SHIFTED, pair.old.shifted, pair.new.shifted),
        (Kind.IO_MEDIAN, pair.old.io_medians, pair.new.io_medians),
        (Kind.IO_P99, pair.old.io_p99, pair.new.io_p99),
    ):
        if old is not None and new is not None:
            looks.append(_of_figures(kind, pair, old[of_old], new[of_new]))
    slow = _slow_shares(pair)
    if slow is not None:
        level = float(np.median(slow.sum(1)) / 2)
        looks.append(Look(Kind.SLOW, slow[:, 1] - slow[:, 0], MARGIN_POINTS, level, logs=False))
    return looks


def _of_figures(
    kind: Kind, pair: SamplePair, old: NDArray[np.float64], new: NDArray[np.float64]
) -> Look:
    """old, new: a figure of each pair."""
    sign = 1.0 if is_worse(pair.metric, 1) else -1.0
    middle_old, middle_new = float(np.median(old)), float(np.median(new))
    if min(old.min(), new.min()) > 0:
        before, after = np.log(old), np.log(new)
        margin = float(np.log1p(margin_of_ratio(pair.metric, middle_old, middle_new)))
        level = float(np.median(before + after)) / 2
        return Look(kind, sign * (after - before), margin, level, logs=True)
    margin = margin_in_units(pair.metric, middle_old, middle_new)
    return Look(kind, sign * (new - old), margin, float(np.median(old + new)) / 2, logs=False)


def _slow_shares(pair: SamplePair) -> NDArray[np.float64] | None:
    """Shape (pairs, 2): share of slow samples in the old and in the new boot; None where there are
    no samples, none of them is slow, or they have no median above 0 to be slow against.
    """
    if pair.old.distribution is None or pair.new.distribution is None:
        return None
    if pair.metric.better == "higher":
        return None
    if pair.old.samples is not None and pair.new.samples is not None:
        old_samples, new_samples = pair.old.samples(), pair.new.samples()
        if old_samples.shape[1] == new_samples.shape[1] <= _MOST_AT_ONCE:
            of_old, of_new = pair.pairing[1:]
            return _shares_of_equals(old_samples[of_old], new_samples[of_new])
    shares = []
    for old, new in zip(*pair.pairing[1:]):
        sides = pair.old.distribution(int(old)), pair.new.distribution(int(new))
        limit = SLOW * _median_of_both(*sides)
        if limit <= 0:
            return None
        shares.append([_share_above(side, limit) for side in sides])
    found = np.array(shares).reshape(-1, 2)
    return found if found.any() else None


def _shares_of_equals(
    old: NDArray[np.float64], new: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """The same of boots that all have as many samples: (pairs, samples) each."""
    middle = old.shape[1] - 1
    both = np.concatenate([old, new], axis=1)
    limits = SLOW * np.partition(both, middle, axis=1)[:, middle]
    if (limits <= 0).any():
        return None
    found = np.stack([(side > limits[:, None]).sum(1) for side in (old, new)], axis=1)
    return found / old.shape[1] if found.any() else None


def _median_of_both(old: Distribution, new: Distribution) -> float:
    values = np.concatenate([old.values, new.values])
    # each boot has the same say, however many samples it has
    weights = np.concatenate([one.counts / one.counts.sum() for one in (old, new)])
    order = np.argsort(values, kind="stable")
    return float(values[order[np.searchsorted(np.cumsum(weights[order]), 1 - _ROUNDING)]])


def _share_above(samples: Distribution, limit: float) -> float:
    return float(samples.counts[samples.values > limit].sum() / samples.counts.sum())
