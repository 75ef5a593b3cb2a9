# SPDX-License-Identifier: Apache-2.0
"""Sentences that all forms of a history have in common."""

from collections import Counter
from collections.abc import Sequence

from analysis.data.grouping import group_by
from analysis.history.case_history import CaseHistory, Change, History
from analysis.report.comparison import format
from analysis.stats import change_points
from analysis.stats.verdict import MARGIN_SHARE, SAME_CONFIDENCE, Verdict

# Of what changed with a level so many facts are named.
_NAMED = 4
# Campaigns that could not be read are named, up to so many.
_NAMED_BROKEN = 3


def heading(history: History) -> str:
    """How many campaigns there are, and of which time."""
    first, last = history.campaigns[0], history.campaigns[-1]
    days = " to ".join(dict.fromkeys(one.begun.split("T")[0] for one in (first, last)))
    many = len(history.campaigns)
    return f"{many} campaign{'s' if many > 1 else ''}, {days}, in the order in which they began"


def group_rows(history: History) -> dict[str, list[CaseHistory]]:
    """Rows by what they have in common: variant, metric and machine."""
    return group_by(
        history.rows,
        lambda row: f"{row.variant}: {format.describe_metric(row.metric)}; {row.machine}",
    )


def count_words(rows: Sequence[CaseHistory]) -> str:
    """How many cases have changed last in which way."""
    changed = [(row.changes[-1].verdict, row.metric) for row in rows if row.changes]
    changed.sort(key=lambda last: list(Verdict).index(last[0]))
    counts = Counter(format.word_of(*last) for last in changed)
    steady = sum(not row.changes and not row.reason for row in rows)
    counts.update({"steady": steady, "not judged": len(rows) - steady - len(changed)})
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def describe_change(row: CaseHistory, change: Change) -> str:
    """By how much, and from which campaign on."""
    return (
        f"{word(row, change)}: {amount(row, change)} from {change.after.name} on (before:"
        f" {change.before.name})"
    )


def word(row: CaseHistory, change: Change) -> str:
    """The verdict in print: a count is more or fewer, and never slow."""
    return format.word_of(change.verdict, row.metric)


def amount(row: CaseHistory, change: Change) -> str:
    """How much a level moved, with the interval where there is one."""
    unit, ends = row.metric.unit, change.interval
    if ends is None:
        return f"{change.difference:+.10g} {unit}"
    if change.ratio is None:
        return f"{change.difference:+.4g} {unit} [{ends.low:.4g}, {ends.high:.4g}]"
    low, high = (format.format_percent(end) for end in (ends.low, ends.high))
    return f"{format.format_percent(change.ratio)} % [{low}, {high}]"


def describe_differing(change: Change) -> str:
    """Which facts changed with a level; empty where none is known."""
    facts = list(change.differing.items())
    if not facts:
        return ""
    named = ", ".join(f"{name} ({before}; {after})" for name, (before, after) in facts[:_NAMED])
    more = f" and {len(facts) - _NAMED} more" if len(facts) > _NAMED else ""
    return f"changed with it: {named}{more}"


def describe_now(row: CaseHistory) -> str:
    """The level of today, since when, and how small a change would be marked."""
    since = f"{row.since} campaign{'s' if row.since > 1 else ''}"
    level = f"now {format.format_value(row.level)} {row.metric.unit}, {since}"
    if row.reason:
        return f"{level}; not judged: {row.reason}"
    if row.smallest is None:
        return level
    size = (
        f"{format.format_percent(row.smallest).lstrip('+')} %"
        if row.is_ratio
        else f"{row.smallest:.3g} {row.metric.unit}"
    )
    return f"{level}; a change of {size} would be marked after {change_points.LASTING} more"


def endings(history: History) -> list[str]:
    """How marks were reached, and what could not be read."""
    sentences = []
    if any(not row.exact for row in history.rows):
        sentences.append(
            "A level has changed where normal scores of ranks before and after differ by more than"
            f" chance makes them: it ever does so in {change_points.MARKED_EVER:.1%} of histories"
            " without a change that are looked at after each campaign. That is by the spread of the"
            f" case's own past; with the {SAME_CONFIDENCE:.0%} interval of the change. `slower`,"
            " `faster` (of counts `more`, `fewer`): it is beyond the margin"
            f" ({MARGIN_SHARE:.0%}, or a core cycle), `within the margin`: inside, `size open`: one"
            " or the other."
        )
    if any(row.exact for row in history.rows):
        sentences.append("Counts that repeat to the digit are compared exactly.")
    reasons = list(history.broken.values())
    sentences += [f"not read: {why}" for why in reasons[:_NAMED_BROKEN]]
    if len(reasons) > _NAMED_BROKEN:
        sentences.append(f"not read: {len(reasons) - _NAMED_BROKEN} more")
    return sentences
