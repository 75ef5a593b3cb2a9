# SPDX-License-Identifier: Apache-2.0
"""Judges comparisons whose pairs have their coins in common: one test of all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.stats import estimates, looks, power, randomisation, ranks
from analysis.stats.comparison import Comparison, Interval, LookResult
from analysis.stats.estimates import turned
from analysis.stats.looks import Kind, Look
from analysis.stats.verdict import (
    CHANGED,
    CONFIDENCE,
    GATE_PAIRS,
    SAME_CONFIDENCE,
    Evidence,
    Verdict,
    Words,
    is_worse,
    judge,
    one_word,
)

# Means of pairs that are in memory at once, of large campaigns.
_MOST_MEANS = 500_000


def weigh(
    differences: NDArray[np.float64],
    margins: NDArray[np.float64],
    families: int = 1,
    signs: NDArray[np.float64] | None = None,
) -> Evidence:
    """Tests and intervals of differences (figures, pairs), above 0 where new is worse.

    families: that share the level with this one; signs: as randomisation.sign_vectors gives them.
    """
    changes = randomisation.changes(differences, margins, signs)
    estimate, ends = np.empty(len(differences)), np.empty((4, len(differences)))
    pairs = np.isfinite(differences).sum(1)
    for number in np.unique(pairs):
        of_number = np.flatnonzero(pairs == number)
        at_once = max(1, _MOST_MEANS // int(number * (number + 1) // 2))
        for first in range(0, len(of_number), at_once):
            which = of_number[first : first + at_once]
            rows = differences[which]
            means = ranks.pair_means(rows[np.isfinite(rows)].reshape(-1, number))
            estimate[which] = ranks.estimate(means)
            ends[:2, which] = ranks.interval(means, int(number), SAME_CONFIDENCE)
            ends[2:, which] = ranks.interval(means, int(number), CONFIDENCE)
    worse, better, differs = (
        np.minimum(1, families * p) for p in (changes.worse, changes.better, changes.differs)
    )
    return Evidence(
        worse=worse,
        better=better,
        differs=differs,
        alone=changes.alone,
        estimate=estimate,
        low=ends[0],
        high=ends[1],
        low_95=ends[2],
        high_95=ends[3],
        margin=margins,
    )


@dataclass(frozen=True)
class _Place:
    """Where a case's looks stand among those of its family."""

    comparison: Comparison
    looks: list[Look]
    first: int

    @property
    def own(self) -> slice:
        return slice(self.first, self.first + len(self.looks))


