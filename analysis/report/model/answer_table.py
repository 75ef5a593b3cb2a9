# SPDX-License-Identifier: Apache-2.0
"""The tables of an answer: figures by kind of page or event, and by kernel."""

from dataclasses import dataclass

from formats.case_names import PMEM_PAGE, PMEM_PAGES

_, UNPROTECTED_CASE = PMEM_PAGES[PMEM_PAGE]


@dataclass(frozen=True)
class Cell:
    """A figure of an answer. None: not measured."""

    value: float | None = None  # in the table's unit
    exact: bool = True  # the same in all samples of all boots
    writes: float | None = None  # PKRS writes an operation; None: not counted
    case: str | None = None  # which case it was measured as


@dataclass(frozen=True)
class AnswerRow:
    """A kind of page, or an event, over all columns of its table."""

    label: str  # with two blanks in front: belongs to the row above
    cells: tuple[Cell, ...]

    @property
    def added(self) -> float | None:
        """What the last column takes more than the first."""
        first, last = self.cells[0].value, self.cells[-1].value
        return None if first is None or last is None else last - first

    @property
    def percent(self) -> float | None:
        """The same in percent of the first column."""
        first, added = self.cells[0].value, self.added
        return 100 * added / first if first and added is not None else None


@dataclass(frozen=True)
class AnswerTable:
    """Rows with a figure for each kernel; the first is the baseline, the last the subject."""

    columns: tuple[str, ...]
    unit: str
    rows: tuple[AnswerRow, ...]

    def row(self, label: str) -> AnswerRow | None:
        """The row of a label; None: it was not measured."""
        return next((row for row in self.rows if row.label == label), None)

    def first(self, number: int) -> "AnswerTable":
        """The table with so many rows at most."""
        return AnswerTable(self.columns, self.unit, self.rows[:number])

    @property
    def borrowed(self) -> list[str]:
        """Columns that measured a page of persistent memory as `devmap`, not being protected."""
        row = self.row(PMEM_PAGE)
        cells = zip(self.columns, row.cells, strict=True) if row else []
        return [name for name, cell in cells if cell.case == UNPROTECTED_CASE]
