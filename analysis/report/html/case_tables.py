# SPDX-License-Identifier: Apache-2.0
"""The tables of the page, each of one clock."""

from collections.abc import Sequence

from analysis.report.table import Table
from analysis.report.text import fio_tables
from analysis.summary.cases import Row, is_user, started
from analysis.summary.cost_parts import PARTS, TITLES


def of(table: list[Row], variants: Sequence[str]) -> list[Table]:
    """variants: in the order in which they are to stand side by side."""
    lab = [
        row
        for row in table
        if row.clock == "icount" and row.case != "empty" and not fio_tables.is_dax(row)
    ]
    timed = [row for row in table if row.clock != "icount" and not row.case.endswith("empty")]
    empties = [
        row for row in table if row.case.rpartition("/")[2] == "empty" and row.empty is not None
    ]
    return [
        *_by_variant(lab, variants),
        *_instructions(lab, [row for row in empties if row.clock == "icount"]),
        *fio_tables.sheet(table),
        *_kernel_times(
            [row for row in timed if not is_user(row)],
            [row for row in empties if row.clock != "icount" and not is_user(row)],
        ),
        *_user_times([row for row in timed if is_user(row)]),
    ]


def _by_variant(rows: list[Row], variants: Sequence[str]) -> list[Table]:
    measured = [variant for variant in variants if any(row.variant == variant for row in rows)]
    if len(measured) < 2:
        return []
    costs = {(row.case, row.variant): row.cost for row in rows}
    cases = dict.fromkeys(row.case for row in rows if row.cost is not None)
    return [
        Table(
            name="by-variant",
            heading="Instructions an operation, by variant (emulated)",
            caption=(
                "Clock: icount. A case that a variant does not have, or could not measure, has no"
                " figure."
            ),
            columns=("case", *measured),
            rows=tuple(
                (case, *(costs.get((case, variant)) for variant in measured)) for case in cases
            ),
        )
    ]


def _instructions(rows: list[Row], empties: list[Row]) -> list[Table]:
    if not rows:
        return []
    used = [part for part in PARTS if any(row.parts and row.parts[part] for row in rows)]
    loops = ", ".join(f"{row.variant}: {row.empty:g}" for row in empties)
    return [
        Table(
            name="instructions",
            heading="Instructions an operation (emulated)",
            caption=(
                "Clock: icount, instructions as the emulator executes them, not time. The empty"
                " loop is taken off"
            )
            + (f" ({loops})" if loops else "")
            + ". Parts and WRMSRs are counted from outside the guest.",
            columns=(
                "case",
                "variant",
                "boots",
                "cost",
                "exact",
                *(TITLES[part] for part in used),
                "WRMSR",
                "oracle",
            ),
            rows=tuple(
                (
                    row.case,
                    row.variant,
                    row.boots,
                    row.cost,
                    "yes" if row.exact else "no",
                    *(float(row.parts[part]) if row.parts else None for part in used),
                    None if row.wrmsr is None else float(row.wrmsr),
                    row.oracle,
                )
                for row in rows
                if not row.skipped
            ),
        )
    ]


def _kernel_times(rows: list[Row], empties: list[Row]) -> list[Table]:
    if not rows:
        return []
    loops = ", ".join(f"{row.variant}: {row.empty:.2f} ticks" for row in empties)
    return [
        Table(
            name="kernel-times",
            heading=f"Kernel cases on this machine's running kernel (time, {started(rows)})",
            caption=(
                f"Medians, {started(rows)}. Core cycles by a chain of dependent adds beside each"
                " sample, ticks of the time stamp counter, and nanoseconds by its rate. The empty"
                f" loop is taken off{f' ({loops})' if loops else ''}. Not comparable with"
                " instructions."
            ),
            columns=("case", "variant", "core cycles", "ticks", "ns", "oracle"),
            rows=tuple(
                (row.case, row.variant, row.core_cycles, row.cost, row.nanoseconds, row.oracle)
                for row in rows
                if not row.skipped
            ),
        )
    ]


def _user_times(rows: list[Row]) -> list[Table]:
    if not rows:
        return []
    return [
        Table(
            name="user-times",
            heading="User models on this machine (time)",
            caption=(
                "Medians over launches. Ticks of the time stamp counter, and core cycles by a chain"
                " of dependent adds beside each sample. The empty loop is taken off. Not comparable"
                " with instructions."
            ),
            columns=(
                "case",
                "launches",
                "core cycles",
                "ticks",
                "ns",
                "lowest, ticks",
                "highest, ticks",
            ),
            rows=tuple(
                (row.case, row.boots, row.core_cycles, row.cost, row.nanoseconds, row.low, row.high)
                for row in rows
            ),
        )
    ]
