# SPDX-License-Identifier: Apache-2.0
"""The variants of a campaign against its baseline, in report.txt."""

from collections.abc import Sequence

from analysis.compare.within_campaign import Verdicts
from analysis.fio_model.case_name import run_of
from analysis.report.comparison import as_text as rows_of_time
from analysis.report.comparison import format
from analysis.report.text.layout import WIDTH, beside_each_other, fitting, label_width, wrapped
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import CONFIDENCE, Verdict

# What stands for a verdict where a line is short.
_MARKS = {
    Verdict.SLOWER: ">",
    Verdict.FASTER: "<",
    Verdict.SAME: "=",
    Verdict.UNRESOLVED: "?",
    Verdict.EXPLORATORY: ".",
}
_RUN_WIDTH = 39


def blocks(verdicts: Verdicts) -> list[str]:
    """Counts side by side, then what has an interval, then how it was judged. Empty where nothing
    was compared.
    """
    if not verdicts.groups:
        return []
    found = []
    for family in verdicts.families():
        counted = [row for row in family if row.exact]
        found += _counts(verdicts, counted) if counted else []
        timed = [row for row in family if not row.exact]
        runs = [row for row in timed if run_of(row.case) and row.ratio is not None]
        found += [
            _times(variant, rows)
            for variant, rows in _by_variant([row for row in timed if row not in runs]).items()
        ]
        found += [_runs(variant, rows) for variant, rows in _by_variant(runs).items()]
    return [*found, _judged(verdicts)]


def _by_variant(rows: Sequence[Comparison]) -> dict[str, list[Comparison]]:
    found: dict[str, list[Comparison]] = {}
    for row in rows:
        found.setdefault(row.pair.new.label, []).append(row)
    return found


def _counts(verdicts: Verdicts, rows: list[Comparison]) -> list[str]:
    """A line for each case in which a variant differs; those that are the same in all are named."""
    by_key = {(row.case, row.pair.new.label): row for row in rows}
    changed = {row.case for row in rows if row.verdict is not Verdict.SAME}
    cases = list({row.case: row for row in rows}.values())
    shown = [row for row in cases if row.case in changed]
    width = label_width(changed)
    boots = ", ".join(dict.fromkeys(format.boots(row) for row in rows))
    title = f"Against {verdicts.baseline}: {format.metric(rows[0])}; {boots}"

    def cell(case: str, variant: str) -> str:
        row = by_key.get((case, variant))
        if row is None:
            return ""
        if row.verdict is Verdict.SAME:
            return "same"
        return (
            format.change(row) if row.verdict in (Verdict.SLOWER, Verdict.FASTER) else "?"
        )  # the notes say why

    found = (
        [
            beside_each_other(title, shown, chosen, cell, width)
            for chosen in fitting(_by_variant(rows), WIDTH - width)
        ]
        if shown
        else []
    )
    alike = [row.case for row in cases if row.case not in changed]
    if alike:
        where = "" if shown else f"{title}. "
        found.append(
            "\n".join(
                wrapped(f"{where}The same to the digit in every variant: {', '.join(alike)}.")
            )
        )
    return found


def _times(variant: str, rows: list[Comparison]) -> str:
    old = rows[0].pair.old.label
    return "\n".join(
        [
            *wrapped(f"{variant} against {old}: {format.metric(rows[0])}"),
            *(line for row in rows for line in rows_of_time.of_row(row)),
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
    boots = ", ".join(dict.fromkeys(format.boots(row) for row in rows))
    lines = wrapped(
        f"{variant} against {old}: {format.metric(rows[0])}; {boots}. Percent added and its"
        f" {CONFIDENCE:.0%} interval; {marks}"
    )
    for on in dict.fromkeys(row.case.split("/")[1] for row in rows):
        lines.append(f"  dax/{on}/")
        lines += [_run(row) for row in rows if row.case.split("/")[1] == on]
    return "\n".join(lines)


def _run(row: Comparison) -> str:
    interval = (
        f"[{format.percent(row.ratio_95.low)}, {format.percent(row.ratio_95.high)}]"
        if row.ratio_95
        else ""
    )
    run = row.case.split("/", 2)[2]
    ratio = format.percent(row.ratio)
    return f"  {_MARKS[row.verdict]} {run:{_RUN_WIDTH}}{ratio:>7} {interval}".rstrip()


def _judged(verdicts: Verdicts) -> str:
    counts = ". ".join(f"{group.new.label}: {format.summary(group)}" for group in verdicts.groups)
    sentences = [
        f"Verdicts against {verdicts.baseline}. {counts}.",
        format.test(verdicts.groups),
        format.against_itself(verdicts.groups),
    ]
    return "\n".join(line for sentence in sentences if sentence for line in wrapped(sentence))


def notes(verdicts: Verdicts) -> list[str]:
    """What is to be known of a comparison, the same of several variants once."""
    said = [
        f"{group.new.label} against {group.old.label}: {note}"
        for group in verdicts.groups
        for note in format.notes(group)
    ]
    return said + verdicts.refused
