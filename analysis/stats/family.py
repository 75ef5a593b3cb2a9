# SPDX-License-Identifier: Apache-2.0
"""Compares all that one report shows: one result per pair of samples."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.stats import cautions, clusters, estimates, ranks
from analysis.stats.comparison import Comparison
from analysis.stats.judges import Judges
from analysis.stats.sample import Design, Sample, SamplePair, Unit
from analysis.stats.verdict import ALPHA, FEWEST_PAIRS, Verdict, judge_change

# Of fewer pairs nothing is said of what they look like.
_FEWEST_FOR_SHAPES = 8


def compare_family(pairs: Sequence[SamplePair], alpha: float = ALPHA) -> list[Comparison]:
    """Compares each pair; p is adjusted over all of them, so pass all that is read together.

    Pairs of one group (SamplePair.group) are tested at once; several groups, whose coins are not
    the same, share alpha evenly (Bonferroni).
    alpha: probability of calling any change where nothing changed.
    """
    results = [_first_look(pair) for pair in pairs]
    tested: dict[int, list[int]] = {}
    for place, result in enumerate(results):
        if result.verdict is Verdict.UNRESOLVED:
            tested.setdefault(result.pair.group, []).append(place)
    for places in tested.values():
        judges = Judges([results[place] for place in places], len(tested), alpha)
        for place, judged in zip(places, judges.judged()):
            results[place] = judged
    return results


def against_itself(pair: SamplePair) -> Comparison:
    """An A/A row: the estimate and its interval bound what a campaign makes of no difference. It
    says nothing about any other row.
    """
    comparison = estimates.with_shift(_plain(pair))
    tested = comparison.difference_95 is not None
    return replace(comparison, reason="a bound" if tested else "not tested")


def _plain(pair: SamplePair) -> Comparison:
    """A comparison by medians, without a verdict yet."""
    old, new = (float(np.median(side.values)) for side in (pair.old, pair.new))
    ratio = new / old if old > 0 and new > 0 else None
    return Comparison(pair, Verdict.EXPLORATORY, "", old, new, new - old, ratio=ratio)


def _first_look(pair: SamplePair) -> Comparison:
    """All of a comparison that does not depend on its family; `unresolved` where the family
    decides.
    """
    comparison = _plain(pair)
    if pair.identical:
        return replace(comparison, verdict=Verdict.SAME, reason="the same files")
    if pair.exact:
        return _exact(comparison)
    if Unit.REPETITION in (pair.old.unit, pair.new.unit):
        # no interval either: it would be one of this launch, and is what makes others call changes
        # that are none
        why = "repetitions of one launch: measure several launches or boots of each side"
        return replace(comparison, reason=why)
    warnings = cautions.warn_about_sides(pair) + cautions.warn_about_loss(pair)
    comparison = replace(
        comparison,
        warnings=warnings,
        cliffs_delta=ranks.cliffs_delta(pair.old.values, pair.new.values),
    )
    design, of_old, _ = pair.pairing
    if design is Design.NONE:
        why = (
            "the sides are no pairs, and a drift between them would look like a change: measure"
            " both in one campaign"
        )
        return replace(estimates.with_shift(comparison), reason=why)
    if len(of_old) == 0:
        return replace(comparison, reason="no pair of boots has both of its figures")
    comparison = _with_shapes(comparison)
    if design is Design.COIN and len(of_old) >= FEWEST_PAIRS:
        return replace(comparison, verdict=Verdict.UNRESOLVED)  # the judges do the rest
    comparison = estimates.with_pairs(comparison)
    if len(of_old) < FEWEST_PAIRS:
        why = (
            f"fewer than {FEWEST_PAIRS} pairs: a t interval, right only if the noise is normal and"
            " without rhythm"
        )
        return replace(comparison, reason=why)
    why = "paired by date: no coin says that the order was chance"
    return replace(comparison, reason=why)


def _exact(comparison: Comparison) -> Comparison:
    pair = comparison.pair
    warnings = cautions.warn_about_exactness(pair) + cautions.warn_about_loss(pair)
    comparison = replace(comparison, warnings=warnings)
    unit = comparison.metric.unit
    if comparison.difference != 0:
        word = judge_change(comparison.metric, comparison.difference)
        return replace(comparison, verdict=word, reason=f"{comparison.difference:+.10g} {unit}")
    if pair.old.shifted is not None and pair.new.shifted is not None:
        moved = float(np.median(pair.new.shifted) - np.median(pair.old.shifted))
        if moved != 0:
            word = judge_change(comparison.metric, moved)
            reason = f"{moved:+.10g} {unit} at the second alignment of the code"
            return replace(comparison, verdict=word, reason=reason)
    return replace(comparison, verdict=Verdict.SAME, reason="to the digit")


def _with_shapes(comparison: Comparison) -> Comparison:
    pair = comparison.pair
    if len(pair.pairing[1]) < _FEWEST_FOR_SHAPES:
        return comparison
    found = [_shape(side) for side in (pair.old, pair.new)]
    warnings = cautions.warn_about_steps(pair)
    for side, (groups, outliers) in zip((pair.old, pair.new), found):
        warnings += cautions.warn_about_shape(side, groups, outliers, pair.metric.unit)
    return replace(
        comparison,
        old_groups=found[0][0],
        new_groups=found[1][0],
        old_outliers=found[0][1],
        new_outliers=found[1][1],
        warnings=comparison.warnings + warnings,
    )


def _shape(side: Sample) -> tuple[tuple[clusters.Cluster, ...], tuple[clusters.Outlier, ...]]:
    return clusters.find_clusters(side.values), clusters.outliers(side.values)
