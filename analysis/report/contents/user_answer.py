# SPDX-License-Identifier: Apache-2.0
"""The answer of a campaign that has user models only: the patched path as a model in user space."""

from collections.abc import Sequence

from analysis.report.contents.answer_tables import REPLICA_COLUMNS
from analysis.report.model.answer import Answer, AnswerBlock
from analysis.report.model.answer_table import AnswerRow, AnswerTable, Cell
from analysis.summary.cases import Row
from formats.case_names import PMEM_PAGE

# How the PKRS write is stood in for, the closest first, in words.
_WRITES = {
    "wrpkru": "WRPKRU stands in for the PKRS write.",
    "delay": "A loop of an assumed length stands in for the PKRS write (details.txt).",
    "nowrite": "The PKRS write is left out.",
}
_OFF = "off"
# Each pair by itself: a loop of pairs overlaps them, and runs in modes.
_ALONE = "/alone"
_LABELS = {
    "DRAM page": "dram",
    "device page": "devmap",
    PMEM_PAGE: "protected",
    "pmem page nested": "protected_nested",
}


def build_user_answer(rows: Sequence[Row], closing: list[str], source: list[str]) -> Answer:
    """rows: user models; closing, source: the last sentences of the answer."""
    found = _table(rows)
    if found is None:
        return Answer("No kernel case was measured.", source=source)
    table, write = found
    published, series = REPLICA_COLUMNS
    launches = max(row.boots for row in rows)
    return Answer(
        claim=_claim(table),
        setting=[
            f"Core cycles per operation, on this machine; median of {launches} launches. A fence"
            f" keeps operations apart, and is in each figure. {_WRITES[write]}"
        ],
        blocks=[AnswerBlock("", table, False)],
        columns={
            _OFF: "the path as published, with its static key off",
            published: "the path as published",
            series: "the path of our own PKS series",
        },
        closing=closing,
        source=source,
    )


def _table(rows: Sequence[Row]) -> tuple[AnswerTable, str] | None:
    """Core cycles of a pair by the models of the published path and of our series, beside the
    former with its key off, and the key of _WRITES; None where the pmem page was not measured.
    """
    cycles = {row.case: row.core_cycles for row in rows if row.core_cycles is not None}
    prefixes = [f"user/{model.removeprefix('model/')}" for model in REPLICA_COLUMNS.values()]
    write = next(
        (
            write
            for write in _WRITES
            if all(f"{prefix}protected{_ALONE}/{write}" in cycles for prefix in prefixes)
        ),
        None,
    )
    if write is None:
        return None
    off = f"{prefixes[0]}key_off{_ALONE}"
    found = []
    for label, name in _LABELS.items():
        end = f"{name}{_ALONE}/{write}" if label == PMEM_PAGE else f"{name}{_ALONE}"
        cases = [off, *(prefix + end for prefix in prefixes)]
        cells = tuple(Cell(_rounded(cycles.get(case)), False, None, case) for case in cases)
        found.append(AnswerRow(label, cells))
    return AnswerTable((_OFF, *REPLICA_COLUMNS), "core cycles", tuple(found)), write


def _claim(table: AnswerTable) -> str:
    """The pmem page of both models, and what a kernel pays that does not use the key."""
    pmem = table.row(PMEM_PAGE)
    assert pmem is not None
    off, published, series = (cell.value for cell in pmem.cells)
    unused = "" if off is None else f", {off:g} with the key off"
    return (
        f"PKS in kmap_local_page()/kunmap_local(), modelled in user space: {published:g} core"
        f" cycles for a {PMEM_PAGE} as published, {series:g} in our series{unused}"
    )


def _rounded(cycles: float | None) -> float | None:
    """Models repeat to about a percent: a digit behind the point is the last that says anything."""
    return None if cycles is None else round(cycles, 1)
