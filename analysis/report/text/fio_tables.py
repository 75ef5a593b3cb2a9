# SPDX-License-Identifier: Apache-2.0
"""fio's figures on persistent memory, with how far boots differ. What protection adds to them, the
verdicts say.
"""

from collections.abc import Sequence

from analysis.report.table import Table
from analysis.summary.cases import Row


def is_dax(row: Row) -> bool:
    """One run of fio, as opposed to a case of the kernel module."""
    return row.case.startswith("dax/")


def text(rows: Sequence[Row], variants: Sequence[str]) -> str:
    """A block of plain text, by case a line a variant; empty where there is nothing of fio."""
    rows = [row for row in rows if is_dax(row)]
    if not rows:
        return ""
    by_key = {(row.case, row.variant): row for row in rows}
    lines = ["fio: instructions an I/O (emulated), and how far boots differ"]
    above = None
    for case in sorted(dict.fromkeys(row.case for row in rows), key=_on):
        if _on(case) != above:
            above = _on(case)
            lines.append(f"  dax/{above}/")
        lines.append(f"    {case.split('/', 2)[2]}")
        lines += [
            f"      {variant:20}{_figure(by_key[case, variant])}"
            for variant in variants
            if (case, variant) in by_key
        ]
    return "\n".join(lines)


def sheet(rows: Sequence[Row]) -> list[Table]:
    """The page's table, none or one."""
    rows = [row for row in rows if is_dax(row)]
    if not rows:
        return []
    return [
        Table(
            name="dax",
            heading="fio on persistent memory (emulated)",
            caption=(
                "Clock: icount, instructions an I/O, not time: medians over boots, and the boots"
                " between which they lie."
            ),
            columns=("case", "variant", "boots", "cost", "lowest", "highest"),
            rows=tuple(
                (row.case, row.variant, row.boots, row.cost, row.low, row.high) for row in rows
            ),
        )
    ]


def _on(case: str) -> str:
    return case.split("/")[1]


def _figure(row: Row) -> str:
    if row.cost is None:
        return f"{'-':>12}"
    spread = (
        f"{(row.high - row.low) / row.cost * 100:.2f} % in {row.boots} boots"
        if row.boots > 1
        else "1 boot"
    )
    return f"{row.cost:>12.1f}   {spread}"
