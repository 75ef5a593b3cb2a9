# SPDX-License-Identifier: Apache-2.0
"""What a campaign can find: before it is made, and of one that is unresolved."""

from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from analysis.stats import randomisation, ranks
from analysis.stats.verdict import ALPHA, SAME_CONFIDENCE

# Beyond so many pairs nobody measures.
MOST_PAIRS = 10_000
# What a run is asked to find, and what may disturb it: one boot in ten is this much slower.
FIND, SLOW_BOOTS, SLOW_BY = 0.03, 0.1, 0.15
# Campaigns that a power is simulated from.
SIMULATED = 200
SEED = 20261128
# Beyond so many pairs this many drawn vectors of signs are enough for a size.
_EXACT_PAIRS, _DRAWN = 10, 512
_BISECTIONS = 12

Array = NDArray[np.float64]


def pairs_to_resolve(
    low: float, high: float, margin: float, pairs: int, rows: int, alpha: float
) -> int | None:
    """Pairs at which a case gets a verdict. rows: looks of all cases of its family. None: more than
    MOST_PAIRS.

    Where the interval of SAME_CONFIDENCE, low to high, lies beyond the margin, a small p is all
    that is missing: `pairs_for_alpha`. Elsewhere the interval, which narrows as 1 / sqrt(pairs),
    has to be no wider than the margin on either side: then a difference is shown to be inside it,
    or to be there. That rests on the spread alone: the difference that was seen is no guide to the
    true one.
    """
    least = max(pairs + 1, pairs_for_alpha(rows, alpha))
    if low > margin or high < -margin:
        return least
    half = (high - low) / 2
    needed = pairs * (half / margin) ** 2 if margin > 0 else np.inf
    return None if not needed <= MOST_PAIRS else max(least, ceil(needed))


def pairs_for_alpha(rows: int, alpha: float) -> int:
    """The least pairs at which each of so many looks can have a p of at most alpha, whatever the
    others show: for each of them 2 of 2^pairs vectors of signs may be as extreme.
    """
    return ceil(log2(2 * rows / alpha))


def _signs(pairs: int, chooser: np.random.Generator) -> Array:
    """As randomisation.sign_vectors, but drawn ones of so many pairs that all take too long."""
    if pairs <= _EXACT_PAIRS:
        return randomisation.sign_vectors(pairs)
    half = 1.0 - 2 * chooser.integers(0, 2, (_DRAWN, pairs))
    half[0] = 1
    return np.concatenate([half, -half])


class Smallest:
    """The smallest change that would have been called slower, case by case, in a family as it was
    measured.
    """

    def __init__(self, differences: Array, margins: Array, alpha: float):
        """differences: (cases, pairs); margins: (cases,); alpha: of the family."""
        self._signs = _signs(differences.shape[1], np.random.default_rng(SEED))
        self._differences, self._margins, self._alpha = differences, margins, alpha
        statistics = self._statistics(differences - margins[:, None])
        self._largest_in = statistics.argmax(0)
        ordered = np.sort(statistics, axis=0)
        self._largest = ordered[-1]
        self._second = ordered[-2] if len(ordered) > 1 else np.full(len(self._signs), -np.inf)

    def _statistics(self, differences: Array) -> Array:
        statistics: Array = randomisation.scores(differences) @ self._signs.T
        return statistics

    def of(self, case: int) -> float | None:
        """In the unit of the differences; None: none, however large."""
        row = self._differences[case]
        kept = row[np.isfinite(row)]
        means = ranks.pair_means(kept)
        centre = float(ranks.estimate(means))
        low = float(ranks.interval(means, len(kept), SAME_CONFIDENCE)[0])
        others = np.where(self._largest_in == case, self._second, self._largest)
        margin = float(self._margins[case])

        def found(change: float) -> bool:
            moved = self._statistics((row - centre + change - margin)[None])[0]
            share = float((np.maximum(moved, others) >= moved[0] - 1e-9).mean())
            return 2 * share <= self._alpha and low - centre + change > 0

        below, above = margin, 2 * margin + 4 * float(np.abs(kept - centre).max())
        if not found(above):
            return None
        for _ in range(_BISECTIONS):
            middle = (below + above) / 2
            below, above = (below, middle) if found(middle) else (middle, above)
        return above


def power(
    pairs: int,
    cases: int,
    spread: float,
    margin: float,
    slow_boots: float = 0.0,
    alpha: float = ALPHA,
) -> float:
    """Share of simulated campaigns that call a change by FIND slower, in one of so many cases.

    spread: standard deviation of the logarithms of boots, which are normal; margin: of logarithms;
    slow_boots: this share of boots is slower by SLOW_BY; alpha: what the campaign may spend. The
    same arguments give the same share.
    """
    chooser = np.random.default_rng([SEED, pairs, cases, round(slow_boots * 1000)])
    signs = _signs(pairs, chooser)
    margins = np.full(cases, margin)
    found = 0
    for _ in range(SIMULATED):
        boots = chooser.normal(0, spread, (2, cases, pairs))
        boots += np.log1p(SLOW_BY) * (chooser.random(boots.shape) < slow_boots)
        differences = boots[1] - boots[0]
        differences[0] += np.log1p(FIND)
        low = ranks.interval(ranks.pair_means(differences[0]), pairs, SAME_CONFIDENCE)[0]
        if low > 0:
            found += randomisation.changes(differences, margins, signs).worse[0] <= alpha
    return found / SIMULATED


def describe(pairs: int, cases: int, spread: float, margin: float, alpha: float = ALPHA) -> str:
    """What so many pairs find, in a sentence; the arguments are those of `power`."""
    quiet, disturbed = (
        power(pairs, cases, spread, margin, slow_boots, alpha) for slow_boots in (0.0, SLOW_BOOTS)
    )
    which = "a case" if cases == 1 else f"one of {cases} cases"
    return (
        f"{pairs} pairs of boots that spread by {spread:.2%} find a change of {FIND:.0%} in {which}"
        f" in {quiet * 100:.0f} of 100 campaigns if nothing disturbs, in {disturbed * 100:.0f} with"
        " one slow boot in ten"
    )


def boot_spread(differences: Array) -> float:
    """Standard deviation of boots, from the differences of pairs (cases, pairs), robustly: the
    median over cases of the median distance from the middle.
    """
    middle = np.nanmedian(differences, axis=-1, keepdims=True)
    distance = np.nanmedian(np.abs(differences - middle), axis=-1)
    return float(np.median(distance)) / _NORMAL_QUARTILE / 2**0.5


# Median distance from the middle of a normal distribution, in standard deviations.
_NORMAL_QUARTILE = 0.6744897501960817
