# SPDX-License-Identifier: Apache-2.0
"""Whether pairs of boots differ, by randomisation of the coin that ordered each pair.

If nothing changed, the two boots of a pair could as well have been made in the other order, and
their difference would have the other sign. The coin was fair and independent, so all 2^n vectors
of signs were equally likely, whatever the noise is (Fisher, The Design of Experiments, 1935, 21).
One vector of signs holds for all cases of a pair at once, so that the largest statistic over cases
has its exact distribution, too (Westfall and Young, Resampling-Based Multiple Testing, 1993, 2.6).

Differences have the shape (cases, pairs): new - old, oriented so that above 0 is worse. NaN: the
case has no figure in that pair, which then counts nothing for it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A score is the distance from 0 in units of the median distance, as far as FULL; from there it
# falls, and from BEYOND on it is FLOOR: a pair far from the others tells hardly anything.
FULL, BEYOND, FLOOR = 1.5, 2.0, 0.1
# Up to so many pairs all vectors of signs are looked at; beyond, so many drawn ones.
MOST_PAIRS, DRAWN = 14, 10_000
# Fixed, so that the same files always give the same p.
SEED = 20261128
# Differences that are this close to 0 are 0: what a rounding leaves of figures that are the same.
NOTHING = 1e-12
# Likewise of a difference from the margin, as a share of the margin.
AT_THE_MARGIN = 1e-9
# Statistics this close are the same.
_TIE = 1e-9


@dataclass(frozen=True)
class Changes:
    """p of each case, shape (cases,), adjusted over all of them but for `alone`."""

    worse: Array  # beyond the margin
    better: Array  # beyond the margin
    differs: Array  # from 0
    alone: Array  # from 0, of the case by itself


def sign_vectors(pairs: int, chooser: np.random.Generator | None = None) -> Array:
    """Shape (vectors, pairs): +1 and -1, the first row all +1. The second half is the first one's
    negative.
    """
    if pairs <= MOST_PAIRS:
        codes = np.arange(2 ** max(pairs - 1, 0))[:, None]
        half = 1.0 - 2.0 * ((codes >> np.arange(pairs)) & 1)
    else:
        chooser = chooser or np.random.default_rng(SEED)
        half = 1.0 - 2.0 * chooser.integers(0, 2, (DRAWN // 2, pairs))
        half[0] = 1
    return np.concatenate([half, -half])


def scores(differences: Array, nothing: float | Array = NOTHING) -> Array:
    """Signed weight of each pair, shape (cases, pairs); the squares of a case's add up to 1.

    nothing: distances that count as 0, of all or of each case (cases, 1).
    """
    distance = np.abs(np.nan_to_num(differences))
    distance = np.where(distance > nothing, distance, 0)
    relative = distance / _unit(distance)
    falling = FULL - (FULL - FLOOR) * (relative - FULL) / (BEYOND - FULL)
    weight = np.where(relative <= FULL, relative, np.maximum(FLOOR, falling))
    length = np.sqrt((weight**2).sum(-1, keepdims=True))
    signed: Array = np.sign(np.nan_to_num(differences)) * weight / np.where(length > 0, length, 1)
    return signed


def weak_pairs(differences: Array) -> NDArray[np.intp]:
    """How many pairs of each case are so far from the others that they count FLOOR."""
    distance = np.abs(np.nan_to_num(differences))
    distance = np.where(distance > NOTHING, distance, 0)
    weak: NDArray[np.intp] = (distance >= BEYOND * _unit(distance)).sum(-1) * (distance.max(-1) > 0)
    return weak


def _unit(distance: Array) -> Array:
    """The median of each case's distances that are not 0; 1 where all are."""
    ordered = np.sort(np.where(distance > 0, distance, np.inf), axis=-1)
    count = (distance > 0).sum(-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, -1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, distance.shape[-1] - 1), -1)
    return np.where(count > 0, (np.where(count > 0, low, 1) + np.where(count > 0, high, 1)) / 2, 1)


def step_down(statistics: Array) -> Array:
    """Adjusted one-sided p of each case, by step-down maxT. statistics: (cases, vectors), the first
    column as it was measured.
    """
    order = np.argsort(-statistics[:, 0], kind="stable")
    ordered = statistics[order]
    measured = ordered[:, 0].copy()
    # in place: the largest among each case and those that are less striking
    largest = ordered[::-1]
    np.maximum.accumulate(largest, axis=0, out=largest)
    share = (ordered >= measured[:, None] - _TIE).mean(1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(share)
    return adjusted


def changes(differences: Array, margin: Array, signs: Array | None = None) -> Changes:
    """Tests of each case against 0 and against both edges of its margin.

    A change beyond the margin has to reject -margin, 0 and +margin: the score falls, so that its
    test of one edge alone could take a difference on one side for one on the other.
    margin: (cases,), in the unit of the differences. signs: as sign_vectors gives them, or others;
    where the second half is the first one's negative, half of the work is done.
    """
    signs = sign_vectors(differences.shape[1]) if signs is None else signs
    edge = margin[:, None]
    nothing = np.maximum(NOTHING, AT_THE_MARGIN * edge)
    worse, better = np.zeros(len(differences)), np.zeros(len(differences))
    half = signs[: len(signs) // 2]
    mirrored = np.array_equal(signs[len(half) :], -half)
    for shift in (-1, 0, 1):
        weights = scores(differences - shift * edge, nothing if shift else NOTHING)
        # in this order of factors a plain BLAS takes half as long
        sums = ((half if mirrored else signs) @ np.ascontiguousarray(weights.T)).T
        statistics = np.concatenate([sums, -sums] if mirrored else [sums], axis=1)
        up, down = step_down(statistics), step_down(-statistics)
        worse, better = np.maximum(worse, up), np.maximum(better, down)
        if shift == 0:
            differs = np.minimum(1, 2 * np.minimum(up, down))
            size = np.abs(statistics)
            alone = (size >= size[:, :1] - _TIE).mean(1)
    return Changes(np.minimum(1, 2 * worse), np.minimum(1, 2 * better), differs, alone)
