# SPDX-License-Identifier: Apache-2.0
"""The exit code of a history under --fail-on, by the rules of a comparison's (compare/gate.py)."""

from analysis.compare.gate import DIFFERS, UNRESOLVED, Gate, listed
from analysis.history.case_history import CaseHistory, History
from analysis.stats.verdict import OPEN, Verdict
from formats import exit_codes


def judge_history(history: History, fail_on: str | None) -> Gate:
    """fail_on: one of gate.CHOICES, or None: nothing fails.

    1 where the last change of a case is for the worse; else 3 where a case could not be judged, or
    a campaign could not be read; else 0.
    """
    if fail_on is None:
        return Gate(exit_codes.OK)
    failed = [row for row in history.rows if row.changes and _fails(row, fail_on)]
    unjudged: dict[str, list[str]] = {}
    for row in history.rows:
        why = row.reason or (fail_on == UNRESOLVED and _why_unresolved(row))
        if why:
            unjudged.setdefault(why, []).append(row.case)
    lines = [f"not judged: {listed(names)}: {why}" for why, names in unjudged.items()]
    lines += [f"not read: {why}" for why in history.broken.values()]
    if failed:
        return Gate(exit_codes.FAILED, lines)
    return Gate(exit_codes.UNRESOLVED if lines else exit_codes.OK, lines)


def _fails(row: CaseHistory, fail_on: str) -> bool:
    word = row.changes[-1].verdict
    return word is Verdict.SLOWER or (
        fail_on == DIFFERS and (word is Verdict.WITHIN or word is OPEN[0])
    )


def _why_unresolved(row: CaseHistory) -> str:
    """Why a case without a mark may have changed all the same; empty where it has not."""
    if row.exact or row.changes:
        return ""
    edge = 1 + row.margin if row.is_ratio else row.margin
    if row.smallest is not None and row.smallest <= edge:
        return ""
    return "a change as large as the margin would not be marked"
