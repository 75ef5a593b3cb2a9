# SPDX-License-Identifier: Apache-2.0
"""Compares all pairs of a family: one result a pair, with all that a reader should know of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.stats import cautions, clusters, holm, power, ranks, regression, resampling
from analysis.stats.sample import Metric, Sample, SamplePair, Unit
from analysis.stats.verdict import (
    ALPHA,
    CONFIDENCE,
    FEWEST_BOOTS,
    SAME_CONFIDENCE,
    Verdict,
    decide,
    margin_in_units,
    margin_of_ratio,
    of_change,
)


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


def compare_family(pairs: Sequence[SamplePair], aa: Sequence[Comparison] = ()) -> list[Comparison]:
    """Compares each pair; p is adjusted over all of them, so pass what is read together: one metric
    of all cases.

    aa: what compare_family said of the campaign's A/A pairs, as a family of their own. If one of
    them moved, there is no verdict.
    """
    shown, evidence = map(list, zip(*(_shown(pair) for pair in pairs))) if pairs else ([], [])
    tested = [number for number, one in enumerate(shown) if one.verdict is Verdict.UNRESOLVED]
    if tested:
        p_holm = holm.adjusted(np.array([shown[number].p for number in tested]))
        rank_p_holm = holm.adjusted(np.array([shown[number].rank_p for number in tested]))
        for number, p, rank_p in zip(tested, p_holm, rank_p_holm):
            shown[number] = _judged(
                replace(shown[number], p_holm=float(p)),
                evidence[number],
                float(rank_p),
                len(tested),
            )
    if any(moved(one) for one in aa):
        shown = [
            (
                one
                if one.pair.identical
                else replace(one, verdict=Verdict.UNRESOLVED, reason="A/A moved")
            )
            for one in shown
        ]
    return shown


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

    def half(label: str, which: np.ndarray) -> Sample:
        slots = None if side.slots is None else side.slots[which]
        return replace(side, label=label, values=side.values[which], slots=slots)

    return half(side.label, order[first]), half(f"{side.label} again", order[~first])


@dataclass(frozen=True)
class _Evidence:
    """What the verdict is made of, on the model's scale: logarithms, or units where a figure is 0
    or below.
    """

    fit: regression.Fit
    margin: float
    resampled: Interval | None  # of the difference, at CONFIDENCE


def _shown(pair: SamplePair) -> tuple[Comparison, _Evidence | None]:
    """All of a comparison that does not depend on its family; `unresolved` where the family
    decides.
    """
    old, new = (float(np.median(side.values)) for side in (pair.old, pair.new))
    ratio = new / old if old > 0 and new > 0 else None
    one = Comparison(pair, Verdict.EXPLORATORY, "", old, new, new - old, ratio=ratio)
    if pair.identical:
        return replace(one, verdict=Verdict.SAME, reason="the same files"), None
    if one.exact:
        return _exact(one), None
    if Unit.REPETITION in (pair.old.unit, pair.new.unit):
        # no interval either: it would be one of this launch, and is what makes others call changes
        # that are none
        return (
            replace(
                one,
                reason="repetitions of one launch: measure several launches or boots of each side",
            ),
            None,
        )
    one, evidence = _fitted(replace(one, warnings=cautions.of_sides(pair)))
    if min(one.n_old, one.n_new) < FEWEST_BOOTS:
        return (
            replace(one, reason=f"a verdict takes {FEWEST_BOOTS} boots or launches of each side"),
            None,
        )
    return replace(one, verdict=Verdict.UNRESOLVED), evidence


def _exact(one: Comparison) -> Comparison:
    one = replace(one, warnings=cautions.of_exactness(one.pair))
    if one.difference == 0:
        return replace(one, verdict=Verdict.SAME, reason="to the digit")
    return replace(
        one,
        verdict=of_change(one.metric, one.difference),
        reason=f"{one.difference:+.10g} {one.metric.unit}",
    )


def _fitted(one: Comparison) -> tuple[Comparison, _Evidence | None]:
    """Estimate, intervals, p and what the boots look like; as it is where there are too few boots
    for a spread.
    """
    old, new = one.pair.old, one.pair.new
    logs = bool(old.values.min() > 0 and new.values.min() > 0)
    slots = (
        (old.slots, new.slots) if old.slots is not None and new.slots is not None else (None, None)
    )
    if min(one.n_old, one.n_new) < 2:
        return one, None
    old_values, new_values = (
        (np.log(old.values), np.log(new.values)) if logs else (old.values, new.values)
    )
    fit = regression.fit(old_values, new_values, *slots)
    resampled = None
    if (
        resampling.FEWEST <= min(one.n_old, one.n_new)
        and max(one.n_old, one.n_new) <= resampling.MOST
    ):
        resampled = Interval(*resampling.interval(old_values, new_values, *slots, CONFIDENCE))
    one = replace(
        _with_estimates(
            one, fit, resampled, float(old_values.mean() + new_values.mean()) / 2 if logs else None
        ),
        p=float(fit.p()),
        rank_p=ranks.p(old.values, new.values),
        cliffs_delta=ranks.cliffs_delta(old.values, new.values),
    )
    one = _with_shapes(one, *fit.without_drift(old_values, new_values, *slots), logs)
    warnings = cautions.of_fit(fit, one.pair) + cautions.of_spreads(old_values, new_values)
    margin = (
        np.log1p(margin_of_ratio(one.metric, one.old, one.new))
        if logs
        else margin_in_units(one.metric, one.old, one.new)
    )
    return replace(one, warnings=one.warnings + warnings), _Evidence(fit, float(margin), resampled)


def _with_estimates(
    one: Comparison, fit: regression.Fit, resampled: Interval | None, level: float | None
) -> Comparison:
    """The model's figures as a reader wants them. level: of both sides, where the model's scale is
    logarithms.
    """
    inner, outer = (
        Interval(*map(float, fit.interval(confidence)))
        for confidence in (SAME_CONFIDENCE, CONFIDENCE)
    )
    difference = float(fit.difference)
    if level is None:
        margin = margin_in_units(one.metric, one.old, one.new)
        return replace(
            one,
            ratio=None,
            difference=difference,
            difference_95=outer,
            margin=Interval(-margin, margin),
            bootstrap_95=resampled,
        )

    def units(value: float) -> float:
        # of sides that lie this far apart around their common level; odd in value, so that an
        # exchange of sides changes its sign
        return float(2 * np.exp(level) * np.sinh(value / 2))

    margin = 1 + margin_of_ratio(one.metric, one.old, one.new)
    return replace(
        one,
        ratio=float(np.exp(difference)),
        ratio_95=outer.mapped(np.exp),
        ratio_90=inner.mapped(np.exp),
        difference=units(difference),
        difference_95=outer.mapped(units),
        margin=Interval(1 / margin, margin),
        bootstrap_95=resampled.mapped(np.exp) if resampled else None,
    )


def _with_shapes(
    one: Comparison, old_level: np.ndarray, new_level: np.ndarray, logs: bool
) -> Comparison:
    if logs:
        old_level, new_level = np.exp(old_level), np.exp(new_level)
    one = replace(
        one,
        old_groups=clusters.find_clusters(old_level),
        new_groups=clusters.find_clusters(new_level),
        old_outliers=clusters.outliers(old_level),
        new_outliers=clusters.outliers(new_level),
    )
    old_said = cautions.of_shape(
        one.pair.old.label, one.old_groups, one.old_outliers, one.metric.unit
    )
    new_said = cautions.of_shape(
        one.pair.new.label, one.new_groups, one.new_outliers, one.metric.unit
    )
    return replace(one, warnings=one.warnings + old_said + new_said)


def _judged(one: Comparison, evidence: _Evidence, rank_p_holm: float, family: int) -> Comparison:
    """The verdict, now that p is adjusted over the family."""
    fit, margin = evidence.fit, evidence.margin
    same, changed = decide(*fit.interval(SAME_CONFIDENCE), margin, one.p_holm)
    if same:
        return replace(one, verdict=Verdict.SAME, reason="within the margin")
    if changed:
        resampled = evidence.resampled
        warnings = cautions.of_rank(rank_p_holm) + cautions.of_bootstrap(
            resampled is None or resampled.excludes(0)
        )
        verdict = of_change(one.metric, float(fit.difference))
        return replace(
            one,
            verdict=verdict,
            reason=f"p {one.p_holm:.2g} over the family",
            warnings=one.warnings + warnings,
        )
    boots = power.boots_to_resolve(
        float(fit.difference), fit.deviation(one.n_old, one.n_new), margin, ALPHA / family
    )
    if boots is None:
        return replace(one, reason="no number of boots would resolve it")
    # sides that were not made in turn, or are of unlike size, may be unresolved with more than that
    boots = max(boots, min(one.n_old, one.n_new) + 1)
    return replace(
        one, boots_to_resolve=boots, reason=f"about {boots} boots a side would resolve it"
    )
