# SPDX-License-Identifier: Apache-2.0
"""Figures and sentences that all forms of a comparison have in common."""

from collections.abc import Sequence

from analysis.compare.engine import SourcePair
from analysis.data.grouping import group_by
from analysis.stats.comparison import Comparison, moved
from analysis.stats.sample import Unit
from analysis.stats.verdict import CONFIDENCE, MARGIN_CYCLES, MARGIN_SHARE, SAME_CONFIDENCE, Verdict

_CLOCKS = {
    "icount": "emulated, counted",
    "tsc": "by the time stamp counter",
    "wall": "by the wall clock",
    "cpu": "by the CPU clock",
}
# What is not said by figures is named with so many cases.
_NAMED = 3
# Ratios with four decimals; others have four digits.
_PLAIN_RATIOS = (0.01, 1000)


def format_value(value: float) -> str:
    return f"{value:.6g}"


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
        return f"{added:+.1g}"
    decimals = 2 if abs(added) < 10 else 1
    return f"{round(added, decimals) + 0.0:+.{decimals}f}"


def count_boots(row: Comparison) -> str:
    """Boots (or launches, or repetitions) per side, as 6+6 boots."""
    plural = {Unit.BOOT: "boots", Unit.LAUNCH: "launches", Unit.REPETITION: "repetitions"}[
        row.pair.new.unit
    ]
    return f"{row.n_old}+{row.n_new} {plural}"


def describe_metric(row: Comparison) -> str:
    """Name, unit, clock and direction."""
    name, clock = row.metric.name.replace("_", " "), row.metric.clock
    return (
        f"{name}, {row.metric.unit}, {_CLOCKS.get(clock, clock)};" f" {row.metric.better} is better"
    )


def group_by_metric(group: SourcePair) -> dict[str, list[Comparison]]:
    """Comparisons by the description of their metric."""
    return group_by(group.rows, describe_metric)


def count_verdicts(group: SourcePair) -> str:
    """How many of each verdict."""
    if group.identical:
        return "the same files: nothing can differ"
    counts = {verdict: sum(row.verdict is verdict for row in group.rows) for verdict in Verdict}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def list_notes(group: SourcePair) -> list[str]:
    """What a reader has to know of a group, that which is said of several cases once."""
    said: dict[str, list[str]] = {}
    for row in group.rows:
        for warning in row.warnings:
            said.setdefault(warning, []).append(row.case)
        if row.verdict in (Verdict.UNRESOLVED, Verdict.EXPLORATORY):
            said.setdefault(f"{row.verdict}: {row.reason}", []).append(row.case)
    notes = [
        f"allowed to differ: {name} ({before}; {after})"
        for name, (before, after) in group.allowed.items()
    ]
    notes += group.notes
    for sentence, cases in said.items():
        if len(cases) == len(group.rows):
            notes.append(sentence)
        else:
            more = f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else ""
            notes.append(f"{', '.join(cases[:_NAMED])}{more}: {sentence}")
    return notes


def describe_aa(groups: Sequence[SourcePair]) -> str:
    """The A/A row; empty where nothing could be held against itself."""
    tested = {
        (row.pair.old.label, row.case, row.metric.name): row
        for group in groups
        for row in group.aa
        if not row.exact
    }
    if not tested:
        return ""
    loud = [f"{label} {case}" for (label, case, _), row in tested.items() if moved(row)]
    if loud:
        return (
            f"A/A: the baseline differs from itself in {', '.join(loud[:_NAMED])}: no verdict of"
            " these can be trusted; measure again"
        )
    judged = sum(row.p is not None for row in tested.values())
    return (
        f"A/A: the baseline against itself, {judged} of {len(tested)} comparisons with enough boots"
        " for a test: none moved"
    )


def describe_test(groups: Sequence[SourcePair]) -> str:
    """How verdicts were reached."""
    parts = []
    if any(row.exact for group in groups for row in group.rows):
        parts.append("Counts that repeat to the digit are compared exactly.")
    if any(not row.exact for group in groups for row in group.rows):
        parts.append(
            f"{'Else: ratio' if parts else 'Ratio'} new/old of boots' medians with its"
            f" {CONFIDENCE:.0%} t interval, the order in the model; `same`: the"
            f" {SAME_CONFIDENCE:.0%} interval lies within {MARGIN_SHARE:.0%} or"
            f" {MARGIN_CYCLES:g} core cycle; `slower`, `faster`: p below {1 - CONFIDENCE:.2f} by"
            " Holm over all cases of a metric."
        )
    return " ".join(parts)
