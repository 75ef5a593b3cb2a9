# SPDX-License-Identifier: Apache-2.0
"""What is compared: a metric, and its figures on two sides."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Metric:
    """What a figure says. Figures of two metrics, or of two clocks, are never compared."""

    name: str  # "cost", "cost_core_cycles", "iops", ...
    unit: str  # "instructions", "ticks", "cycles", "ns", "MB/s", ...
    better: str  # "lower" or "higher"
    clock: str  # "icount", "tsc", "wall"
    # a core cycle (or instruction) in this unit; None: throughput and the like, which have none
    cycle: float | None = None


class Unit(StrEnum):
    """What each value of a side comes from: the unit of randomness."""

    BOOT = "boot"
    LAUNCH = "launch"  # of a program, all in one boot: a verdict holds for that boot
    REPETITION = "repetition"  # in one launch: no verdict


@dataclass(frozen=True)
class Sample:
    """The figures of one variant: a median for each boot or launch, in the metric's unit an
    operation.
    """

    label: str
    values: NDArray[np.float64]  # shape (n,)
    slots: NDArray[
        np.float64
    ] | None = None  # shape (n,): place of each in the campaign's order; None: not known
    exact: bool = False  # all samples of all boots agree to the digit, by a clock that counts
    unit: Unit = Unit.BOOT


@dataclass(frozen=True)
class SamplePair:
    """One case's metric on two sides. Slots count only where both sides are of one campaign, so
    that they have one order.
    """

    case: str
    metric: Metric
    old: Sample
    new: Sample
    identical: bool = False  # both sides are the same files
