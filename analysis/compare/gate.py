# SPDX-License-Identifier: Apache-2.0
"""The exit code of a comparison under --fail-on: it fails closed, so that what was not judged is
not taken for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.compare.engine import SourcePair
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import GATE_PAIRS, OPEN, Verdict
from formats import exit_codes
from formats.case_names import NEVER_EXACT

SLOWER, DIFFERS, UNRESOLVED = "slower", "differs", "unresolved"
CHOICES = (SLOWER, DIFFERS, UNRESOLVED)
# What fails --fail-on differs beside `slower`.
_DIFFERS = (Verdict.SLOWER_OPEN, Verdict.WITHIN)
# A line names so many cases; the rest is counted.
_NAMED = 3


@dataclass(frozen=True)
class Gate:
    """An exit code, and the lines that say what decided it."""

    code: int
    unjudged: list[str] = field(default_factory=list)  # what keeps the code from being 0
    notes: list[str] = field(default_factory=list)  # what does not

    @property
    def lines(self) -> list[str]:
        """All that is to be said."""
        return self.unjudged + self.notes


def gate(
    groups: Sequence[SourcePair],
    fail_on: str | None,
    cases: Sequence[str] = (),
    lone: Sequence[str] = (),
    untrusted: Sequence[str] = (),
) -> Gate:
    """fail_on: one of CHOICES, or None: nothing fails. cases: those that were asked for by name;
    lone: variants that have nothing to be compared with; untrusted: why figures of a side are no
    figures, so that nothing is judged.

    1 where something is slower; else 3 where a case that was asked for could not be judged; else 0.
    """
    if fail_on is None:
        return Gate(exit_codes.OK)
    if untrusted:
        return Gate(exit_codes.UNRESOLVED, [f"not judged: {why}" for why in untrusted])
    unjudged: dict[str, list[str]] = {}
    failed, left_out = False, []
    for group in groups:
        for row in group.rows:
            why = why_unjudged(row)
            if why and row.case in NEVER_EXACT and row.case not in cases:
                left_out.append(row.case)
            elif why:
                unjudged.setdefault(why, []).append(row.case)
            failed = failed or fails(row, fail_on)
            if fail_on == UNRESOLVED and not why and row.verdict is Verdict.UNRESOLVED:
                unjudged.setdefault("unresolved", []).append(row.case)
        for lost in group.lost:
            unjudged.setdefault(lost.why, []).append(lost.case)
    for variant in lone:
        unjudged.setdefault("nothing to compare it with", []).append(variant)
    lines = [f"not judged: {listed(names)}: {why}" for why, names in unjudged.items()]
    notes = _open_sizes(groups, fail_on)
    if left_out:
        notes.insert(
            0,
            f"not judged: {listed(left_out)}: never exact, and fewer than {GATE_PAIRS} pairs; name"
            " it with --cases, or measure more",
        )
    if failed:
        return Gate(exit_codes.FAILED, lines, notes)
    return Gate(exit_codes.UNRESOLVED if unjudged else exit_codes.OK, lines, notes)


def fails(row: Comparison, fail_on: str) -> bool:
    """A word for the worse fails whatever boots are missing beside it."""
    if not row.exact and row.pairs < GATE_PAIRS:
        return False
    if row.verdict is Verdict.SLOWER:
        return True
    return fail_on == DIFFERS and row.verdict in _DIFFERS


def why_unjudged(row: Comparison) -> str:
    """Why a comparison says nothing that a gate can rest on; empty where it does."""
    if row.pair.identical:
        return ""
    if row.pair.lost_on_one_side:
        return "boots of one side are lost"
    if row.exact:
        return ""
    if row.verdict is Verdict.EXPLORATORY:
        return row.reason
    if row.pairs < GATE_PAIRS:
        return f"fewer than {GATE_PAIRS} pairs"
    return ""


def _open_sizes(groups: Sequence[SourcePair], fail_on: str) -> list[str]:
    """What differs and did not fail."""
    if fail_on == DIFFERS:
        return []
    cases = [row.case for group in groups for row in group.rows if row.verdict in OPEN]
    return [f"no failure: {listed(cases)}: differs, size open"] if cases else []


def listed(names: Sequence[str]) -> str:
    """Names in a line, the first few of them."""
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
