# SPDX-License-Identifier: Apache-2.0
"""A history as Markdown, for a merge request or an issue."""

from analysis.history.case_history import CaseHistory, History
from analysis.report.comparison.as_markdown import escaped
from analysis.report.history import history_sentences as sentences


def export(history: History) -> str:
    blocks = [f"{sentences.heading(history)}: {sentences.count_words(history.rows)}"]
    for title, rows in sentences.group_rows(history).items():
        lines = ["| case | changes | now |", "|---|---|---|"]
        blocks += [f"{escaped(title)}:", "\n".join(lines + [_row(row) for row in rows])]
    return "\n\n".join([*blocks, *map(escaped, sentences.endings(history))]) + "\n"


def _row(row: CaseHistory) -> str:
    changes = [
        " ".join(
            escaped(part)
            for part in (
                sentences.describe_change(row, change),
                sentences.describe_differing(change),
            )
            if part
        )
        for change in row.changes
    ]
    cells = (escaped(row.case), "<br>".join(changes), escaped(sentences.describe_now(row)))
    return f"| {' | '.join(cells)} |"
