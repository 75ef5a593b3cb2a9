# SPDX-License-Identifier: Apache-2.0
"""fio in report.txt: its results, single calls, and overhead next to the cost model."""

import re
from collections.abc import Sequence

from analysis.data.grouping import group_by
from analysis.fio_model.cost_model import ModelCheck
from analysis.fio_model.fio_calls import Call, changed_functions
from analysis.report.model.report_model import CheckedFamily, ReportModel
from analysis.report.text.layout import WIDTH, beside_each_other, fitting, label_width, wrapped
from analysis.summary.cases import Row

# Calls whose functions are named, and how many of them; the rest is summed.
_BY_FUNCTION = re.compile(r"dax/(ext4|xfs)/(pread|pwrite)/4k")
_NAMED_FUNCTIONS = 8
# Rows of the model; the page has all.
_MOST_ROWS = 100
_LABEL_WIDTH = 42


def fio_blocks(model: ReportModel) -> list[str]:
    """Blocks of report.txt; empty ones where there is nothing to say."""
    fio = model.fio
    return [
        _results(fio.rows, model.variants),
        render_calls(fio.calls, model.baseline, model.variants),
        *map(_checks, fio.families),
    ]


def _results(rows: Sequence[Row], variants: Sequence[str]) -> str:
    """fio's costs: by case a line per variant."""
    if not rows:
        return ""
    by_key = {(row.case, row.variant): row for row in rows}
    lines = ["fio: instructions an I/O (emulated), and how far boots differ"]
    cases_in_order = sorted(dict.fromkeys(row.case for row in rows), key=_on)
    for file_system, cases in group_by(cases_in_order, _on).items():
        lines.append(f"  dax/{file_system}/")
        for case in cases:
            lines.append(f"    {case.split('/', 2)[2]}")
            lines += [
                f"      {variant:20}{_cost(by_key[case, variant])}"
                for variant in variants
                if (case, variant) in by_key
            ]
    return "\n".join(lines)


def _on(case: str) -> str:
    return case.split("/")[1]


def _cost(row: Row) -> str:
    if row.cost is None or row.low is None or row.high is None:
        return f"{'-':>12}"
    spread = "1 boot"
    if row.boots > 1:
        spread = f"{(row.high - row.low) / row.cost * 100:.2f} % in {row.boots} boots"
    return f"{row.cost:>12.1f}   {spread}"


def render_calls(calls: Sequence[Call], baseline: str, variants: Sequence[str]) -> str:
    """Single calls; empty if there is nothing to compare with the baseline."""
    by_key = {(call.case, call.variant): call for call in calls}
    cases = [call for call in calls if call.variant == baseline]
    measured = {call.variant for call in calls}
    others = [variant for variant in variants if variant != baseline and variant in measured]
    if not cases or not others:
        return ""

    def shown(case: str, variant: str) -> str:
        call = by_key.get((case, variant))
        if call is None:
            return ""
        base = by_key[case, baseline]
        if call is base:
            return f"{base.instructions}{'' if base.steady else '?'}"
        doubt = "" if call.steady and base.steady else "?"
        return f"{call.instructions - base.instructions:+d}{doubt}"

    width = label_width(call.case for call in cases)
    title = (
        f"Instructions that one call takes ({baseline}), and what it takes beyond them (the"
        " others), counted from outside (emulated); ? where boots differ"
    )
    named = [baseline, *others]
    widest = max(len(shown(call.case, name)) for call in cases for name in named)
    lines = [
        beside_each_other(title, cases, columns, shown, width, widest)
        for columns in fitting(named, WIDTH - width, widest)
    ]
    lines += wrapped(_writes(calls, [baseline, *others]), "  ")
    for case in cases:
        for variant in others:
            call = by_key.get((case.case, variant))
            lines += wrapped(_functions(case, call), "  ") if call else []
    return "\n".join(lines)


def _writes(calls: Sequence[Call], variants: Sequence[str]) -> str:
    """WRMSRs of one call, by variant."""
    sentences = []
    for variant in variants:
        own = [call for call in calls if call.variant == variant]
        by_count = group_by(
            sorted(own, key=lambda call: call.pkrs_writes), lambda call: call.pkrs_writes
        )
        none = ", ".join(call.case for call in by_count.pop(0, []))
        named = "; ".join(
            f"{count} in {', '.join(call.case for call in same)}"
            for count, same in by_count.items()
        )
        rest = f"; none in {none}" if named and none else ""
        sentences.append(f"{variant}: {named or 'none'}{rest}")
    return f"WRMSR of one call: {'. '.join(sentences)}."


def _functions(old: Call, new: Call) -> str:
    changed = changed_functions(old, new)
    if not changed or not _BY_FUNCTION.fullmatch(old.case):
        return ""
    named = ", ".join(f"{name} {change:+d}" for name, change in changed[:_NAMED_FUNCTIONS])
    others = [change for _, change in changed[_NAMED_FUNCTIONS:]]
    rest = f", and {sum(others):+d} in {len(others)} more" if others else ""
    return f"{new.case}, {new.variant}, by function: {named}{rest}."


def _checks(family: CheckedFamily) -> str:
    """Cost model: a line per comparison that has a model, under its variant and path."""
    modelled = [
        check for check in family.checks if check.modelled is not None or check.counted is not None
    ]
    shown = modelled[:_MOST_ROWS]
    lines = []
    if shown:
        first = shown[0].comparison
        lines = wrapped(
            f"Added to an I/O against {first.pair.old.label}, in {first.metric.unit}; what the"
            " model says; what it leaves over, with * where its interval excludes the model; and"
            " one such call, counted from outside"
        )
        lines.append(f"{'':{_LABEL_WIDTH}}{'added':>9}{'model':>6}{'left':>8} {'count':>5}")
    by_place = group_by(shown, lambda check: (check.comparison.pair.new.label, check.run.on))
    for (variant, file_system), checks in by_place.items():
        lines.append(f"  {variant} dax/{file_system}/")
        for check in checks:
            lines += _check_lines(check)
    if len(shown) < len(modelled):
        lines.append(f"  and {len(modelled) - len(shown)} more, in the page's table")
    for sentence in family.sentences:
        lines += wrapped(sentence)
    return "\n".join(lines)


def _check_lines(check: ModelCheck) -> list[str]:
    """One line, or two if the name is long."""
    label = f"    {check.comparison.case.split('/', 2)[2]}"
    if len(label) > _LABEL_WIDTH:
        return [label, f"{'':{_LABEL_WIDTH}}{_check_cells(check)}"]
    return [f"{label:{_LABEL_WIDTH}}{_check_cells(check)}"]


def _check_cells(check: ModelCheck) -> str:
    model = f"{'':14} "
    if check.modelled is not None:
        mark = "*" if check.beyond(check.modelled) else " "
        model = f"{check.modelled:>+6.4g}{check.residual:>+8.1f}{mark}"
    counted = "" if check.counted is None else f"{check.counted:>+5.0f}"
    return f"{check.comparison.difference:>+9.1f}{model}{counted}".rstrip()
