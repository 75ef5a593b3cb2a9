# SPDX-License-Identifier: Apache-2.0
"""What a campaign says of each case: one row a case and variant, over all its boots."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from analysis.data.grouping import group_by
from analysis.data.load import Campaign, CountedPath, Record
from analysis.summary import cost_parts


@dataclass
class Row:
    """One case of one variant. Figures are units an operation."""

    case: str
    variant: str
    clock: str
    unit: str
    boots: int  # boots; launches where there is one boot of many launches
    cost: float | None  # None: there is no figure, and note says why
    low: float | None
    high: float | None
    exact: bool  # all samples of all boots agree to the digit
    empty: float | None
    core_cycles: float | None
    # the cost, where the clock is the time stamp counter and its rate is known
    nanoseconds: float | None
    oracle: str
    starts: int = 1  # boots, however often it was launched in each
    cost_shifted: float | None = None  # at another alignment of the same code
    overhead_ticks: float | None = (
        None  # of a sample beside its timed windows, the largest of the boots
    )
    ioctl_share: float | None = None  # of a record, the largest of the boots
    rejected: dict[str, int] = field(
        default_factory=dict
    )  # samples taken again, by cause, of all boots
    # an operation, by the PMU in the same windows
    counted_cycles: float | None = None
    counted_instructions: float | None = None
    counting_problems: tuple[str, ...] = ()  # what is wrong with them, each once
    skipped: bool = False  # in all boots: nothing to show but the note
    note: str = ""
    pkrs_writes: Fraction | None = None  # counted from outside; None: not counted
    parts: dict[str, Fraction] | None = None
    warnings: list[str] = field(default_factory=list)


def is_user(row: Row) -> bool:
    """A model in user space, as opposed to a case of the kernel module."""
    return row.case.startswith("user/")


def is_fio(row: Row) -> bool:
    """A run of fio, as opposed to a case of the kernel module."""
    return row.case.startswith("dax/")


def boots_in_words(rows: Iterable[Row]) -> str:
    """How many boots the results of these rows hold for."""
    starts = max(row.starts for row in rows)
    return "this boot only" if starts == 1 else f"{starts} boots"


def summarize_cases(campaign: Campaign) -> list[Row]:
    """One row per case and variant, in order of first appearance."""
    records = group_by(campaign.records, lambda record: (record.variant, record.case))
    paths = group_by(campaign.paths, lambda path: (path.variant, path.case))
    return [
        _row(boots, paths.get(key, []), tick_nanoseconds(campaign, key[0]))
        for key, boots in records.items()
    ]


def tick_nanoseconds(campaign: Campaign, variant: str) -> float | None:
    """A tick of the time stamp counter; None where its rate is not known."""
    rate = campaign.environments.get(variant, {}).get("clock", {}).get("tsc_hz")
    return 1e9 / rate if rate else None


def _row(records: list[Record], paths: list[CountedPath], tick_nanoseconds: float | None) -> Row:
    first = records[0]
    good = [record for record in records if record.status == "ok" and record.cost is not None]
    costs = np.array([record.cost for record in good])
    bad = [record for record in records if record.status != "ok"]
    notes = [f"{record.status}: {record.reason}" for record in bad]
    notes += [
        f"assumed: a write takes {record.assumed_write_cycles:g} cycles"
        for record in records
        if record.assumed_write_cycles is not None
    ]
    usable = bool(good) and not any(record.oracle == "failed" for record in records)
    cost = float(np.median(costs)) if usable else None
    row = Row(
        case=first.case,
        variant=first.variant,
        clock=first.clock,
        unit=first.unit,
        boots=len(records),
        starts=len({record.boot for record in records}),
        cost=cost,
        low=float(costs.min()) if usable else None,
        high=float(costs.max()) if usable else None,
        exact=usable and _exact(records),
        empty=_median([record.empty for record in good]) if usable else None,
        core_cycles=_median([record.cost_core_cycles for record in good]) if usable else None,
        nanoseconds=(
            cost * tick_nanoseconds
            if cost is not None and tick_nanoseconds and first.clock == "tsc"
            else None
        ),
        oracle=_worst([record.oracle for record in records]),
        cost_shifted=_median([record.cost_shifted for record in good]) if usable else None,
        overhead_ticks=_largest([record.overhead_ticks for record in good]),
        ioctl_share=_largest([record.ioctl_share for record in good]),
        rejected=sum_counts([record.rejected for record in records]),
        counted_cycles=_median([record.counted_cycles for record in good]),
        counted_instructions=_median([record.counted_instructions for record in good]),
        counting_problems=tuple(
            dict.fromkeys(problem for record in good for problem in record.counting_problems)
        ),
        skipped=all(record.status == "skipped" for record in records),
        note="; ".join(dict.fromkeys(notes)),
    )
    _add_outside_counts(row, paths)
    if usable:
        row.pkrs_writes = _writes(good)
    return row


def _writes(records: list[Record]) -> Fraction | None:
    """PKRS writes an operation, of the first boot that counted them."""
    counted = (record.pkrs_writes for record in records if record.pkrs_writes is not None)
    return next((Fraction(writes) for writes in counted), None)


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _largest(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def sum_counts(counts: list[dict[str, int]]) -> dict[str, int]:
    """Counts of several, by cause."""
    total: dict[str, int] = {}
    for count in counts:
        for cause, number in count.items():
            total[cause] = total.get(cause, 0) + number
    return total


def _exact(records: list[Record]) -> bool:
    """Only samples of the same operations count can agree, and a crashed or flagged boot agrees
    with none.
    """
    first = records[0]
    return all(
        record.exact
        and record.status == "ok"
        and record.ops == first.ops
        and np.array_equal(record.samples, first.samples)
        and np.array_equal(record.shifted_samples, first.shifted_samples)
        and record.histogram == first.histogram
        for record in records
    )


def _by_chain(path: CountedPath) -> dict[tuple[str, ...], dict]:
    """Functions of as many instructions may come in any order."""
    return {tuple(function["chain"]): function for function in path.functions}


def _worst(oracles: list[str]) -> str:
    return next((state for state in ("failed", "held") if state in oracles), "none")


def _add_outside_counts(row: Row, paths: list[CountedPath]) -> None:
    """The parts, as the observer counted them; it has to agree with the clock."""
    if not paths or row.cost is None:
        return
    path = paths[0]
    row.parts = cost_parts.per_operation(path)
    outside = Fraction(path.instructions - path.empty_instructions, path.ops)
    if row.exact and outside != Fraction(row.cost):
        row.warnings.append(
            f"{row.variant} {row.case}: the clock says {row.cost:g} instructions and the observer"
            f" {float(outside):g}"
        )
    if any(_by_chain(other) != _by_chain(path) for other in paths[1:]):
        row.warnings.append(
            f"{row.variant} {row.case}: the path differs between boots; boot {path.boot} is shown"
        )
