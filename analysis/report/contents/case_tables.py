# SPDX-License-Identifier: Apache-2.0
"""Tables of the page with a row per case, each of one clock."""

from collections.abc import Sequence

from analysis.report.contents import answer_tables
from analysis.report.contents.findings import Findings
from analysis.report.model.table import Table
from analysis.summary.cases import Row, boots_in_words
from analysis.summary.cost_parts import PARTS, TITLES


def instruction_tables(findings: Findings) -> list[Table]:
    """Kernel cases in the emulator: side by side by variant, and in detail."""
    rows = [row for row in findings.counted if row.case != "empty"]
    return [
        *_by_variant(answer_tables.pmem_rows(rows) + rows, findings.variants),
        *_instructions(rows, _empty_loops(findings.counted)),
    ]


def time_tables(findings: Findings) -> list[Table]:
    """Kernel cases timed on the running kernel, and user models."""
    return [
        *_kernel_times(_without_loops(findings.timed), _empty_loops(findings.timed)),
        *_user_times(_without_loops(findings.user)),
    ]


def _empty_loops(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.case.rpartition("/")[2] == "empty" and row.empty is not None]


def _without_loops(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row.case.endswith("empty")]


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
                " figure. `pmem page`: the page of a DAX file, protected or not. model/ and msr/"
                " run the module's own code: what they take is no difference between kernels."
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
                    None if row.pkrs_writes is None else float(row.pkrs_writes),
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
    boots = boots_in_words(rows)
    return [
        Table(
            name="kernel-times",
            heading=f"Kernel cases on this machine's running kernel (time, {boots})",
            caption=(
                f"Medians, {boots}. Core cycles by a chain of dependent adds beside each sample,"
                " ticks of the time stamp counter, and nanoseconds by its rate. The empty loop is"
                f" taken off{f' ({loops})' if loops else ''}. Not comparable with"
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
