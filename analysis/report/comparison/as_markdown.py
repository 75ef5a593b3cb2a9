# SPDX-License-Identifier: Apache-2.0
"""Markdown, for a merge request or an issue."""

from collections.abc import Sequence

from analysis.compare.engine import SourcePair
from analysis.data.bad_data import printable
from analysis.report.comparison import format
from analysis.report.comparison.comparison_table import ComparisonTable, build_table
from analysis.stats.verdict import Verdict

_SPECIAL = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_{}[]<>()#+!|~&"})


def export(groups: Sequence[SourcePair], notes: Sequence[str]) -> str:
    blocks = []
    for group in groups:
        blocks.append(
            f"**{escaped(group.new.label)}** against **{escaped(group.old.label)}**:"
            f" {escaped(format.count_verdicts(group))}"
        )
        for title, rows in format.group_by_metric(group).items():
            unchanged = [row for row in rows if row.verdict in (Verdict.SAME, Verdict.WITHIN)]
            others = [row for row in rows if row not in unchanged]
            blocks.append(f"{escaped(build_table(title, rows, rows).caption)}:")
            if others:
                blocks.append(_table(build_table(title, others, rows)))
            if unchanged:
                summary = f"<summary>{len(unchanged)} unchanged</summary>"
                table = _table(build_table(title, unchanged, rows))
                blocks += [f"<details>{summary}", table, "</details>"]
        blocks.append("\n".join(f"- {escaped(note)}" for note in format.list_notes(group)))
    blocks += [
        escaped(sentence)
        for sentence in (format.describe_test(groups), format.describe_aa(groups), *notes)
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(table: ComparisonTable) -> str:
    lines = [
        f"| case | {' | '.join(table.headings)} |",
        f"|---|{'---:|' * (len(table.headings) - 1)}---|",
    ]
    for row, cells in table.rows:
        # A reader of a merge request looks for what is worse.
        stars = "**" if row.verdict in (Verdict.SLOWER, Verdict.SLOWER_OPEN) else ""
        shown = " | ".join([*cells[:-1], f"{stars}{cells[-1]}{stars}"])
        lines.append(f"| {code_of(format.label(row))} | {shown} |")
    return "\n".join(lines)


def code_of(text: str) -> str:
    """A name as code, so that nothing in it has to be escaped, where it cannot end a cell or the
    code.
    """
    text = printable(text)
    return escaped(text) if set(text) & set("|`\\") else f"`{text}`"


def escaped(text: str) -> str:
    """Names are anybody's; none of them may become markup, or end a cell or a line."""
    return printable(text).translate(_SPECIAL)
