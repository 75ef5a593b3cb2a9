# SPDX-License-Identifier: Apache-2.0
"""A prediction as text."""

from collections.abc import Sequence

from analysis.prediction import prediction_words as words
from analysis.prediction.predicted_cycles import Prediction
from analysis.report.text.layout import wrapped


def export(prediction: Prediction) -> str:
    """The fitness first, then what is predicted, then the errors."""
    lines = [*wrapped(words.title(prediction)), "", *wrapped(words.fitness(prediction))]
    for cpu in prediction.cpus:
        rows = [words.case_cells(one, cpu) for one in prediction.cases if not one.refused]
        if rows:
            heading = words.cases_heading(prediction, cpu)
            lines += ["", *wrapped(heading), *_table(words.CASE_COLUMNS, rows, 2)]
    lines.append("")
    for note in words.notes(prediction):
        lines += wrapped(note)
    if prediction.errors:
        rows = [words.error_cells(one) for one in prediction.errors]
        heading = words.errors_heading(prediction)
        lines += ["", *wrapped(heading), *_table(words.ERROR_COLUMNS, rows, 1)]
    if said := words.refusals(prediction):
        lines += ["", *(line for one in said for line in wrapped(one, "  "))]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], names: int) -> list[str]:
    """names: how many columns are names, which stand to the left."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    return [
        "  "
        + "  ".join(
            f"{cell:<{width}}" if place < names else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (columns, *rows)
    ]
