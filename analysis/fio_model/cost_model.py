# SPDX-License-Identifier: Apache-2.0
"""What protection should add to an I/O, by what the path costs in the same campaign, held against
what it did add.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analysis.fio_model.case_name import Run, run_of
from analysis.fio_model.fio_calls import Call
from analysis.stats.comparison import Comparison, Interval
from analysis.summary.cases import Row

PAGE_BYTES = 4096
# What files are aligned to (lab/dax-file): an I/O at a multiple of its own size, no larger than
# this, meets one contiguous range.
RANGE_BYTES = 2 << 20
# Engines whose accesses go by a mapping of user space, which protection does not touch.
_BY_USER_MAPPING = ("mmap", "libpmem", "dev_dax")

# Two writes of the register, each with a new value, with their operands; an outermost pair on a
# protected page; one on memory.
WRITES, PAIR, DRAM = "msr/wrpkrs/toggle", "kernel/kmap_local/protected", "kernel/kmap_local/dram"


class CopyUnit(StrEnum):
    """What an I/O meets on its way, so many times."""

    RANGE = "contiguous range"
    DEVICE_PAGE = "page of the device"  # the driver copies by single pages
    CACHED_PAGE = "page copied"
    MAPPING = "user mapping"  # and nothing that is protected


@dataclass(frozen=True)
class Costs:
    """Of one variant, in the unit of its fio figures: what is added once, whatever the size of an
    I/O.
    """

    writes: float  # two writes of the register; 0 where the variant protects nothing
    bracket: float  # an outermost pair, less the baseline's
    dram: float  # a pair on a page of memory, less the baseline's


@dataclass(frozen=True)
class ModelCheck:
    """One comparison of fio figures, and what the model says of it; no figures where it
    has none.
    """

    comparison: Comparison
    run: Run
    meets: CopyUnit | None  # None: not known
    times: int
    # 2 WRPKRS for each range or page of the device; of a page copied, what a pair on memory costs
    # more
    expected: float | None
    bracket: float | None  # the whole bracket for each range or page of the device
    counted: float | None  # what one such call takes more, as it was counted from outside

    @property
    def residual(self) -> float | None:
        return None if self.expected is None else self.comparison.difference - self.expected

    @property
    def interval(self) -> Interval | None:
        """Of the overhead; of counts that repeat to the digit, no wider than they are."""
        one = self.comparison
        return Interval(one.difference, one.difference) if one.exact else one.difference_95

    def beyond(self, model: float | None) -> bool:
        """Whether the interval excludes what a model says."""
        return model is not None and self.interval is not None and self.interval.excludes(model)


def costs_of(table: Iterable[Row], baseline: str, variant: str, unit: str) -> Costs | None:
    """None where the campaign lacks any of them in that unit."""
    rows = {(row.variant, row.case): row for row in table if row.case in (WRITES, PAIR, DRAM)}
    before, dram, pair, writes = (
        rows.get(key)
        for key in ((baseline, DRAM), (variant, DRAM), (variant, PAIR), (variant, WRITES))
    )
    plain, with_key = _figure(before, unit), _figure(dram, unit)
    if plain is None or with_key is None or pair is None:
        return None
    if pair.skipped:
        return Costs(0.0, 0.0, with_key - plain)
    outermost, toggle = _figure(pair, unit), _figure(writes, unit)
    return (
        None
        if outermost is None or toggle is None
        else Costs(toggle, outermost - plain, with_key - plain)
    )


def _figure(row: Row | None, unit: str) -> float | None:
    if row is None:
        return None
    return {row.unit: row.cost, "ns": row.nanoseconds if row.unit != "ns" else row.cost}.get(unit)


def met(run: Run) -> tuple[CopyUnit | None, int]:
    """What one I/O meets, and how often."""
    pages = -(-run.block_bytes // PAGE_BYTES)
    if run.engine in _BY_USER_MAPPING:
        return CopyUnit.MAPPING, 0
    if run.on.endswith("_cache"):
        return (None, 0) if run.direct else (CopyUnit.CACHED_PAGE, pages)
    if run.on == "block":
        return (CopyUnit.DEVICE_PAGE, pages) if run.direct else (None, 0)
    return (CopyUnit.RANGE, 1) if run.block_bytes <= RANGE_BYTES else (None, 0)


def held(
    table: Sequence[Row], comparisons: Iterable[Comparison], calls: Iterable[Call] = ()
) -> list[ModelCheck]:
    """All comparisons of fio by what an I/O takes, in their order. calls: of the same campaign."""
    found = []
    instructions = {(call.case, call.variant): call.instructions for call in calls}
    for one in comparisons:
        run = run_of(one.case)
        if run is not None and one.metric.better == "lower":
            # Jobs on several CPUs do their I/Os at once: what all take together is not what one
            # takes. The emulator counts on one CPU.
            at_once = run.jobs > 1 and one.metric.clock != "icount"
            costs = (
                None
                if at_once
                else costs_of(table, one.pair.old.label, one.pair.new.label, one.metric.unit)
            )
            single = [
                instructions.get((_call_of(run), label))
                for label in (one.pair.old.label, one.pair.new.label)
            ]
            counted = (
                None
                if None in single or one.metric.clock != "icount"
                else float(single[1] - single[0])
            )
            found.append(_held(one, run, costs, counted))
    return found


def _call_of(run: Run) -> str:
    """The case of path.jsonl that is one such I/O; empty where there is none."""
    call = {"read": "pread", "randread": "pread", "write": "pwrite", "randwrite": "pwrite"}.get(
        run.rw
    )
    alike = run.engine == "psync" and met(run)[0] in (CopyUnit.RANGE, CopyUnit.DEVICE_PAGE)
    return f"dax/{run.on}/{call}/{run.size}" if call and alike else ""


def _held(one: Comparison, run: Run, costs: Costs | None, counted: float | None) -> ModelCheck:
    meets, times = met(run)
    expected = bracket = None
    if meets is CopyUnit.MAPPING:
        expected = 0.0
    elif meets is CopyUnit.CACHED_PAGE and costs:
        expected = times * costs.dram
    elif meets and costs:
        expected, bracket = times * costs.writes, times * costs.bracket
    return ModelCheck(one, run, meets, times, expected, bracket, counted)
