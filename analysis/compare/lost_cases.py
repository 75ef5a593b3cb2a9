# SPDX-License-Identifier: Apache-2.0
"""Which cases were asked for, and which of them have no row: those are never passed over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from analysis.compare.source import Source
from formats.case_names import PMEM_PAGES


@dataclass(frozen=True)
class LostCase:
    """A case that was measured, and has no figure on both sides."""

    case: str
    why: str


def is_asked_for(case: str, patterns: Sequence[str]) -> bool:
    """Whether a glob matches the case, or the protected one that it stands for; no glob asks for
    all.
    """
    names = (case, *PMEM_PAGES.get(case, ())[:1])
    return not patterns or any(fnmatchcase(name, one) for name in names for one in patterns)


def find_lost_cases(
    old: Source, new: Source, metrics: Sequence[str], cases: Sequence[str]
) -> list[LostCase]:
    """Those of two sides, with each reason. metrics, cases: as of compare()."""
    measured = dict.fromkeys([*old.cases, *new.cases, *old.without_figure, *new.without_figure])
    asked = [case for case in measured if is_asked_for(case, cases)]
    lost = [LostCase(case, *why) for case in asked if (why := _lost(old, new, case))]
    return lost + [
        LostCase(case, why)
        for case in asked
        if case in old.cases and case in new.cases
        for why in _lost_metrics(old, new, case, metrics, bool(cases))
    ]


def _lost(old: Source, new: Source, case: str) -> tuple[str, ...] | None:
    """Why a case that was measured has no row; None: it has one, or neither side could have it."""
    if case in old.cases and case in new.cases:
        return None
    for source, other in ((old, new), (new, old)):
        if case in other.cases:
            why = source.without_figure.get(case)
            return (f"no figure in {source.label}" + (f": {why}" if why else ""),)
    reasons = {side.without_figure.get(case, "") for side in (old, new)}
    if all(why.startswith("skipped") for why in reasons if why):
        return None
    return (f"no figure on either side: {'; '.join(sorted(filter(None, reasons)))}",)


def _lost_metrics(
    old: Source, new: Source, case: str, metrics: Sequence[str], is_named: bool
) -> Iterator[str]:
    """Why a case that both sides have has no row by a metric that was asked for. is_named: so was
    the case, and a metric that neither side has of it is missed, too.
    """
    names = metrics
    if "all" in metrics:
        names = list(dict.fromkeys([*old.cases[case], *new.cases[case]]))
    for name in names:
        lacking = [source for source in (old, new) if (case, name) not in source.figures]
        if len(lacking) == 1:
            why = lacking[0].left_out.get((case, name))
            yield f"no {name} in {lacking[0].label}" + (f": {why}" if why else "")
        elif lacking and is_named:
            yield f"no {name} on either side"
