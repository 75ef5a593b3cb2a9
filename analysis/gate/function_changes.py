# SPDX-License-Identifier: Apache-2.0
"""The functions in which two kernels differ in a case, as they were counted from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from analysis.data.load import Campaign, CountedPath
from analysis.summary.stacks import own_counts
from formats.case_names import PMEM_PAGES
from formats.gate_files import BASE, HEAD


@dataclass(frozen=True)
class FunctionChange:
    """Instructions of an operation in one function, without what it called."""

    case: str
    function: str
    old: Fraction
    new: Fraction


def list_changes(campaign: Campaign, cases: Sequence[str]) -> list[FunctionChange]:
    """All of these cases, the largest change of each case first; of one boot each."""
    changes = []
    for case in dict.fromkeys(cases):
        old, new = (_first_path(campaign, side, case) for side in (BASE, HEAD))
        if old is None or new is None:
            continue
        for function, before, after in own_counts(new, old):
            if before.instructions != after.instructions:
                found = FunctionChange(case, function, before.instructions, after.instructions)
                changes.append(found)
    return changes


def _first_path(campaign: Campaign, side: str, case: str) -> CountedPath | None:
    """The path of the first boot that has one. A page of persistent memory has one of two names."""
    for name in PMEM_PAGES.get(case, (case,)):
        for path in campaign.paths:
            if (path.variant, path.case) == (side, name):
                return path
    return None
