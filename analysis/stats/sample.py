# SPDX-License-Identifier: Apache-2.0
"""What is compared: a metric, and its figures on two sides."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

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


class Design(StrEnum):
    """Where the pairs of two sides come from."""

    COIN = "pairs by a coin"  # a fair and independent one for each pair, from the campaign's seed
    DATE = "pairs by date"  # boots of the two sides alternate, by whatever order
    NONE = "no pairs"


@dataclass(frozen=True)
class Distribution:
    """Samples of one boot, by value: in the metric's unit an operation, and how often each was
    seen.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """The figures of one variant: a median for each boot or launch, in the metric's unit an
    operation.
    """

    label: str
    values: NDArray[np.float64]  # shape (n,)
    # shape (n,): when each was made, as a place in an order or as a date; None: not known
    slots: NDArray[np.float64] | None = None
    exact: bool = False  # all samples of all boots agree to the digit, by a clock that counts
    unit: Unit = Unit.BOOT
    # shape (n,): of the campaign, the round that each was made in; None: it was not made in rounds
    rounds: NDArray[np.int64] | None = None
    # shape (n,): the same at another alignment of the code; None: there is no such copy
    shifted: NDArray[np.float64] | None = None
    # shape (n,): of the I/Os whose mean is the value, median and 99th percentile; None: not known
    io_medians: NDArray[np.float64] | None = None
    io_p99: NDArray[np.float64] | None = None
    # shape (n,): mean of the samples; None: there are none
    means: NDArray[np.float64] | None = None
    # the samples of one of the n; None: there are none
    distribution: Callable[[int], Distribution] | None = None
    # all of them at once, shape (n, samples); None: the n have not as many, or there are none
    samples: Callable[[], NDArray[np.float64]] | None = None
    missing: int = 0  # boots that were asked for beside the n, and gave no figure


@dataclass(frozen=True)
class SamplePair:
    """One case's metric on two sides. Slots and rounds count only where both sides are of one
    campaign, so that they have one order.
    """

    case: str
    metric: Metric
    old: Sample
    new: Sample
    identical: bool = False  # both sides are the same files
    group: int = 0  # pairs of one group have their boots, and so their coins, in common

    @cached_property
    def pairing(self) -> tuple[Design, NDArray[np.intp], NDArray[np.intp]]:
        """How boots are paired, and which of old and which of new stand in each pair."""
        old, new = self.old, self.new
        if old.rounds is not None and new.rounds is not None:
            common, of_old, of_new = np.intersect1d(old.rounds, new.rounds, return_indices=True)
            return Design.COIN, of_old, of_new
        if old.slots is not None and new.slots is not None:
            slots = np.concatenate([old.slots, new.slots])
            order = np.argsort(slots, kind="stable")
            is_new = order >= len(old.values)
            even = len(order) % 2 == 0
            if even and (is_new[::2] != is_new[1::2]).all():
                twos = np.sort(order.reshape(-1, 2), axis=1)
                return Design.DATE, twos[:, 0], twos[:, 1] - len(old.values)
        nobody = np.zeros(0, dtype=np.intp)
        return Design.NONE, nobody, nobody

    @property
    def rounds(self) -> NDArray[np.int64]:
        """What tells each pair apart from the others of its group."""
        design, of_old, _ = self.pairing
        if design is Design.COIN and self.old.rounds is not None:
            return self.old.rounds[of_old]
        return np.arange(len(of_old))

    @property
    def lost_on_one_side(self) -> int:
        """Boots without a partner, where there should be pairs, and of counts those that one side
        was asked for and lacks: nobody knows what they would have been, and they may be missing
        because they were slow.
        """
        design, of_old, of_new = self.pairing
        if design is Design.COIN:
            return len(self.old.values) + len(self.new.values) - 2 * len(of_old)
        return abs(self.old.missing - self.new.missing) if self.exact else 0

    @property
    def exact(self) -> bool:
        """Compared digit by digit."""
        return self.old.exact and self.new.exact
