# SPDX-License-Identifier: Apache-2.0
"""KTAP, the kernel's format for test results, for CI systems that read it.

A pair of sides is a test with a subtest for each row. `not ok` is what fails --fail-on slower; a
row that could not be judged is skipped, with the reason.
Source: Documentation/dev-tools/ktap.rst.
"""

from collections.abc import Sequence

from analysis.compare import gate
from analysis.compare.engine import SourcePair
from analysis.data.bad_data import printable
from analysis.report.comparison import format
from analysis.stats.comparison import Comparison

VERSION = "KTAP version 1"
_INDENT = "  "


def export(groups: Sequence[SourcePair], notes: Sequence[str]) -> str:
    lines = [VERSION, f"1..{len(groups)}", *(f"# {plain(note)}" for note in notes)]
    for number, group in enumerate(groups, 1):
        lines += list_pair(group, number, gate.SLOWER)
    return "\n".join(lines) + "\n"


def list_pair(group: SourcePair, number: int, fail_on: str) -> list[str]:
    """The lines of a pair as test `number` of a document."""
    failed = any(gate.fails(row, fail_on) for row in group.rows)
    name = f"{group.old.label} against {group.new.label}"
    return [
        *(_INDENT + line for line in _subtests(group, name, fail_on)),
        result_line(not failed, number, name),
    ]


def result_line(passed: bool, number: int, name: str, skipped: str = "") -> str:
    """A test that passed, failed, or was skipped for a reason."""
    directive = f" # SKIP {plain(skipped)}" if skipped else ""
    return f"{'ok' if passed else 'not ok'} {number} {plain(name)}{directive}"


def plain(text: str) -> str:
    """One line in which nothing is a directive: a name may be anybody's."""
    return printable(text).replace("#", "_")


def _subtests(group: SourcePair, name: str, fail_on: str) -> list[str]:
    lines = [
        VERSION,
        f"# Subtest: {plain(name)}",
        f"1..{len(group.rows) + len(group.lost)}",
        *(f"# {plain(note)}" for note in format.list_notes(group)),
    ]
    for number, row in enumerate(group.rows, 1):
        passed = not gate.fails(row, fail_on)
        lines.append(f"# {plain(_figures(row))}")
        why = gate.why_unjudged(row) if passed else ""
        lines.append(result_line(passed, number, _name(row), why))
    for number, lost in enumerate(group.lost, len(group.rows) + 1):
        lines.append(result_line(True, number, lost.case, lost.why))
    return lines


def _name(row: Comparison) -> str:
    return f"{row.case} {row.metric.name}"


def _figures(row: Comparison) -> str:
    """The figures of both sides, the change and the verdict, for the line above a result."""
    return (
        f"{row.case}: {format.format_value(row.old)} -> {format.format_value(row.new)}"
        f" {row.metric.unit}, {format.format_change(row)} {format.format_interval(row)}".rstrip()
        + f": {format.describe_verdict(row)}"
    )
