# SPDX-License-Identifier: Apache-2.0
"""The result of a comparison, with all that a reader should know of it."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.stats import clusters
from analysis.stats.looks import Kind
from analysis.stats.sample import Design, Metric, SamplePair
from analysis.stats.verdict import Verdict


@dataclass(frozen=True)
class Interval:
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        return value < self.low or value > self.high

    def mapped(self, rising: Callable[[float], float]) -> "Interval":
        return Interval(float(rising(self.low)), float(rising(self.high)))


@dataclass(frozen=True)
class LookResult:
    """One look at a case. A ratio new/old where `is_ratio`; else a difference, of shares in points
    or in the metric's unit.
    """

    kind: Kind
    is_ratio: bool
    estimate: float
    interval_95: Interval
    p: float  # that new and old differ, adjusted over the report
    slower: bool  # beyond the margin
    faster: bool
    inside: bool  # shown to be within the margin
    weak_pairs: int  # so far from the others that they hardly count in p


@dataclass(frozen=True)
class Comparison:
    """New against old, of one metric of one case. Ratios are new/old; None: there is none, and
    reason says why.
    """

    pair: SamplePair
    verdict: Verdict
    reason: str  # for the verdict, in a few words
    # in the metric's unit: both sides' common level, less and plus half of the difference
    old: float
    new: float
    difference: float  # new - old in the metric's unit
    difference_95: Interval | None = None
    ratio: float | None = None
    ratio_95: Interval | None = None
    ratio_90: Interval | None = None  # the one that has to lie inside the margin to be `same`
    # of the ratio; of the difference where there is no ratio; exact figures have none
    margin: Interval | None = None
    p: float | None = None  # that new and old differ, of this case by itself
    p_holm: float | None = None  # of the word, adjusted over all that the report shows
    rank_p: float | None = None  # of the signed ranks, of this case by itself
    cliffs_delta: float | None = None
    boots_to_resolve: int | None = None  # pairs; of an unresolved one
    smallest_found: float | None = None  # ratio (or difference) that would have been `slower`
    looks: tuple[LookResult, ...] = ()
    old_groups: tuple[clusters.Cluster, ...] = ()
    new_groups: tuple[clusters.Cluster, ...] = ()
    old_outliers: tuple[clusters.Outlier, ...] = ()
    new_outliers: tuple[clusters.Outlier, ...] = ()
    warnings: tuple[str, ...] = ()
    power: str = ""  # what so few pairs find; empty: there are enough

    @property
    def case(self) -> str:
        return self.pair.case

    @property
    def metric(self) -> Metric:
        return self.pair.metric

    @property
    def exact(self) -> bool:
        """Compared digit by digit: the difference is what it is, and has no interval."""
        return self.pair.exact

    @property
    def n_old(self) -> int:
        return len(self.pair.old.values)

    @property
    def n_new(self) -> int:
        return len(self.pair.new.values)

    @property
    def design(self) -> Design:
        return self.pair.pairing[0]

    @property
    def pairs(self) -> int:
        return len(self.pair.pairing[1])
