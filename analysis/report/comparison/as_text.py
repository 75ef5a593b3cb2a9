# SPDX-License-Identifier: Apache-2.0
"""Plain text of 72 columns, to paste into a mail. A path or name that is longer is not broken:
nobody could copy it.
"""

import textwrap
from collections.abc import Sequence

from analysis.compare.engine import SourcePair
from analysis.data.bad_data import printable
from analysis.report.comparison import format
from analysis.stats.comparison import Comparison

WIDTH = 72
_CASE_WIDTH = 34


def export(groups: Sequence[SourcePair], notes: Sequence[str]) -> str:
    blocks = [_group(group) for group in groups]
    ending = [
        sentence
        for sentence in (format.describe_test(groups), format.describe_aa(groups), *notes)
        if sentence
    ]
    return (
        "\n\n".join(blocks + ["\n".join(line for sentence in ending for line in wrapped(sentence))])
        + "\n"
    )


def _group(group: SourcePair) -> str:
    lines = [
        *wrapped(f"old: {group.old.label}", "     "),
        *wrapped(f"new: {group.new.label}", "     "),
        *wrapped(format.count_verdicts(group)),
    ]
    for title, rows in format.group_by_metric(group).items():
        lines += ["", *wrapped(title)]
        if any(row.exact for row in rows):
            lines.append(f"  {'':{_CASE_WIDTH}}{'old':>9}{'new':>9}{'change':>8}")
        for row in rows:
            lines += comparison_lines(row)
    notes = format.list_notes(group)
    if notes:
        lines += ["", "Notes", *(line for note in notes for line in wrapped(f"- {note}", "  "))]
    return "\n".join(lines)


def comparison_lines(row: Comparison) -> list[str]:
    """Lines of a comparison: one if it is exact, two if it has an interval."""
    case = printable(format.label(row))
    if row.exact:
        figures = (
            f" {format.format_value(row.old):>8} {format.format_value(row.new):>8}"
            f" {format.format_change(row):>7}  {format.word(row)}"
        )
        return (
            [f"  {case:{_CASE_WIDTH}}{figures}"]
            if len(case) <= _CASE_WIDTH
            else [f"  {case}", f"  {'':{_CASE_WIDTH}}{figures}"]
        )
    figures = (
        f"{format.format_value(row.old)} -> {format.format_value(row.new)} "
        f" {format.format_change(row)} {format.format_interval(row)}".rstrip()
    )
    return [
        *wrapped(f"  {case}"),
        *wrapped(
            f"    {format.describe_verdict(row)}: {figures}, {format.count_boots(row)}", "    "
        ),
    ]


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of WIDTH; indent: of all but the first."""
    text = printable(text)
    before = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        text.lstrip(),
        WIDTH,
        initial_indent=before,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
