# SPDX-License-Identifier: Apache-2.0
"""What the boots of one side look like: groups and outliers. Both are shown, and nothing is dropped
for them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Two groups: the widest gap is this many times as wide as the wider group, and no group is a boot
# alone. Normal noise looks so in 7 % of sides of 4 boots, 1.5 % of 6 and almost none of 10
# (simulated).
GAP = 3.0
# Fences, in interquartile ranges beyond the quartiles: Tukey's inner one (Exploratory Data
# Analysis, 1977, 2C), and one that normal noise passes in less than 2 % of comparisons of 8 boots
# or more (simulated), which is what a reader is told of.
MILD, SEVERE = 1.5, 5.0
# Below so many boots the quartiles are the outliers' own.
FEWEST_FOR_OUTLIERS = 6


@dataclass(frozen=True)
class Cluster:
    """Boots that lie close together, and apart from the others."""

    centre: float
    boots: int


@dataclass(frozen=True)
class Outlier:
    value: float
    severe: bool


def find_clusters(values: NDArray[np.float64]) -> tuple[Cluster, ...]:
    """One group, or two."""
    ordered = np.sort(values)
    gaps = np.diff(ordered)[1:-1]  # those that leave two boots or more on either side
    if len(gaps):
        cut = 2 + int(np.argmax(gaps))
        low, high = ordered[:cut], ordered[cut:]
        if high[0] - low[-1] > GAP * max(np.ptp(low), np.ptp(high)):
            return _cluster(low), _cluster(high)
    return (_cluster(ordered),)


def _cluster(values: NDArray[np.float64]) -> Cluster:
    return Cluster(float(np.median(values)), len(values))


def outliers(values: NDArray[np.float64]) -> tuple[Outlier, ...]:
    """Values beyond Tukey's fences, smallest first."""
    if len(values) < FEWEST_FOR_OUTLIERS:
        return ()
    first, third = np.percentile(values, [25, 75])
    beyond = np.maximum(first - values, values - third)
    reach = third - first
    by_value = np.argsort(values, kind="stable")
    return tuple(
        Outlier(float(values[boot]), bool(beyond[boot] > SEVERE * reach))
        for boot in by_value
        if beyond[boot] > MILD * reach
    )
