# SPDX-License-Identifier: Apache-2.0
"""Markdown, for a merge request or an issue."""

from collections.abc import Sequence

from analysis.compare.engine import SourcePair
from analysis.data.bad_data import printable
from analysis.report.comparison import format
from analysis.stats.comparison import Comparison
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
            blocks.append(f"{escaped(title)}:")
            if others:
                blocks.append(_table(others))
            if unchanged:
                summary = f"<summary>{len(unchanged)} unchanged</summary>"
                blocks += [f"<details>{summary}", _table(unchanged), "</details>"]
        blocks.append("\n".join(f"- {escaped(note)}" for note in format.list_notes(group)))
    blocks += [
        escaped(sentence)
        for sentence in (format.describe_test(groups), format.describe_aa(groups), *notes)
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(rows: Sequence[Comparison]) -> str:
    lines = [
        "| case | old | new | change | 95 % | of | verdict |",
        "|---|---:|---:|---:|---|---|---|",
    ]
    for row in rows:
        figures = (
            format.format_value(row.old),
            format.format_value(row.new),
            format.format_change(row),
            format.format_interval(row),
            format.count_boots(row),
        )
        case = escaped(format.label(row))
        # A reader of a merge request looks for what is worse.
        stars = "**" if row.verdict in (Verdict.SLOWER, Verdict.SLOWER_OPEN) else ""
        lines.append(f"| {case} | {' | '.join(figures)} | {stars}{format.word(row)}{stars} |")
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Names are anybody's; none of them may become markup, or end a cell or a line."""
    return printable(text).translate(_SPECIAL)
