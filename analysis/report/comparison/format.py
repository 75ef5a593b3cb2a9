# SPDX-License-Identifier: Apache-2.0
"""Figures and sentences that all forms of a comparison have in common."""

import math
from collections.abc import Sequence

from analysis.compare.engine import SourcePair
from analysis.compare.source import PKRS_WRITES
from analysis.data.grouping import group_by
from analysis.stats.comparison import Comparison
from analysis.stats.sample import Metric, Unit
from analysis.stats.verdict import (
    ALPHA,
    CHANGED,
    CONFIDENCE,
    MARGIN_CYCLES,
    MARGIN_SHARE,
    MOST_MARGIN_SHARE,
    SAME_CONFIDENCE,
    Verdict,
    judge_change,
)
from formats.case_names import OF_THE_MODULE
from formats.figures import to_digits

_CLOCKS = {
    "icount": "emulated, counted",
    "tsc": "by the time stamp counter",
    "wall": "by the wall clock",
    "cpu": "by the CPU clock",
}
_OF_COUNTS = {
    Verdict.SLOWER: "more",
    Verdict.FASTER: "fewer",
    Verdict.SLOWER_OPEN: "more, size open",
    Verdict.FASTER_OPEN: "fewer, size open",
}
# What is not said by figures is named with so many cases.
_NAMED = 3
# Ratios with four decimals; others have four digits.
_PLAIN_RATIOS = (0.01, 1000)


def format_value(value: float) -> str:
    return to_digits(value, 6)


def format_change(row: Comparison) -> str:
    """New against old: = for the same files, +N where counted, else the ratio, or a difference
    where there is none.
    """
    if row.pair.identical:
        return "="
    if row.exact:
        return "0" if row.difference == 0 else f"{row.difference:+.10g}"
    return f"x{format_ratio(row.ratio)}" if row.ratio is not None else f"{row.difference:+.4g}"


def format_ratio(ratio: float) -> str:
    """A ratio of which digits are left, however small or large it is."""
    return f"{ratio:.4f}" if _PLAIN_RATIOS[0] <= ratio < _PLAIN_RATIOS[1] else f"{ratio:.4g}"


def format_interval(row: Comparison) -> str:
    """That of `change`; empty where there is none: exact, or too few."""
    bounds = row.ratio_95 or row.difference_95
    return (
        ""
        if bounds is None
        else (
            f"[{format_ratio(bounds.low)}, {format_ratio(bounds.high)}]"
            if row.ratio_95
            else f"[{bounds.low:.4g}, {bounds.high:.4g}]"
        )
    )


def format_percent(ratio: float) -> str:
    """What a ratio adds, in at most six letters: an interval of few boots may have its end far
    away. No minus before nothing.
    """
    added = (ratio - 1) * 100
    if abs(added) >= 100:
        return f"{added:+.0f}" if added < 99_999 else f"{added:+.1g}"
    decimals = 2 if abs(added) < 10 else 1
    return f"{round(added, decimals) + 0.0:+.{decimals}f}"


def format_share(share: float) -> str:
    """A share of 0 or more in percent, with two digits or all that are before the point."""
    percent = share * 100
    return f"{percent:.0f} %" if percent >= 99.5 else f"{percent:.2g} %"


def count_boots(row: Comparison) -> str:
    """Boots (or launches, or repetitions) per side, as 6+6 boots."""
    plural = {Unit.BOOT: "boots", Unit.LAUNCH: "launches", Unit.REPETITION: "repetitions"}[
        row.pair.new.unit
    ]
    return f"{row.n_old}+{row.n_new} {plural}"


def describe_metric(metric: Metric) -> str:
    """Name, unit, clock and direction."""
    name, clock = metric.name.replace("_", " "), metric.clock
    return f"{name}, {metric.unit}, {_CLOCKS.get(clock, clock)}; {metric.better} is better"


def group_by_metric(group: SourcePair) -> dict[str, list[Comparison]]:
    """Comparisons by the description of their metric, what is no difference between kernels apart
    from the others. PKRS writes of a case are with its cost.
    """
    of_costs: dict[str, str] = {}
    for row in group.rows:
        if row.metric.name != PKRS_WRITES:
            of_costs.setdefault(row.case, _title(row))

    def title(row: Comparison) -> str:
        is_beside_cost = row.metric.name == PKRS_WRITES and row.case in of_costs
        return of_costs[row.case] if is_beside_cost else _title(row)

    return group_by(group.rows, title)


def label(row: Comparison) -> str:
    """The case, or what else is counted of the case in the row above."""
    return f"{row.case}: PKRS writes" if row.metric.name == PKRS_WRITES else row.case


def _title(row: Comparison) -> str:
    title = describe_metric(row.metric)
    if OF_THE_MODULE.fullmatch(row.case):
        return f"The module's own code, no difference between kernels: {title}"
    return title


def word(row: Comparison) -> str:
    """The verdict in print: a count is more or fewer, and never slow; a margin is told by its
    size.
    """
    if row.verdict is Verdict.WITHIN and row.ratio and row.margin and not is_count(row.metric):
        return f"within {(row.margin.high - 1) * 100:.2g} %"
    return word_of(row.verdict, row.metric)


def word_of(verdict: Verdict, metric: Metric) -> str:
    """A verdict about a metric, as it is printed."""
    said = str(verdict)
    return _OF_COUNTS.get(verdict, said) if is_count(metric) else said


def is_count(metric: Metric) -> bool:
    """Whether it counts what is executed, and so is never slow."""
    return metric.clock == "icount" and metric.better == "lower"


