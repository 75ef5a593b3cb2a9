# SPDX-License-Identifier: Apache-2.0
"""The page of persistent memory on two sides, of which one protects it.

Where it is protected it has a case of its own. A kernel that does not protect it skips that case,
and measures the same page as `devmap`.
"""

from dataclasses import replace

from analysis.compare.source import Source
from formats.case_names import PMEM_PAGES


def with_pmem_pages(old: Source, new: Source) -> tuple[Source, Source, dict[str, str]]:
    """Both sides with a case `pmem page` in front, where one of them protects the page and the
    other does not, in place of the case that only one has; and what a reader should know of each
    such case, by name.
    """
    notes: dict[str, str] = {}
    for label, (protected, unprotected) in reversed(PMEM_PAGES.items()):
        of_old, of_new = (_measured_as(side, protected, unprotected) for side in (old, new))
        if not of_old or not of_new or of_old == of_new:
            continue
        old = _renamed(old, of_old, label, protected)
        new = _renamed(new, of_new, label, protected)
        said = f"{label}: the same page is {of_old} in {old.label}, {of_new} in {new.label}"
        notes = {label: said, **notes}
    return old, new, notes


def _measured_as(side: Source, protected: str, unprotected: str) -> str | None:
    """Nothing stands in for a case that failed, or that was not asked for."""
    if protected in side.cases:
        return protected
    is_skipped = side.without_figure.get(protected, "").startswith("skipped")
    return unprotected if is_skipped and unprotected in side.cases else None


def _renamed(side: Source, case: str, label: str, protected: str) -> Source:
    """The side with the figures of a case under a label in front, and without `protected`."""
    page = {
        (label, name): figures for (named, name), figures in side.figures.items() if named == case
    }
    others = {key: figures for key, figures in side.figures.items() if key[0] != protected}
    without = {named: why for named, why in side.without_figure.items() if named != protected}
    return replace(side, figures=page | others, without_figure=without)
