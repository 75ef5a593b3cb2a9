# SPDX-License-Identifier: Apache-2.0
"""Figures as a table: what the page shows of them, and the file that a reader can take away."""

import csv
import io
from dataclasses import dataclass

Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A table with one heading a column; what a row lacks is None."""

    name: str  # of the file, without suffix
    heading: str
    caption: str  # clock, kernel, boots, and how to read it
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def csv(self) -> str:
        """With a line of headings; figures in full, none as an empty field."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue()