def count_verdicts(group: SourcePair) -> str:
    """How many of each verdict, and where the largest change is. PKRS writes that changed as the
    cost of their case did are not counted again.
    """
    if group.identical:
        return "the same files: nothing can differ"
    rows = group.rows + group.left_out
    costs = {row.case: row for row in rows if row.metric.name != PKRS_WRITES}
    counted = [
        row
        for row in rows
        if row.case not in costs or row is costs[row.case] or row.verdict != costs[row.case].verdict
    ]
    by_verdict = sorted(counted, key=lambda row: list(Verdict).index(row.verdict))
    counts = ", ".join(f"{len(rows)} {said}" for said, rows in group_by(by_verdict, word).items())
    changed = [row for row in counted if row.verdict in CHANGED]
    if not changed:
        return counts
    most = max(changed, key=lambda row: abs(math.log(row.ratio)) if row.ratio else math.inf)
    figures = f"{format_value(most.old)} -> {format_value(most.new)}"
    writes = [
        f", PKRS writes {format_value(row.old)} -> {format_value(row.new)}"
        for row in rows
        if row.case == most.case and row is not most and row.metric.name == PKRS_WRITES
    ]
    return f"{counts}; most: {label(most)} {format_change(most)} ({figures}){''.join(writes)}"


def list_notes(group: SourcePair) -> list[str]:
    """What a reader has to know of a group, that which is said of several cases once."""
    said: dict[str, list[str]] = {}
    for row in group.rows:
        for sentence in filter(None, (*row.warnings, row.power)):
            said.setdefault(sentence, []).append(row.case)
        if row.verdict in (Verdict.UNRESOLVED, Verdict.EXPLORATORY):
            said.setdefault(f"{row.verdict}: {row.reason}", []).append(row.case)
    notes = [
        f"allowed to differ: {name} ({before}; {after})"
        for name, (before, after) in group.allowed.items()
    ]
    notes += group.notes
    if group.left_out:
        words = group_by([row for row in group.left_out if row.metric.name != PKRS_WRITES], word)
        counts = ", ".join(f"{len(rows)} {said}" for said, rows in words.items())
        notes.append(f"left out of the table: {counts}")
    for sentence, cases in said.items():
        if len(cases) == len(group.rows):
            notes.append(sentence)
        else:
            more = f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else ""
            notes.append(f"{', '.join(cases[:_NAMED])}{more}: {sentence}")
    return notes


def describe_verdict(row: Comparison) -> str:
    """The word; of an exploratory comparison with what it looks like."""
    if row.verdict is not Verdict.EXPLORATORY or row.difference == 0:
        return word(row)
    direction = judge_change(row.metric, row.difference)
    if row.ratio is None:
        return f"{row.verdict}: looks {direction} by {abs(row.difference):.3g} {row.metric.unit}"
    percent = format_share(abs(row.ratio - 1))
    if is_count(row.metric):
        return f"{row.verdict}: looks {percent} {_OF_COUNTS[direction]}"
    return f"{row.verdict}: looks {direction} by {percent}"


def describe_aa(groups: Sequence[SourcePair]) -> str:
    """The A/A rows, as a bound on what no difference looks like; empty where there are none."""
    rows = {
        (row.pair.old.label, row.case, row.metric.name): row for group in groups for row in group.aa
    }
    if not rows:
        return ""
    bounds = [
        max(abs(row.ratio_95.low - 1), abs(row.ratio_95.high - 1))
        for row in rows.values()
        if row.ratio_95 is not None
    ]
    untested = len(rows) - len(bounds)
    if not bounds:
        return (
            f"A/A: the baseline against itself, {_comparisons(len(rows))}: not tested, too few"
            " boots"
        )
    more = f"; {untested} not tested" if untested else ""
    return (
        f"A/A: the baseline differs from itself by at most {format_share(max(bounds))} in"
        f" {_comparisons(len(bounds))} ({CONFIDENCE:.0%} each){more}"
    )


def _comparisons(number: int) -> str:
    return f"{number} comparison{'' if number == 1 else 's'}"


def describe_test(groups: Sequence[SourcePair]) -> str:
    """How verdicts were reached."""
    rows = [row for group in groups for row in group.rows]
    parts = []
    if any(row.exact for row in rows):
        parts.append("Counts that repeat to the digit are compared exactly.")
    timed = [row for row in rows if not row.exact and not row.pair.identical]
    alpha = min((side.alpha for group in groups for side in (group.old, group.new)), default=ALPHA)
    margin = f"{MARGIN_SHARE:.0%}"
    if not all(is_count(row.metric) for row in timed):
        margin += f", or {MARGIN_CYCLES:g} core cycle but never more than {MOST_MARGIN_SHARE:.0%}"
    changed = dict.fromkeys(
        f"`{word_of(verdict, row.metric)}`"
        for verdict in (Verdict.SLOWER, Verdict.FASTER)
        for row in timed
    )
    if any(row.verdict is not Verdict.EXPLORATORY for row in timed):
        parts.append(
            f"{'Else: ratio' if parts else 'Ratio'} new/old over pairs of boots, with its exact"
            f" {CONFIDENCE:.0%} interval by signed ranks; {', '.join(changed)}: by more than the"
            f" margin ({margin}), p at most {alpha:.2f} over all of this report, by randomisation"
            f" of the pairs' coins; `same`: the {SAME_CONFIDENCE:.0%} interval lies within the"
            " margin."
        )
    if any(row.verdict is Verdict.EXPLORATORY for row in timed):
        parts.append("`exploratory`: no test that holds its level; an estimate only.")
    return " ".join(parts)
