# SPDX-License-Identifier: Apache-2.0
"""The cost model of fio: what protection should add to an I/O, by what the path costs in the same
campaign, next to what it did add.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analysis.fio_model.fio_calls import Call
from analysis.stats.comparison import Comparison, Interval
from analysis.summary.cases import Row
from formats.case_names import FioCase

PAGE_BYTES = 4096
# Alignment of the files (bench/tools/dax_file.cc): an I/O at a multiple of its own size, no larger
# than this, lies in one contiguous range.
RANGE_BYTES = 2 << 20
# Engines that access the file by a mapping of user space, which protection does not touch.
_BY_USER_MAPPING = ("mmap", "libpmem", "dev_dax")

# Two PKRS writes, each of a new value, with their operands; an outermost map/unmap pair on a
# protected page; one on a DRAM page.
WRITES, PAIR, DRAM = "msr/wrpkrs/toggle", "kernel/kmap_local/protected", "kernel/kmap_local/dram"


class CopyUnit(StrEnum):
    """What an I/O is copied by."""

    RANGE = "contiguous range"
    DEVICE_PAGE = "page of the device"  # the driver copies by single pages
    CACHED_PAGE = "page copied"
    MAPPING = "user mapping"  # nothing that is protected


@dataclass(frozen=True)
class Costs:
    """Costs per copy unit of one variant, in the unit of its fio results."""

    writes: float  # two PKRS writes; 0 if the variant protects nothing
    map_unmap: float  # an outermost map/unmap pair on a protected page, less the baseline's
    dram: float  # a pair on a DRAM page, less the baseline's


@dataclass(frozen=True)
class ModelCheck:
    """One comparison of fio results next to the cost model; None where there is no model."""

    comparison: Comparison
    run: FioCase
    copy_unit: CopyUnit | None  # None: not known
    copies: int  # copy units per I/O
    # Two PKRS writes per range or page of the device; per page copied, what a pair on a DRAM page
    # costs more.
    expected: float | None
    map_unmap: float | None  # the whole map/unmap pair per range or page of the device
    counted: float | None  # what one such call takes more, as counted from outside the guest

    @property
    def by_pair(self) -> bool:
        """Whether the whole pair is the model: where instructions are counted a PKRS write is one
        among others, and two of them are no model of what is added.
        """
        return self.comparison.metric.clock == "icount" and self.map_unmap is not None

    @property
    def modelled(self) -> float | None:
        """What the model says is added."""
        return self.map_unmap if self.by_pair else self.expected

    @property
    def other(self) -> float | None:
        """The other model: two PKRS writes where the whole pair is the model, else the pair."""
        return self.expected if self.by_pair else self.map_unmap

    @property
    def residual(self) -> float | None:
        """Measured overhead less what the model says."""
        return None if self.modelled is None else self.comparison.difference - self.modelled

    @property
    def interval(self) -> Interval | None:
        """Confidence interval of the overhead; of exact counts it has no width."""
        if self.comparison.exact:
            return Interval(self.comparison.difference, self.comparison.difference)
        return self.comparison.difference_95

    def beyond(self, model: float | None) -> bool:
        """Whether the interval excludes a model's value."""
        return model is not None and self.interval is not None and self.interval.excludes(model)


def path_costs(rows: Iterable[Row], baseline: str, variant: str, unit: str) -> Costs | None:
    """Costs of a variant's path; None if the campaign lacks any of them in that unit."""
    by_key = {(row.variant, row.case): row for row in rows if row.case in (WRITES, PAIR, DRAM)}
    plain = _cost_in(by_key.get((baseline, DRAM)), unit)
    dram = _cost_in(by_key.get((variant, DRAM)), unit)
    pair = by_key.get((variant, PAIR))
    if plain is None or dram is None or pair is None:
        return None
    if pair.skipped:
        return Costs(0.0, 0.0, dram - plain)
    protected = _cost_in(pair, unit)
    writes = _cost_in(by_key.get((variant, WRITES)), unit)
    if protected is None or writes is None:
        return None
    return Costs(writes, protected - plain, dram - plain)


def _cost_in(row: Row | None, unit: str) -> float | None:
    if row is None:
        return None
    return {row.unit: row.cost, "ns": row.nanoseconds if row.unit != "ns" else row.cost}.get(unit)


def copy_units(run: FioCase) -> tuple[CopyUnit | None, int]:
    """What one I/O is copied by, and how many of these it has; (None, 0) if not known."""
    pages = -(-run.block_bytes // PAGE_BYTES)
    if run.engine in _BY_USER_MAPPING:
        return CopyUnit.MAPPING, 0
    if run.on.endswith("_cache"):
        return (None, 0) if run.direct else (CopyUnit.CACHED_PAGE, pages)
    if run.on == "block":
        return (CopyUnit.DEVICE_PAGE, pages) if run.direct else (None, 0)
    return (CopyUnit.RANGE, 1) if run.block_bytes <= RANGE_BYTES else (None, 0)


def check_model(
    rows: Sequence[Row],
    comparisons: Iterable[Comparison],
    runs: Mapping[str, FioCase],
    calls: Iterable[Call] = (),
) -> list[ModelCheck]:
    """Every comparison of fio results per I/O, in its order. runs: by case; calls: of the same
    campaign.
    """
    instructions = {(call.case, call.variant): call.instructions for call in calls}
    return [
        _model_check(rows, comparison, runs[comparison.case], instructions)
        for comparison in comparisons
        if comparison.case in runs and comparison.metric.better == "lower"
    ]


def _model_check(
    rows: Sequence[Row],
    comparison: Comparison,
    run: FioCase,
    instructions: Mapping[tuple[str, str], int],
) -> ModelCheck:
    old, new, metric = comparison.pair.old.label, comparison.pair.new.label, comparison.metric
    # Jobs on several CPUs do their I/Os at once: what all take together is not what one takes. The
    # emulator counts on one CPU.
    at_once = run.jobs > 1 and metric.clock != "icount"
    costs = None if at_once else path_costs(rows, old, new, metric.unit)
    copy_unit, copies = copy_units(run)
    expected = map_unmap = None
    if copy_unit is CopyUnit.MAPPING:
        expected = 0.0
    elif copy_unit is CopyUnit.CACHED_PAGE and costs:
        expected = copies * costs.dram
    elif copy_unit and costs:
        expected, map_unmap = copies * costs.writes, copies * costs.map_unmap
    before, after = (instructions.get((_case_of_call(run), variant)) for variant in (old, new))
    counted = None
    if before is not None and after is not None and metric.clock == "icount":
        counted = float(after - before)
    return ModelCheck(comparison, run, copy_unit, copies, expected, map_unmap, counted)


def _case_of_call(run: FioCase) -> str:
    """Case of path.jsonl that is one such I/O; empty if there is none."""
    calls = {"read": "pread", "randread": "pread", "write": "pwrite", "randwrite": "pwrite"}
    copied_by_kernel = copy_units(run)[0] in (CopyUnit.RANGE, CopyUnit.DEVICE_PAGE)
    if run.engine != "psync" or run.rw not in calls or not copied_by_kernel:
        return ""
    return f"dax/{run.on}/{calls[run.rw]}/{run.size}"
