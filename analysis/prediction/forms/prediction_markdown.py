# SPDX-License-Identifier: Apache-2.0
"""A prediction as Markdown."""

from collections.abc import Sequence

from analysis.prediction import prediction_words as words
from analysis.prediction.predicted_cycles import Prediction


def export(prediction: Prediction) -> str:
    """The same as the text, in the same order."""
    blocks = [f"**{words.title(prediction)}**", words.fitness(prediction)]
    for cpu in prediction.cpus:
        rows = [words.case_cells(one, cpu) for one in prediction.cases if not one.refused]
        if rows:
            blocks += [
                words.cases_heading(prediction, cpu) + ":",
                _table(words.CASE_COLUMNS, rows, 2),
            ]
    blocks += words.notes(prediction)
    if prediction.errors:
        rows = [words.error_cells(one) for one in prediction.errors]
        blocks += [words.errors_heading(prediction) + ":", _table(words.ERROR_COLUMNS, rows, 1)]
    blocks += [f"- {line}" for line in words.refusals(prediction)]
    return "\n\n".join(blocks) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], names: int) -> str:
    """names: how many columns are names, which stand to the left."""
    rules = ["---"] * names + ["---:"] * (len(columns) - names)
    lines = [columns, rules, *([f"`{row[0]}`", *row[1:]] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
