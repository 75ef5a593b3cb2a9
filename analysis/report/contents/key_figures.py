# SPDX-License-Identifier: Apache-2.0
"""The key figures: instructions that the patch adds to a map/unmap pair, by kind of page."""

from collections.abc import Collection, Sequence

from analysis.report.model.report_model import KeyFigure
from analysis.summary.baseline import Baseline
from analysis.summary.cases import Row

_KINDS = {
    "key_off": "nothing protected",
    "dram": "a page of memory",
    "protected": "a protected page",
}


def key_figures(
    rows: Sequence[Row], baseline: Baseline, variants: Sequence[str], patched: Collection[str]
) -> list[KeyFigure]:
    """Key figures of the emulator: a patched kernel's own path rather than the replica of one."""
    counted = [row for row in rows if row.clock == "icount"]
    own = [row for row in counted if row.variant in patched and row.case.startswith("kernel/")]
    several = len({row.variant for row in counted}) > 1
    shown = own or [row for row in counted if row.case.startswith("model/")]
    figures = []
    for row in sorted(shown, key=lambda row: list(variants).index(row.variant)):
        kind = row.case.split("/")[2] if row.case.count("/") == 2 else None
        added = baseline.added(row)
        if kind in _KINDS and added is not None:
            writes = f", {float(row.wrmsr):g} of them WRMSR" if row.wrmsr else ""
            case = f"{row.variant}: {row.case}" if several else row.case
            detail = f"{_KINDS[kind]}: {row.cost:g} instructions{writes}, emulated"
            figures.append(KeyFigure(f"{added:+g}", case, detail))
    return figures
