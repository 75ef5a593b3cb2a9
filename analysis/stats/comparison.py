# SPDX-License-Identifier: Apache-2.0
"""The result of a comparison, with all that a reader should know of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.stats import clusters
from analysis.stats.sample import Metric, Sample, SamplePair
from analysis.stats.verdict import ALPHA, Verdict


@dataclass(frozen=True)
class Interval:
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        return value < self.low or value > self.high

    def mapped(self, rising: Callable[[float], float]) -> "Interval":
        return Interval(float(rising(self.low)), float(rising(self.high)))


@dataclass(frozen=True)
class Comparison:
    """New against old, of one metric of one case. Ratios are new/old; None: there is none, and
    reason says why.
    """

    pair: SamplePair
    verdict: Verdict
    reason: str  # for the verdict, in a few words
    old: float  # median of the boots, in the metric's unit
    new: float
    difference: float  # new - old in the metric's unit, the order of the boots taken out
    difference_95: Interval | None = None
    ratio: float | None = None
    ratio_95: Interval | None = None
    ratio_90: Interval | None = None  # the one that has to lie inside the margin to be `same`
    margin: Interval | None = (
        None  # of the ratio; of the difference where there is no ratio; exact figures have none
    )
    p: float | None = None
    p_holm: float | None = None
    rank_p: float | None = None
    cliffs_delta: float | None = None
    bootstrap_95: Interval | None = None  # of the ratio (or the difference)
    boots_to_resolve: int | None = None  # a side; of an unresolved one
    old_groups: tuple[clusters.Cluster, ...] = ()
    new_groups: tuple[clusters.Cluster, ...] = ()
    old_outliers: tuple[clusters.Outlier, ...] = ()
    new_outliers: tuple[clusters.Outlier, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def case(self) -> str:
        return self.pair.case

    @property
    def metric(self) -> Metric:
        return self.pair.metric

    @property
    def exact(self) -> bool:
        """Compared digit by digit: the difference is what it is, and has no interval."""
        return self.pair.old.exact and self.pair.new.exact

    @property
    def n_old(self) -> int:
        return len(self.pair.old.values)

    @property
    def n_new(self) -> int:
        return len(self.pair.new.values)


def moved(aa: Comparison) -> bool:
    """Whether a variant differs from itself: the campaign was disturbed, or boots are not what they
    are taken for.
    """
    if aa.p_holm is None:
        return aa.verdict in (Verdict.SLOWER, Verdict.FASTER)
    return aa.p_holm < ALPHA


def halves(side: Sample) -> tuple[Sample, Sample]:
    """A side against itself: its boots in the order they were made, dealt out as ABBA."""
    order = (
        np.arange(len(side.values)) if side.slots is None else np.argsort(side.slots, kind="stable")
    )
    first = np.isin(np.arange(len(order)) % 4, (0, 3))

    def half(label: str, which: NDArray[np.intp]) -> Sample:
        slots = None if side.slots is None else side.slots[which]
        return replace(side, label=label, values=side.values[which], slots=slots)

    return half(side.label, order[first]), half(f"{side.label} again", order[~first])
