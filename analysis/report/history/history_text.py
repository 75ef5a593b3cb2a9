# SPDX-License-Identifier: Apache-2.0
"""A history as plain text of 72 columns, to paste into a mail."""

from analysis.history.case_history import CaseHistory, History
from analysis.report.comparison.as_text import wrapped
from analysis.report.history import history_sentences as sentences


def export(history: History) -> str:
    lines = wrapped(sentences.heading(history)) + wrapped(sentences.count_words(history.rows))
    for title, rows in sentences.group_rows(history).items():
        lines += ["", *wrapped(title)]
        for row in rows:
            lines += _row(row)
    endings = [line for one in sentences.endings(history) for line in wrapped(one)]
    return "\n".join([*lines, "", *endings]) + "\n"


def _row(row: CaseHistory) -> list[str]:
    lines = wrapped(f"  {row.case}")
    for change in row.changes:
        lines += wrapped(f"    {sentences.describe_change(row, change)}", "      ")
        differing = sentences.describe_differing(change)
        lines += wrapped(f"      {differing}", "        ") if differing else []
    return lines + wrapped(f"    {sentences.describe_now(row)}", "      ")
