# SPDX-License-Identifier: Apache-2.0
"""What a campaign was made for, in one table: costs of a map/unmap pair by kind of page and kernel,
and what else pays, by event.

The page of persistent memory has a case of its own where it is protected. A kernel that does not
protect it measures the same page as `devmap`, so both are one row here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from analysis.fio_model.fio_calls import Call
from analysis.report.model.answer import Bar
from analysis.report.model.answer_table import AnswerRow, AnswerTable, Cell
from analysis.summary.cases import Row
from formats.case_names import PMEM_PAGE, PMEM_PAGES

_KERNEL = "kernel/kmap_local/"

# Label, and the cases whose figure it is: the first that the variant did not skip.
_PAIRS = [
    ("DRAM page", ("dram",)),
    ("device page", ("devmap",)),
    (PMEM_PAGE, ("protected", "devmap")),
    ("pmem page nested", ("protected_nested", "devmap_nested")),
]
_REPLICAS = [
    ("DRAM page", ("dram",)),
    ("device page", ("devmap",)),
    (PMEM_PAGE, ("protected",)),
    ("pmem page nested", ("protected_nested",)),
]
_EVENTS = [
    ("interrupt", ("elsewhere/irq/outside",)),
    ("  inside a mapping", ("elsewhere/irq/inside",)),
    ("NMI", ("elsewhere/nmi/outside",)),
    ("  inside a mapping", ("elsewhere/nmi/inside",)),
    ("INT3", ("elsewhere/int3/outside",)),
    ("  inside a mapping", ("elsewhere/int3/inside",)),
    ("kernel fault", ("elsewhere/fault/outside",)),
    ("  inside a mapping", ("elsewhere/fault/inside",)),
    ("switch there and back", ("elsewhere/switch/same",)),
    ("  out of a mapping", ("elsewhere/switch/different",)),
    ("getppid()", ("elsewhere/syscall",)),
    ("user page fault", ("elsewhere/user_fault",)),
    ("fork+exit+wait", ("elsewhere/fork_exit",)),
]
# Single calls that stand for the others, which are in the details.
_CALLS = {
    "ext4/pread/4k": "ext4 read 4 KiB",
    "ext4/pwrite/4k": "ext4 write 4 KiB",
    "ext4/pread/2m": "ext4 read 2 MiB",
    "ext4/pread_two_ranges/192k": "ext4 read, two ranges",
    "ext4/load/4k": "ext4 load, mapped",
    "xfs/pread/4k": "xfs read 4 KiB",
    "xfs/pwrite/4k": "xfs write 4 KiB",
}

_BRIEF_ROWS = 5  # of the mail that has calls

# What replicas and the kernel beside them are called where there is room.
_REPLICA_HEADINGS = ("this kernel", "patch as published (replica)", "our series (replica)")

REPLICA_COLUMNS = {"patch": "model/kmap_local/", "series": "model/kmap_local_slim/"}
"""Columns of replicas, and the cases that they are made of."""


def pair_table(rows: Iterable[Row], variants: Sequence[str]) -> AnswerTable | None:
    """Costs of a pair on these kernels, baseline first; None where none was measured."""
    return _table(rows, variants, [(label, _in(_KERNEL, cases)) for label, cases in _PAIRS])


def replica_table(rows: Iterable[Row], variant: str) -> AnswerTable | None:
    """The kernel's own pair beside the replicas of the patched path that were measured on it."""
    measured = list(rows)
    tables = [
        _table(measured, [variant], [(label, _in(_KERNEL, cases)) for label, cases in _PAIRS])
    ]
    tables += [
        _table(measured, [variant], [(label, _in(prefix, cases)) for label, cases in _REPLICAS])
        for prefix in REPLICA_COLUMNS.values()
    ]
    if tables[0] is None or tables[1] is None or tables[2] is None:
        return None
    labels = [row.label for row in tables[1].rows]
    return AnswerTable(
        columns=("kernel", *REPLICA_COLUMNS),
        unit=tables[0].unit,
        rows=tuple(
            AnswerRow(label, tuple(_cell_of(table, label) for table in tables if table))
            for label in labels
        ),
        headings=_REPLICA_HEADINGS,
    )


def event_table(rows: Iterable[Row], variants: Sequence[str]) -> AnswerTable | None:
    """Costs of events outside the path on these kernels; None where none was measured."""
    return _table(rows, variants, _EVENTS)


def case_table(rows: Iterable[Row], variants: Sequence[str]) -> AnswerTable | None:
    """Costs of all cases on these kernels by name, for a campaign that has none of the others."""
    measured = [row for row in rows if row.variant in variants]
    cases = dict.fromkeys(row.case for row in measured if row.case != "empty")
    return _table(measured, variants, [(case, (case,)) for case in cases])


