# SPDX-License-Identifier: Apache-2.0
"""The first sentence of an answer: what the subject pays more than the baseline."""

from collections.abc import Container, Sequence

from analysis.data.grouping import group_by
from analysis.report.model.answer_table import AnswerRow, AnswerTable
from formats.case_names import PMEM_PAGE
from formats.figures import to_digits

_MOST_NAMED = 2  # rows of a claim


def claim(
    pairs: AnswerTable | None,
    events: AnswerTable | None,
    calls: AnswerTable | None,
    columns: Sequence[str],
    refused: Container[str],
    is_pks: bool = True,
) -> str:
    """The first that can be said of: calls, pairs, events; with what a kernel pays that does not
    use it. refused: kernels that may not be held against the baseline; is_pks: whether what the
    subject has more than the baseline is PKS.
    """
    what = "PKS" if is_pks else f"{columns[-1]} against {columns[0]},"
    if len(columns) == 1:
        return f"{columns[0]}: what map and unmap cost; there is no kernel to hold it against"
    if columns[-1] in refused:
        return _not_compared(columns)
    if calls and (rows := _compared(calls)):
        first = rows[:_MOST_NAMED]
        return f"{what} on DAX files: {_named(first, calls.unit, True)}{_unused(calls, refused)}"
    if pairs and (rows := _compared(pairs)):
        first = sorted(rows, key=lambda row: row.label != PMEM_PAGE)[:_MOST_NAMED]
        said = f"{_named(first, pairs.unit)}{_unused(pairs, refused)}"
        return f"{what} in kmap_local_page()/kunmap_local(): {said}"
    if events and (rows := _compared(events)):
        first = [rows[0], *(row for row in rows[1:_MOST_NAMED] if _belongs_above(row))]
        said = f"{_named(first, events.unit, True)}{_unused(events, refused)}"
        return f"{what} outside the path: {said}"
    return f"{columns[-1]} against {columns[0]}: no case was measured on both"


def claim_of_replicas(table: AnswerTable) -> str:
    """What each replica adds to the pmem page, or else to the first page that all have. table: the
    kernel's own path, the path as published, that of our series.
    """
    added = {
        row.label: [None if cell.value is None else cell.value - base for cell in row.cells[1:]]
        for row in table.rows
        if (base := row.cells[0].value) is not None
    }
    whole = [label for label, values in added.items() if None not in values]
    label = PMEM_PAGE if PMEM_PAGE in whole else "".join(whole[:1])
    start = "PKS in kmap_local_page()/kunmap_local(), replicated on this kernel:"
    row = table.row(label)
    if row is None:
        return f"{start} nothing to hold it against was measured"
    published, series = (
        _amount(value, table.unit, cell.writes)
        for value, cell in zip(added[label], row.cells[1:], strict=True)
        if value is not None
    )
    return f"{start} {published} for a {label} as published, {series} in our series"


def claim_of_cases(table: AnswerTable) -> str:
    """What differs most between baseline and subject, or the first figure of a lone kernel."""
    subject, first = table.columns[-1], table.rows[0]
    if len(table.columns) == 1:
        figure = first.cells[0].value
        return f"{subject}: {_plain(figure)} {_unit(table.unit, figure)} for {first.label}"
    if not first.is_compared:
        return _not_compared(table.columns)
    both = [row for row in table.rows if row.added is not None]
    most = max(both, key=lambda row: abs(row.added or 0.0), default=None)
    if most is None or not most.added:
        cases = f"{len(both)} case{'' if len(both) == 1 else 's'}"
        return f"{subject} against {table.columns[0]}: no difference in {cases}"
    return (
        f"{subject} against {table.columns[0]}: {_amount(most.added, table.unit, None)} for"
        f" {most.label}, the most of {len(both)} cases"
    )


def signed(value: float) -> str:
    """A difference as people write it; nothing is 0."""
    return f"{'+' if value > 0 else ''}{_plain(value)}" if value else "0"


def _not_compared(columns: Sequence[str]) -> str:
    return f"{columns[-1]} was not compared with {columns[0]}"


def _plain(value: float | None) -> str:
    return "-" if value is None else to_digits(value)


def _compared(table: AnswerTable) -> list[AnswerRow]:
    return [row for row in table.rows if row.added is not None]


def _amount(added: float, unit: str, writes: float | None) -> str:
    """+51 instructions and 2 PKRS writes."""
    return f"{signed(added)} {_unit(unit, added)}" + (
        f" and {writes:g} PKRS writes" if writes else ""
    )


def _unit(unit: str, figure: float | None) -> str:
    """Of one: an instruction."""
    return unit.removesuffix("s") if figure is not None and abs(figure) == 1 else unit


def _named(rows: Sequence[AnswerRow], unit: str, with_percent: bool = False) -> str:
    """What is added to each of these rows; rows to which the same is added are named together."""

    def amount(row: AnswerRow) -> str:
        return _amount(row.added or 0.0, unit, row.cells[-1].writes)

    def label(row: AnswerRow) -> str:
        percent = f" ({row.percent_in_words})" if with_percent and row.added else ""
        return f"{_with_article(row)}{percent}"

    return ", ".join(
        f"{added} for {' and '.join(map(label, same))}"
        for added, same in group_by(rows, amount).items()
    )


def _belongs_above(row: AnswerRow) -> bool:
    return row.label.startswith(" ")


def _with_article(row: AnswerRow) -> str:
    label = row.label.strip()
    if _belongs_above(row):
        return f"one {label}"
    spelled = label.startswith(("NMI", "INT3", "xfs"))
    return f"{'an' if spelled or label[0] in 'aeiou' else 'a'} {label}"


def _unused(table: AnswerTable, refused: Container[str]) -> str:
    """What the kernels between baseline and subject pay, in the first row."""
    first = table.rows[0]
    base = first.cells[0].value
    said = [
        f"{signed(cell.value - base)} on {name}"
        for name, cell in list(zip(table.columns, first.cells, strict=True))[1:-1]
        if base is not None and cell.value is not None and name not in refused
    ]
    return f"; {', '.join(reversed(said))}" if said else ""
