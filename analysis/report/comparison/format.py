# SPDX-License-Identifier: Apache-2.0
"""Figures and sentences that all forms of a comparison have in common."""

from collections.abc import Sequence

from analysis.compare.engine import SourcePair
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


def figure(value: float) -> str:
    return f"{value:.6g}"


def change(row: Comparison) -> str:
    """New against old: = for the same files, +N where counted, else the ratio, or a difference
    where there is none.
    """
    if row.pair.identical:
        return "="
    if row.exact:
        return "0" if row.difference == 0 else f"{row.difference:+.10g}"
    return f"x{row.ratio:.4f}" if row.ratio is not None else f"{row.difference:+.4g}"


def interval(row: Comparison) -> str:
    """That of `change`; empty where there is none: exact, or too few."""
    found = row.ratio_95 or row.difference_95
    return (
        ""
        if found is None
        else (
            f"[{found.low:.4f}, {found.high:.4f}]"
            if row.ratio_95
            else f"[{found.low:.4g}, {found.high:.4g}]"
        )
    )


def percent(ratio: float) -> str:
    """What a ratio adds, in at most six letters: an interval of few boots may have its end far
    away. No minus before nothing.
    """
    added = (ratio - 1) * 100
    if abs(added) >= 100:
        return f"{added:+.1g}"
    decimals = 2 if abs(added) < 10 else 1
    return f"{round(added, decimals) + 0.0:+.{decimals}f}"


def boots(row: Comparison) -> str:
    plural = {Unit.BOOT: "boots", Unit.LAUNCH: "launches", Unit.REPETITION: "repetitions"}[
        row.pair.new.unit
    ]
    return f"{row.n_old}+{row.n_new} {plural}"


def metric(row: Comparison) -> str:
    one = row.metric
    return (
        f"{one.name.replace('_', ' ')}, {one.unit}, {_CLOCKS.get(one.clock, one.clock)};"
        f" {one.better} is better"
    )


def by_metric(group: SourcePair) -> dict[str, list[Comparison]]:
    found: dict[str, list[Comparison]] = {}
    for row in group.rows:
        found.setdefault(metric(row), []).append(row)
    return found


def summary(group: SourcePair) -> str:
    """How many of each verdict."""
    if group.identical:
        return "the same files: nothing can differ"
    counts = {verdict: sum(row.verdict is verdict for row in group.rows) for verdict in Verdict}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def notes(group: SourcePair) -> list[str]:
    """What a reader has to know of a group, that which is said of several cases once."""
    said: dict[str, list[str]] = {}
    for row in group.rows:
        for warning in row.warnings:
            said.setdefault(warning, []).append(row.case)
        if row.verdict in (Verdict.UNRESOLVED, Verdict.EXPLORATORY):
            said.setdefault(f"{row.verdict}: {row.reason}", []).append(row.case)
    found = [
        f"allowed to differ: {name} ({before}; {after})"
        for name, (before, after) in group.allowed.items()
    ]
    found += group.notes
    for sentence, cases in said.items():
        if len(cases) == len(group.rows):
            found.append(sentence)
        else:
            more = f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else ""
            found.append(f"{', '.join(cases[:_NAMED])}{more}: {sentence}")
    return found


def against_itself(groups: Sequence[SourcePair]) -> str:
    """The A/A row; empty where nothing could be held against itself."""
    tested = {
        (one.pair.old.label, one.case, one.metric.name): one
        for group in groups
        for one in group.aa
        if not one.exact
    }
    if not tested:
        return ""
    loud = [f"{label} {case}" for (label, case, _), one in tested.items() if moved(one)]
    if loud:
        return (
            f"A/A: the baseline differs from itself in {', '.join(loud[:_NAMED])}: no verdict of"
            " these can be trusted; measure again"
        )
    judged = sum(one.p is not None for one in tested.values())
    return (
        f"A/A: the baseline against itself, {judged} of {len(tested)} comparisons with enough boots"
        " for a test: none moved"
    )


def test(groups: Sequence[SourcePair]) -> str:
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
