# SPDX-License-Identifier: Apache-2.0
"""What a reader has to know beside a verdict, as sentences. Each names what to do where something
can be done; on data without a fault at most one comparison in twenty carries one.
"""

import numpy as np

from analysis.stats.clusters import Cluster, Outlier
from analysis.stats.sample import Sample, SamplePair, Unit
from formats.figures import to_digits


def warn_about_sides(pair: SamplePair) -> tuple[str, ...]:
    """What the kind of data limits, whatever the figures."""
    warnings = []
    if Unit.LAUNCH in (pair.old.unit, pair.new.unit):
        warnings.append("launches of one boot: the verdict holds for this boot only")
    return tuple(warnings)


def warn_about_exactness(pair: SamplePair) -> tuple[str, ...]:
    lone = [side.label for side in (pair.old, pair.new) if len(side.values) == 1]
    return tuple(
        f"{label}: one boot; a second would show whether its figures repeat to the digit"
        for label in lone
    )


def warn_about_steps(pair: SamplePair) -> tuple[str, ...]:
    """Sides in which a clock shows nothing of the noise that there must be."""
    return tuple(
        f"{side.label}: all boots agree to the digit: the clock's step may hide how far they differ"
        for side in (pair.old, pair.new)
        if len(side.values) > 1 and np.ptp(side.values) == 0
    )


def warn_about_shape(
    side: Sample, groups: tuple[Cluster, ...], outliers: tuple[Outlier, ...], unit: str
) -> tuple[str, ...]:
    warnings = []
    if len(groups) > 1:
        low, high = groups
        warnings.append(
            f"{side.label}: the boots fall into two groups, {low.boots} near"
            f" {to_digits(low.centre)} and {high.boots} near {to_digits(high.centre)} {unit}: find"
            " what differs between them"
        )
    named = [to_digits(outlier.value) for outlier in outliers if outlier.severe]
    if named:
        warnings.append(
            f"{side.label}: far outside the other boots, and kept: {', '.join(named)} {unit}"
        )
    return tuple(warnings)


def warn_about_loss(pair: SamplePair) -> tuple[str, ...]:
    lost = pair.lost_on_one_side
    if not lost:
        return ()
    return (
        f"{lost} boot{'s have' if lost > 1 else ' has'} no partner: if boots are missing because"
        " they were slow, the verdict is wrong; find out why, and measure again",
    )