class Judges:
    """Comparisons whose pairs have their coins in common."""

    def __init__(self, comparisons: Sequence[Comparison], families: int, alpha: float):
        self._families, self._alpha = families, alpha
        self._places = []
        rounds = np.unique(np.concatenate([one.pair.rounds for one in comparisons]))
        rows: list[NDArray[np.float64]] = []
        for comparison in comparisons:
            seen = looks.look_at(comparison.pair)
            self._places.append(_Place(comparison, seen, len(rows)))
            for look in seen:
                row = np.full(len(rounds), np.nan)
                row[np.searchsorted(rounds, comparison.pair.rounds)] = look.differences
                rows.append(row)
        self._differences = np.array(rows)
        self._margins = np.array([look.margin for one in self._places for look in one.looks])

    def judged(self) -> list[Comparison]:
        """The comparisons with their verdicts."""
        evidence = weigh(self._differences, self._margins, self._families)
        words = judge(evidence, self._alpha)
        weak = randomisation.weak_pairs(self._differences)
        results = []
        for place in self._places:
            own, median = place.own, place.first
            inner, outer = (
                Interval(float(low[median]), float(high[median]))
                for low, high in (
                    (evidence.low, evidence.high),
                    (evidence.low_95, evidence.high_95),
                )
            )
            result = replace(
                estimates.with_median(
                    place.comparison, place.looks[0], float(evidence.estimate[median]), inner, outer
                ),
                verdict=one_word(_part(words, own), evidence.estimate[own]),
                p=float(evidence.alone[place.first]),
                looks=tuple(
                    _look_result(place, number, evidence, words, int(weak[number]))
                    for number in range(own.start, own.stop)
                ),
            )
            results.append(self._explained(result, place, evidence, words))
        return self._with_sizes(results, evidence)

    def _explained(
        self, result: Comparison, place: _Place, evidence: Evidence, words: Words
    ) -> Comparison:
        """With the word's p, and why it is that word."""
        own, verdict = place.own, result.verdict
        if verdict in CHANGED:
            p = evidence.worse if verdict is Verdict.SLOWER else evidence.better
            found = words.slower if verdict is Verdict.SLOWER else words.faster
            which = own.start + int(np.argmax(found[own]))
        else:
            p = evidence.differs
            which = own.start if verdict is Verdict.SAME else own.start + int(np.argmin(p[own]))
        look = place.looks[which - own.start]
        of = "" if look.kind is Kind.MEDIAN else f" by the {look.kind}"
        reason = (
            "the interval is inside the margin"
            if verdict is Verdict.SAME
            else f"p {p[which]:.2g} over the report{of}"
        )
        return replace(result, p_holm=float(p[which]), reason=reason)

    def _with_sizes(self, results: list[Comparison], evidence: Evidence) -> list[Comparison]:
        """What the unresolved would have needed; what few pairs can find at all."""
        if any(one.verdict is Verdict.UNRESOLVED for one in results):
            alpha = self._alpha / self._families
            smallest = power.Smallest(self._differences, self._margins, alpha)
            results = [
                self._sized(result, place, evidence, smallest)
                if result.verdict is Verdict.UNRESOLVED
                else result
                for result, place in zip(results, self._places)
            ]
        if self._differences.shape[1] >= GATE_PAIRS:
            return results
        logs = [one.first for one in self._places if one.looks[0].logs]
        if not logs:
            return results
        spread = power.boot_spread(self._differences[logs])
        margin = float(np.median(self._margins[logs]))
        sentence = power.describe(
            self._differences.shape[1],
            len(self._places),
            spread,
            margin,
            self._alpha / self._families,
        )
        return [replace(one, power=sentence) for one in results]

    def _sized(
        self, result: Comparison, place: _Place, evidence: Evidence, smallest: power.Smallest
    ) -> Comparison:
        look, change = place.looks[0], smallest.of(place.first)
        needed = [
            power.pairs_to_resolve(
                float(evidence.low[number]),
                float(evidence.high[number]),
                float(self._margins[number]),
                result.pairs,
                len(self._differences),
                self._alpha / self._families,
            )
            for number in range(place.own.start, place.own.stop)
        ]
        known = [pairs for pairs in needed if pairs is not None]
        pairs = max(known) if len(known) == len(needed) else None
        more = "" if pairs is None else f"; about {pairs} pairs would resolve it"
        if change is None:
            return replace(
                result, boots_to_resolve=pairs, reason=f"no change would have been found{more}"
            )
        amount = (
            f"{np.expm1(change) * 100:.3g} %" if look.logs else f"{change:.3g} {result.metric.unit}"
        )
        worse = change if is_worse(result.metric, 1) else -change
        return replace(
            result,
            smallest_found=float(np.exp(worse)) if look.logs else worse,
            boots_to_resolve=pairs,
            reason=f"a change of {amount} would have been found{more}",
        )


def _part(words: Words, own: slice) -> Words:
    return Words(words.slower[own], words.faster[own], words.differs[own], words.inside[own])


def _look_result(
    place: _Place,
    number: int,
    evidence: Evidence,
    words: Words,
    weak: int,
) -> LookResult:
    look = place.looks[number - place.first]
    worse_is_more = look.kind is Kind.SLOW or is_worse(place.comparison.metric, 1)
    sign = 1.0 if worse_is_more else -1.0
    estimate = sign * float(evidence.estimate[number])
    interval = turned(sign, float(evidence.low_95[number]), float(evidence.high_95[number]))
    return LookResult(
        kind=look.kind,
        is_ratio=look.logs,
        estimate=float(np.exp(estimate)) if look.logs else estimate,
        interval_95=interval.mapped(np.exp) if look.logs else interval,
        p=float(evidence.differs[number]),
        slower=bool(words.slower[number]),
        faster=bool(words.faster[number]),
        inside=bool(words.inside[number]),
        weak_pairs=weak,
    )
