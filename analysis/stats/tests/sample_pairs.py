# SPDX-License-Identifier: Apache-2.0
"""Pairs of samples with known deviations."""

import numpy as np

from analysis.stats.sample import Distribution, Metric, Sample, SamplePair

TICKS = Metric("cost", "ticks", "lower", "tsc", cycle=1.0)
SPEED = Metric("bandwidth", "MB/s", "higher", "wall")
COUNTED = Metric("cost", "instructions", "lower", "icount", cycle=1.0)

# Deviations of ten boots as of normal noise, in units of their standard deviation; the medians of
# both sides and of their differences are 0.
OLD_NOISE = np.array([-0.4, 1.0, -1.5, 0.4, 1.5, -1.0, 0.1, -0.7, 0.7, -0.1])
NEW_NOISE = np.array([0.7, -1.0, 0.1, 1.5, -0.7, 0.4, -1.5, 1.0, -0.4, -0.1])


def pair(
    old_level, new_level, spread=0.001, metric=TICKS, pairs=10, case="kernel/x", **changes
) -> SamplePair:
    """Pairs by a coin, whose boots deviate by such a share."""
    rounds = np.arange(pairs)
    return SamplePair(
        case,
        metric,
        Sample("before", old_level * np.exp(spread * np.resize(OLD_NOISE, pairs)), rounds=rounds),
        Sample("after", new_level * np.exp(spread * np.resize(NEW_NOISE, pairs)), rounds=rounds),
        **changes,
    )


def with_samples(side: Sample, slow_share: float, slow_factor: float = 3.0) -> Sample:
    """The side with a thousand samples in each boot, all of them its median but for a share that is
    so many times as long.
    """
    slow = round(1000 * slow_share)

    def distribution(boot: int) -> Distribution:
        median = side.values[boot]
        return Distribution(
            np.array([median, slow_factor * median]), np.array([1000.0 - slow, slow])
        )

    means = side.values * (1 + slow / 1000 * (slow_factor - 1))
    return Sample(
        side.label, side.values, rounds=side.rounds, means=means, distribution=distribution
    )
