# SPDX-License-Identifier: Apache-2.0
"""Tables of the page about fio: its results, the cost model, single reads and writes."""

from collections.abc import Sequence

from analysis.fio_model.cost_model import ModelCheck
from analysis.fio_model.fio_calls import Call, changed_functions
from analysis.report.model.report_model import CheckedFamily
from analysis.report.model.table import Table, Value
from analysis.summary.cases import Row


def fio_tables(rows: Sequence[Row]) -> list[Table]:
    """Costs of fio's cases with the boots between which they lie: no table or one."""
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


def model_table(family: CheckedFamily) -> Table:
    """fio's overhead next to the cost model; the family has at least one check."""
    first = family.checks[0].comparison
    start = f"In {first.metric.unit} an I/O, against {first.pair.old.label}."
    return Table(
        name="dax-model",
        heading="fio's overhead, the model and the controls",
        caption=" ".join([start, *family.sentences]),
        columns=(
            "case",
            "variant",
            "added",
            "95 % from",
            "to",
            "meets",
            "times",
            "model",
            "left over",
            "2 PKRS writes" if first.metric.clock == "icount" else "whole pair",
            "left over by that",
            "model beyond the interval",
            "one call, counted",
        ),
        rows=tuple(_model_row(check) for check in family.checks),
    )


def _model_row(check: ModelCheck) -> tuple[Value, ...]:
    comparison, interval = check.comparison, check.interval
    left = None if check.other is None else comparison.difference - check.other
    beyond = None
    if check.modelled is not None and interval is not None:
        beyond = "yes" if check.beyond(check.modelled) else "no"
    return (
        comparison.case,
        comparison.pair.new.label,
        comparison.difference,
        interval.low if interval else None,
        interval.high if interval else None,
        check.copy_unit,
        check.copies,
        check.modelled,
        check.residual,
        check.other,
        left,
        beyond,
        check.counted,
    )


def call_tables(calls: Sequence[Call], baseline: str) -> list[Table]:
    """Single calls, and the functions in which a variant differs from the baseline; no table if
    nothing was counted.
    """
    if not calls:
        return []
    old = {call.case: call for call in calls if call.variant == baseline}
    tables = [_calls(calls, old, baseline)]
    functions = tuple(
        (name, call.case, call.variant, call.by_function.get(name, 0), change)
        for call in calls
        if call.variant != baseline and call.case in old
        for name, change in changed_functions(old[call.case], call)
    )
    if functions:
        tables.append(
            Table(
                name="dax-functions",
                heading=f"Functions in which they differ from {baseline}'s (emulated)",
                caption=_CALLS_CAPTION,
                columns=("function", "case", "variant", "instructions", f"beyond {baseline}'s"),
                rows=functions,
            )
        )
    return tables


_CALLS_CAPTION = (
    "Clock: icount. One call each, counted from outside the guest by a plugin of the emulator;"
    " an interrupt is in none of them."
)


def _calls(calls: Sequence[Call], old: dict[str, Call], baseline: str) -> Table:
    beyond = f"beyond {baseline}'s"
    return Table(
        name="dax-calls",
        heading="Single reads and writes (emulated)",
        caption=_CALLS_CAPTION,
        columns=("case", "variant", "instructions", "WRMSR", beyond, "the same in all boots"),
        rows=tuple(
            (
                call.case,
                call.variant,
                call.instructions,
                call.pkrs_writes,
                call.instructions - old[call.case].instructions if call.case in old else None,
                "yes" if call.steady else "no",
            )
            for call in calls
        ),
    )
