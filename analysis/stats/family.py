# SPDX-License-Identifier: Apache-2.0
"""Compares all pairs of a family: one result per pair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.stats import cautions, clusters, holm, power, ranks, regression, resampling
from analysis.stats.comparison import Comparison, Interval, moved
from analysis.stats.sample import SamplePair, Unit
from analysis.stats.verdict import (
    ALPHA,
    CONFIDENCE,
    FEWEST_BOOTS,
    SAME_CONFIDENCE,
    Verdict,
    decide,
    judge_change,
    margin_in_units,
    margin_of_ratio,
)


def compare_family(pairs: Sequence[SamplePair], aa: Sequence[Comparison] = ()) -> list[Comparison]:
    """Compares each pair; p is adjusted over all of them, so pass what is read together: one metric
    of all cases.

    aa: what compare_family said of the campaign's A/A pairs, as a family of their own. If one of
    them moved, there is no verdict.
    """
    first_looks = [_first_look(pair) for pair in pairs]
    results = [comparison for comparison, _ in first_looks]
    # those that the family decides: where in results, p, p by ranks, and the evidence
    tested = [
        (place, comparison.p, comparison.rank_p, evidence)
        for place, (comparison, evidence) in enumerate(first_looks)
        if comparison.p is not None and comparison.rank_p is not None and evidence is not None
    ]
    if tested:
        p_holm = holm.adjusted(np.array([p for _, p, _, _ in tested]))
        rank_p_holm = holm.adjusted(np.array([rank_p for _, _, rank_p, _ in tested]))
        for (place, _, _, evidence), p, rank_p in zip(tested, p_holm, rank_p_holm):
            results[place] = _judged(results[place], evidence, float(p), float(rank_p), len(tested))
    if not any(map(moved, aa)):
        return results
    return [
        (
            comparison
            if comparison.pair.identical
            else replace(comparison, verdict=Verdict.UNRESOLVED, reason="A/A moved")
        )
        for comparison in results
    ]


@dataclass(frozen=True)
class _Evidence:
    """What the verdict is made of, on the model's scale: logarithms, or units where a figure is 0
    or below.
    """

    fit: regression.Fit
    margin: float
    resampled: Interval | None  # of the difference, at CONFIDENCE


def _first_look(pair: SamplePair) -> tuple[Comparison, _Evidence | None]:
    """All of a comparison that does not depend on its family; `unresolved` where the family
    decides.
    """
    old, new = (float(np.median(side.values)) for side in (pair.old, pair.new))
    ratio = new / old if old > 0 and new > 0 else None
    comparison = Comparison(pair, Verdict.EXPLORATORY, "", old, new, new - old, ratio=ratio)
    if pair.identical:
        return replace(comparison, verdict=Verdict.SAME, reason="the same files"), None
    if comparison.exact:
        return _exact(comparison), None
    if Unit.REPETITION in (pair.old.unit, pair.new.unit):
        # no interval either: it would be one of this launch, and is what makes others call changes
        # that are none
        return (
            replace(
                comparison,
                reason="repetitions of one launch: measure several launches or boots of each side",
            ),
            None,
        )
    comparison, evidence = _fitted(replace(comparison, warnings=cautions.warn_about_sides(pair)))
    if min(comparison.n_old, comparison.n_new) < FEWEST_BOOTS:
        return (
            replace(
                comparison, reason=f"a verdict takes {FEWEST_BOOTS} boots or launches of each side"
            ),
            None,
        )
    return replace(comparison, verdict=Verdict.UNRESOLVED), evidence


def _exact(comparison: Comparison) -> Comparison:
    comparison = replace(comparison, warnings=cautions.warn_about_exactness(comparison.pair))
    if comparison.difference == 0:
        return replace(comparison, verdict=Verdict.SAME, reason="to the digit")
    return replace(
        comparison,
        verdict=judge_change(comparison.metric, comparison.difference),
        reason=f"{comparison.difference:+.10g} {comparison.metric.unit}",
    )


def _fitted(comparison: Comparison) -> tuple[Comparison, _Evidence | None]:
    """Estimate, intervals, p and what the boots look like; as it is where there are too few boots
    for a spread.
    """
    old, new = comparison.pair.old, comparison.pair.new
    logs = bool(old.values.min() > 0 and new.values.min() > 0)
    slots = (
        (old.slots, new.slots) if old.slots is not None and new.slots is not None else (None, None)
    )
    if min(comparison.n_old, comparison.n_new) < 2:
        return comparison, None
    old_values, new_values = (
        (np.log(old.values), np.log(new.values)) if logs else (old.values, new.values)
    )
    fit = regression.fit(old_values, new_values, *slots)
    resampled = None
    if (
        resampling.FEWEST <= min(comparison.n_old, comparison.n_new)
        and max(comparison.n_old, comparison.n_new) <= resampling.MOST
    ):
        resampled = Interval(*resampling.interval(old_values, new_values, *slots, CONFIDENCE))
    comparison = replace(
        _with_estimates(
            comparison,
            fit,
            resampled,
            float(old_values.mean() + new_values.mean()) / 2 if logs else None,
        ),
        p=float(fit.p()),
        rank_p=ranks.p(old.values, new.values),
        cliffs_delta=ranks.cliffs_delta(old.values, new.values),
    )
    comparison = _with_shapes(comparison, *fit.without_drift(old_values, new_values, *slots), logs)
    warnings = cautions.warn_about_fit(fit, comparison.pair) + cautions.warn_about_spreads(
        old_values, new_values
    )
    margin = (
        np.log1p(margin_of_ratio(comparison.metric, comparison.old, comparison.new))
        if logs
        else margin_in_units(comparison.metric, comparison.old, comparison.new)
    )
    return replace(comparison, warnings=comparison.warnings + warnings), _Evidence(
        fit, float(margin), resampled
    )


def _with_estimates(
    comparison: Comparison, fit: regression.Fit, resampled: Interval | None, level: float | None
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
        margin = margin_in_units(comparison.metric, comparison.old, comparison.new)
        return replace(
            comparison,
            ratio=None,
            difference=difference,
            difference_95=outer,
            margin=Interval(-margin, margin),
            bootstrap_95=resampled,
        )

    scale = 2 * np.exp(level)

    def units(value: float) -> float:
        # of sides that lie this far apart around their common level; odd in value, so that an
        # exchange of sides changes its sign
        return float(scale * np.sinh(value / 2))

    margin = 1 + margin_of_ratio(comparison.metric, comparison.old, comparison.new)
    return replace(
        comparison,
        ratio=float(np.exp(difference)),
        ratio_95=outer.mapped(np.exp),
        ratio_90=inner.mapped(np.exp),
        difference=units(difference),
        difference_95=outer.mapped(units),
        margin=Interval(1 / margin, margin),
        bootstrap_95=resampled.mapped(np.exp) if resampled else None,
    )


def _with_shapes(
    comparison: Comparison,
    old_level: NDArray[np.float64],
    new_level: NDArray[np.float64],
    logs: bool,
) -> Comparison:
    if logs:
        old_level, new_level = np.exp(old_level), np.exp(new_level)
    comparison = replace(
        comparison,
        old_groups=clusters.find_clusters(old_level),
        new_groups=clusters.find_clusters(new_level),
        old_outliers=clusters.outliers(old_level),
        new_outliers=clusters.outliers(new_level),
    )
    old_said = cautions.warn_about_shape(
        comparison.pair.old.label,
        comparison.old_groups,
        comparison.old_outliers,
        comparison.metric.unit,
    )
    new_said = cautions.warn_about_shape(
        comparison.pair.new.label,
        comparison.new_groups,
        comparison.new_outliers,
        comparison.metric.unit,
    )
    return replace(comparison, warnings=comparison.warnings + old_said + new_said)


def _judged(
    comparison: Comparison, evidence: _Evidence, p_holm: float, rank_p_holm: float, family: int
) -> Comparison:
    """The comparison with its verdict. p_holm, rank_p_holm: adjusted over the family, which has so
    many comparisons.
    """
    comparison = replace(comparison, p_holm=p_holm)
    fit, margin = evidence.fit, evidence.margin
    same, changed = decide(*fit.interval(SAME_CONFIDENCE), np.asarray(margin), np.asarray(p_holm))
    if same:
        return replace(comparison, verdict=Verdict.SAME, reason="within the margin")
    if changed:
        resampled = evidence.resampled
        warnings = cautions.warn_about_ranks(rank_p_holm) + cautions.warn_about_bootstrap(
            resampled is None or resampled.excludes(0)
        )
        verdict = judge_change(comparison.metric, float(fit.difference))
        return replace(
            comparison,
            verdict=verdict,
            reason=f"p {p_holm:.2g} over the family",
            warnings=comparison.warnings + warnings,
        )
    boots = power.boots_to_resolve(
        float(fit.difference),
        float(fit.deviation(comparison.n_old, comparison.n_new)),
        margin,
        ALPHA / family,
    )
    if boots is None:
        return replace(comparison, reason="no number of boots would resolve it")
    # sides that were not made in turn, or are of unlike size, may be unresolved with more than that
    boots = max(boots, min(comparison.n_old, comparison.n_new) + 1)
    return replace(
        comparison, boots_to_resolve=boots, reason=f"about {boots} boots a side would resolve it"
    )