def pmem_rows(rows: Iterable[Row]) -> list[Row]:
    """The page of persistent memory, once and nested, as a case of its own on each kernel, whether
    the kernel protects it or not. Empty where no kernel does.
    """
    by_key = {(row.variant, row.case): row for row in rows if not row.skipped}
    variants = dict.fromkeys(variant for variant, _ in by_key)
    return [
        replace(row, case=label)
        for label, cases in PMEM_PAGES.items()
        if any((variant, cases[0]) in by_key for variant in variants)
        for variant in variants
        if (row := by_key.get((variant, cases[0])) or by_key.get((variant, cases[1])))
    ]


def pmem_bars(rows: Iterable[Row], table: AnswerTable, variants: Sequence[str]) -> list[Bar]:
    """The pmem page of each column in parts. variants: the one that each column was measured on.
    Empty where a column has a figure and its parts were not counted.
    """
    measured = table.row(PMEM_PAGE)
    by_key = {(row.variant, row.case): row for row in rows}
    bars = []
    for column, variant, cell in zip(
        table.columns, variants, measured.cells if measured else (), strict=False
    ):
        row = by_key.get((variant, cell.case or ""))
        if cell.value is None or row is None:
            continue
        if row.parts is None:
            return []
        parts = {part: float(count) for part, count in row.parts.items()}
        bars.append(Bar(column, cell.value, parts, cell.writes or 0))
    return bars


def _in(prefix: str, cases: Sequence[str]) -> tuple[str, ...]:
    return tuple(prefix + case for case in cases)


def _cell_of(table: AnswerTable, label: str) -> Cell:
    row = table.row(label)
    return row.cells[0] if row else Cell()


def _table(
    rows: Iterable[Row], variants: Sequence[str], wanted: Sequence[tuple[str, Sequence[str]]]
) -> AnswerTable | None:
    by_key = {(row.variant, row.case): row for row in rows}
    units = {row.clock: row.unit for row in by_key.values()}
    figure, unit = _figure_of(units)
    answered = [
        AnswerRow(label, tuple(_cell(by_key, variant, cases, figure) for variant in variants))
        for label, cases in wanted
    ]
    shown = tuple(row for row in answered if any(cell.value is not None for cell in row.cells))
    return AnswerTable(tuple(variants), unit, shown) if shown else None


def _figure_of(units: dict[str, str]) -> tuple[Callable[[Row], float | None], str]:
    """What stands in the cells, and its unit: counts of the emulator, else core cycles."""
    if "icount" in units:
        return (lambda row: row.cost if row.clock == "icount" else None), units["icount"]
    return (lambda row: row.core_cycles), "core cycles"


def _cell(
    by_key: dict[tuple[str, str], Row],
    variant: str,
    cases: Sequence[str],
    figure: Callable[[Row], float | None],
) -> Cell:
    """Of the first case that the variant did not skip: nothing stands in for one that failed."""
    for case in cases:
        row = by_key.get((variant, case))
        if row is None:
            return Cell()
        if not row.skipped:
            writes = None if row.pkrs_writes is None else float(row.pkrs_writes)
            return Cell(figure(row), row.exact, writes, case)
    return Cell()


def chosen_calls(calls: Iterable[Call], variants: Sequence[str]) -> AnswerTable | None:
    """The calls that stand for the others, in words; the first ones where none of them was made."""
    table = _call_table(calls, variants)
    if table is None:
        return None
    by_label = {row.label: row for row in table.rows}
    chosen = tuple(
        AnswerRow(label, by_label[case].cells) for case, label in _CALLS.items() if case in by_label
    )
    return AnswerTable(table.columns, table.unit, chosen or table.rows[: len(_CALLS)])


def brief_table(pairs: AnswerTable | None, calls: AnswerTable) -> AnswerTable:
    """What a pmem page costs, and the calls of 4 KiB, or else the first ones."""
    page = pairs.row(PMEM_PAGE) if pairs else None
    usual = [row for row in calls.rows if row.label.endswith("4 KiB")] or calls.rows
    rows = [*([page] if page else []), *usual][:_BRIEF_ROWS]
    return AnswerTable(calls.columns, calls.unit, tuple(rows))


def _call_table(calls: Iterable[Call], variants: Sequence[str]) -> AnswerTable | None:
    """Single reads and writes of DAX files on these kernels; None where none was counted."""
    by_key = {(call.variant, call.case): call for call in calls}
    cases = dict.fromkeys(case for _, case in by_key)
    rows = tuple(
        AnswerRow(
            case.removeprefix("dax/"), tuple(_call_cell(by_key, name, case) for name in variants)
        )
        for case in cases
    )
    return AnswerTable(tuple(variants), "instructions", rows) if rows else None


def _call_cell(by_key: dict[tuple[str, str], Call], variant: str, case: str) -> Cell:
    call = by_key.get((variant, case))
    if call is None:
        return Cell()
    return Cell(call.instructions, call.steady, call.pkrs_writes, case)
