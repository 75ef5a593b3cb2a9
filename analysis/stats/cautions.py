# SPDX-License-Identifier: Apache-2.0
"""What a reader has to know beside a verdict, as sentences. Each names what to do where something
can be done.
"""

import numpy as np
from numpy.typing import NDArray

from analysis.stats.clusters import Cluster, Outlier
from analysis.stats.regression import Fit
from analysis.stats.sample import SamplePair, Unit
from analysis.stats.verdict import ALPHA, FEWEST_BOOTS

# The slot term widens the interval where the sides were not made in turn; past half as much
# variance again it is said.
INTERLEAVED = 0.5
# A slope with a p below this is shown as a drift.
DRIFT_P = 0.01
# One side's boots deviate so many times as much as the other's.
SPREADS_APART = 4.0
# From here on the calibration finds no limit broken by any shape of noise, but for intervals that
# are wider than need be (docs/statistics.md).
FEW_BOOTS = 6
# How a change that ranks alone do not show is marked.
RESTS_ON_SHAPE = "rests on noise of a normal shape"
# How boots that do not lie with the others are marked, and too few to tell.
GROUPED, APART, FEW = (
    "the boots fall into two groups",
    "and kept, which widens the interval",
    "few boots",
)


def warn_about_sides(pair: SamplePair) -> tuple[str, ...]:
    """What the kind of data limits, whatever the figures."""
    warnings = []
    if Unit.LAUNCH in (pair.old.unit, pair.new.unit):
        warnings.append("launches of one boot: the verdict holds for this boot only")
    if FEWEST_BOOTS <= min(len(pair.old.values), len(pair.new.values)) < FEW_BOOTS:
        warnings.append(
            f"{FEW}: if they have modes, these can look like a change, and a change is missed more"
            f" often; take {FEW_BOOTS} or more a side"
        )
    if pair.old.slots is None or pair.new.slots is None:
        warnings.append(
            "the sides were not made in turn, and a drift between them would look like a change:"
            " measure both in one campaign"
        )
    return tuple(warnings)


def warn_about_exactness(pair: SamplePair) -> tuple[str, ...]:
    lone = [side.label for side in (pair.old, pair.new) if len(side.values) == 1]
    return tuple(
        f"{label}: one boot; a second would show whether its figures repeat to the digit"
        for label in lone
    )


def warn_about_fit(fit: Fit, pair: SamplePair) -> tuple[str, ...]:
    warnings = []
    if fit.widening > INTERLEAVED:
        warnings.append(
            "the sides were hardly made in turn, and drift and change are hard to tell apart:"
            " interleave their boots"
        )
    if fit.slope is not None and fit.slope_p() < DRIFT_P:
        warnings.append("the figures drift over the campaign; a steady drift is taken out")
    for side in (pair.old, pair.new):
        if np.ptp(side.values) == 0:
            warnings.append(
                f"{side.label}: all boots agree to the digit: the clock's step may hide how far"
                " they differ"
            )
    return tuple(warnings)


def warn_about_spreads(old: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[str, ...]:
    """Sides of unlike size: the model has one spread for both, which is mostly that of the larger
    side.
    """
    less, more = sorted((float(old.std(ddof=1)), float(new.std(ddof=1))))
    if len(old) == len(new) or more <= SPREADS_APART * less:
        return ()
    return (
        (
            "the sides differ in spread and in number, and the interval may be too narrow: take as"
            " many boots of each"
        ),
    )


def warn_about_shape(
    label: str, groups: tuple[Cluster, ...], outliers: tuple[Outlier, ...], unit: str
) -> tuple[str, ...]:
    warnings = []
    if len(groups) > 1:
        low, high = groups
        warnings.append(
            f"{label}: {GROUPED}, {low.boots} near {low.centre:.4g} and {high.boots} near"
            f" {high.centre:.4g} {unit}: find what differs between them"
        )
    for severe, word in ((True, "far outside"), (False, "outside")):
        named = [f"{outlier.value:.4g}" for outlier in outliers if outlier.severe is severe]
        if named:
            warnings.append(f"{label}: {word} the other boots, {APART}: {', '.join(named)} {unit}")
    return tuple(warnings)


def warn_about_ranks(rank_p_holm: float) -> tuple[str, ...]:
    """Ranks hold the level whatever the shape of the noise; the model holds it where the noise is
    about normal.
    """
    if rank_p_holm < ALPHA:
        return ()
    return (
        (
            f"{RESTS_ON_SHAPE}: by ranks alone p is {rank_p_holm:.2g} over the family; if boots"
            " have modes, take more"
        ),
    )


def warn_about_bootstrap(confirmed: bool) -> tuple[str, ...]:
    return (
        () if confirmed else ("resampling the boots does not confirm it: look at them one by one",)
    )
