# SPDX-License-Identifier: Apache-2.0
"""Pairs of samples with known deviations."""

import numpy as np

from analysis.stats.sample import Metric, Sample, SamplePair

TICKS = Metric("cost", "ticks", "lower", "tsc", cycle=1.0)
SPEED = Metric("bandwidth", "MB/s", "higher", "wall")
COUNTED = Metric("cost", "instructions", "lower", "icount", cycle=1.0)

# Eight deviations of boots that add up to 0, and do so against a slope, too; in units of their own
# standard deviation.
CALM = np.array([1.0, -1, -1, 1, 1, -1, -1, 1])


def pair(
    old_level, new_level, deviation=0.001, metric=TICKS, boots=8, case="kernel/x", **changes
) -> SamplePair:
    """Sides in ABBA blocks whose boots deviate by so large a share."""
    slots = np.arange(2 * boots)
    is_old = np.isin(slots % 4, (0, 3))
    factors = np.exp(deviation * np.resize(CALM, boots))
    return SamplePair(
        case,
        metric,
        Sample("before", old_level * factors, slots[is_old]),
        Sample("after", new_level * factors, slots[~is_old]),
        **changes,
    )
