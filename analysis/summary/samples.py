# SPDX-License-Identifier: Apache-2.0
"""How the samples behind a figure are spread, boot by boot, in few enough points to draw."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analysis.data.grouping import group_by
from analysis.data.load import Record

# Points kept of a boot, evenly spaced by rank: a curve of them is within 1/400 of all samples' own.
POINTS = 401


@dataclass(frozen=True)
class Boot:
    """The samples of one boot or launch: cost of an operation in units, ascending, and the record's
    own cost.
    """

    number: int
    values: np.ndarray  # shape (at most POINTS,)
    cost: float
    samples: int  # that the values stand for


@dataclass(frozen=True)
class Distribution:
    """One case of one variant over its boots; launches where there is one boot of many."""

    case: str
    variant: str
    clock: str
    unit: str
    per: str  # boot or launch
    boots: tuple[Boot, ...]


def distributions(records: Iterable[Record]) -> list[Distribution]:
    """Distributions of all cases whose samples differ, in order of first appearance."""
    usable = (
        record
        for record in records
        if record.status == "ok" and record.cost is not None and not record.case.endswith("empty")
    )
    groups = group_by(usable, lambda record: (record.variant, record.case))
    cases = (_distribution(group) for group in groups.values())
    return [
        case
        for case in cases
        if any(np.ptp(boot.values) for boot in case.boots)
        or len({boot.cost for boot in case.boots}) > 1
    ]


def titles(drawn: list[Distribution]) -> list[str]:
    """A name per case, with its variant if there are several."""
    several = len({case.variant for case in drawn}) > 1
    return [f"{case.case} {case.variant}" if several else case.case for case in drawn]


def _distribution(records: list[Record]) -> Distribution:
    first = records[0]
    per = "launch" if len({record.launch for record in records}) > 1 else "boot"
    boots = []
    for record in records:
        values, count = _spread(record)
        if count and record.cost is not None:
            number = record.launch if per == "launch" else record.boot
            boots.append(Boot(number, values, record.cost, count))
    return Distribution(first.case, first.variant, first.clock, first.unit, per, tuple(boots))


def _spread(record: Record) -> tuple[np.ndarray, int]:
    """Costs by rank, and how many samples they stand for.

    Of samples: each one's slope. A histogram has lost which T(2n) belongs to which T(n), so the
    mean of T(n) is taken from each T(2n).
    """
    if record.histogram is None:
        slopes = np.sort(
            (record.samples[:, 1] - record.samples[:, 0]) / record.ops - (record.empty or 0)
        )
        ranks = np.linspace(0, len(slopes) - 1, min(POINTS, len(slopes))).round().astype(int)
        return slopes[ranks], len(slopes)
    short, long = record.histogram["case_n"], record.histogram["case_2n"]
    first, last, counts = np.array(long["buckets"], dtype=float).T
    ranks = np.linspace(0, long["count"] - 1, min(POINTS, long["count"])).round()
    buckets = np.searchsorted(np.cumsum(counts), ranks, side="right")
    times = (first[buckets] + last[buckets]) / 2
    return (times - short["sum"] / short["count"]) / record.ops - (record.empty or 0), long["count"]
