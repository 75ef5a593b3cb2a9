# SPDX-License-Identifier: Apache-2.0
"""The few figures that a reader is to see first: what the patch adds to a pair, by kind of page."""

from collections.abc import Collection, Sequence

from analysis.report.html.page import KeyFigure
from analysis.summary.baseline import Baseline
from analysis.summary.cases import Row

_KINDS = {
    "key_off": "nothing protected",
    "dram": "a page of memory",
    "protected": "a protected page",
}


def of(table: list[Row], variants: Sequence[str], patched: Collection[str]) -> list[KeyFigure]:
    """Of the lab, in instructions; a patched kernel's own path rather than the model of one."""
    lab = [row for row in table if row.clock == "icount"]
    baseline = Baseline(lab, "cost", patched)
    own = [row for row in lab if row.variant in patched and row.case.startswith("kernel/")]
    several = len({row.variant for row in lab}) > 1
    found = []
    for row in sorted(
        own or [row for row in lab if row.case.startswith("model/")],
        key=lambda row: list(variants).index(row.variant),
    ):
        kind = row.case.split("/")[2] if row.case.count("/") == 2 else None
        added = baseline.added(row)
        if kind in _KINDS and added is not None:
            writes = f", {float(row.wrmsr):g} of them WRMSR" if row.wrmsr else ""
            name = f"{row.variant}: {row.case}" if several else row.case
            found.append(
                KeyFigure(
                    f"{added:+g}",
                    name,
                    f"{_KINDS[kind]}: {row.cost:g} instructions{writes}, emulated",
                )
            )
    return found
