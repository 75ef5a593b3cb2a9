# SPDX-License-Identifier: Apache-2.0
"""Verdicts in report.txt: the variants of a campaign against its baseline."""

from collections.abc import Collection

from analysis.compare.within_campaign import Verdicts
from analysis.data.grouping import group_by
from analysis.report.comparison import as_text, format
from analysis.report.text.layout import WIDTH, beside_each_other, fitting, label_width, wrapped
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import CONFIDENCE, Verdict

# Marks of the verdicts where a line is short.
_MARKS = {
    Verdict.SLOWER: ">",
    Verdict.FASTER: "<",
    Verdict.SAME: "=",
    Verdict.WITHIN: "~",
    Verdict.SLOWER_OPEN: "}",
    Verdict.FASTER_OPEN: "{",
    Verdict.UNRESOLVED: "?",
    Verdict.EXPLORATORY: ".",
}
_RUN_WIDTH = 39


def verdict_blocks(verdicts: Verdicts, fio_cases: Collection[str]) -> list[str]:
    """Counts side by side, then intervals, then how they were judged; none if nothing was compared.

    fio_cases: cases of fio, which are many and have a line each.
    """
    if not verdicts.groups:
        return []
    blocks = []
    for family in verdicts.families:
        counted = [row for row in family if row.exact]
        blocks += _counts(verdicts, counted) if counted else []
        timed = group_by(
            [row for row in family if not row.exact],
            lambda row: row.case in fio_cases and row.ratio is not None,
        )
        others, runs = (group_by(timed.get(is_run, []), _variant) for is_run in (False, True))
        blocks += [_times(variant, rows) for variant, rows in others.items()]
        blocks += [_runs(variant, rows) for variant, rows in runs.items()]
    return [*blocks, _judged(verdicts)]


def _variant(row: Comparison) -> str:
    return row.pair.new.label


def _counts(verdicts: Verdicts, rows: list[Comparison]) -> list[str]:
    """A line for each case in which a variant differs; those that are the same in all are named."""
    by_key = {(row.case, row.pair.new.label): row for row in rows}
    changed = {row.case for row in rows if row.verdict is not Verdict.SAME}
    cases = list({row.case: row for row in rows}.values())
    shown = [row for row in cases if row.case in changed]
    width = label_width(changed)
    boots = ", ".join(dict.fromkeys(format.count_boots(row) for row in rows))
    title = f"Against {verdicts.baseline}: {format.describe_metric(rows[0].metric)}; {boots}"

    def cell(case: str, variant: str) -> str:
        row = by_key.get((case, variant))
        if row is None:
            return ""
        if row.verdict is Verdict.SAME:
            return "same"
        return (
            format.format_change(row) if row.verdict in (Verdict.SLOWER, Verdict.FASTER) else "?"
        )  # the notes say why

    blocks = (
        [
            beside_each_other(title, shown, variants, cell, width)
            for variants in fitting(dict.fromkeys(map(_variant, rows)), WIDTH - width)
        ]
        if shown
        else []
    )
    alike = [row.case for row in cases if row.case not in changed]
    if alike:
        where = "" if shown else f"{title}. "
        blocks.append(
            "\n".join(
                wrapped(f"{where}The same to the digit in every variant: {', '.join(alike)}.")
            )
        )
    return blocks


def _times(variant: str, rows: list[Comparison]) -> str:
    old = rows[0].pair.old.label
    return "\n".join(
        [
            *wrapped(f"{variant} against {old}: {format.describe_metric(rows[0].metric)}"),
            *(line for row in rows for line in as_text.comparison_lines(row)),
        ]
    )


def _runs(variant: str, rows: list[Comparison]) -> str:
    """Those of fio are many: a line each."""
    old = rows[0].pair.old.label
    marks = ", ".join(
        f"{mark} {verdict}"
        for verdict, mark in _MARKS.items()
        if any(row.verdict is verdict for row in rows)
    )
    boots = ", ".join(dict.fromkeys(format.count_boots(row) for row in rows))
    lines = wrapped(
        f"{variant} against {old}: {format.describe_metric(rows[0].metric)}; {boots}. Percent added"
        f" and its {CONFIDENCE:.0%} interval; {marks}"
    )
    for file_system, own in group_by(rows, lambda row: row.case.split("/")[1]).items():
        lines.append(f"  dax/{file_system}/")
        lines += map(_run, own)
    return "\n".join(lines)


def _run(row: Comparison) -> str:
    interval = (
        f"[{format.format_percent(row.ratio_95.low)}, {format.format_percent(row.ratio_95.high)}]"
        if row.ratio_95
        else ""
    )
    run = row.case.split("/", 2)[2]
    ratio = "" if row.ratio is None else format.format_percent(row.ratio)
    return f"  {_MARKS[row.verdict]} {run:{_RUN_WIDTH}}{ratio:>7} {interval}".rstrip()


def _judged(verdicts: Verdicts) -> str:
    counts = ". ".join(
        f"{group.new.label}: {format.count_verdicts(group)}" for group in verdicts.groups
    )
    sentences = [
        f"Verdicts against {verdicts.baseline}. {counts}.",
        format.describe_test(verdicts.groups),
        format.describe_aa(verdicts.groups),
    ]
    return "\n".join(line for sentence in sentences if sentence for line in wrapped(sentence))
