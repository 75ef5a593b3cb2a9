# SPDX-License-Identifier: Apache-2.0
"""The tables of an answer: figures by kind of page or event, and by kernel."""

from dataclasses import dataclass, replace

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
    is_compared: bool = True  # False: the last column may not be held against the first

    @property
    def added(self) -> float | None:
        """What the last column takes more than the first."""
        first, last = self.cells[0].value, self.cells[-1].value
        if not self.is_compared or first is None or last is None:
            return None
        return last - first

    @property
    def is_exact(self) -> bool:
        """Whether what is added is the same in all boots."""
        return self.cells[0].exact and self.cells[-1].exact

    @property
    def percent(self) -> float | None:
        """The same in percent of the first column."""
        first, added = self.cells[0].value, self.added
        return 100 * added / first if first and added is not None else None

    @property
    def percent_in_words(self) -> str:
        """With two digits and a sign where it is below 0; empty where there is none."""
        percent = self.percent
        if percent is None:
            return ""
        if 0 < abs(percent) < 0.01:
            return "<0.01 %"
        digits = 0 if abs(percent) >= 9.95 or percent == 0 else 1 if abs(percent) >= 0.995 else 2
        return f"{percent:.{digits}f} %"


@dataclass(frozen=True)
class AnswerTable:
    """Rows with a figure for each kernel; the first is the baseline, the last the subject."""

    columns: tuple[str, ...]
    unit: str
    rows: tuple[AnswerRow, ...]
    headings: tuple[str, ...] = ()  # of the columns where there is room; empty: their names

    def row(self, label: str) -> AnswerRow | None:
        """The row of a label; None: it was not measured."""
        return next((row for row in self.rows if row.label == label), None)

    def without_differences(self) -> "AnswerTable":
        """The table where its last column may not be held against the first."""
        rows = tuple(replace(row, is_compared=False) for row in self.rows)
        return replace(self, rows=rows)

    def first(self, number: int) -> "AnswerTable":
        """The table with so many rows at most."""
        return replace(self, rows=self.rows[:number])

    @property
    def borrowed(self) -> list[str]:
        """Columns that measured a page of persistent memory as `devmap`, not being protected."""
        row = self.row(PMEM_PAGE)
        cells = zip(self.columns, row.cells, strict=True) if row else []
        return [name for name, cell in cells if cell.case == UNPROTECTED_CASE]
