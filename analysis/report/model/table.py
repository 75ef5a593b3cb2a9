# SPDX-License-Identifier: Apache-2.0
"""A table of results: shown on the page, and offered there as a CSV file."""

import csv
import io
from dataclasses import dataclass

Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A table with one heading per column; a value that a row lacks is None."""

    name: str  # of the CSV file, without suffix
    heading: str
    caption: str  # clock, kernel, boots, and how to read it
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def csv(self) -> str:
        """CSV with a line of headings; numbers at full precision, None as an empty field."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue()
