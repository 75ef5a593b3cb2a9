# SPDX-License-Identifier: Apache-2.0
"""report.txt: plain text of 72 columns, to be pasted into a mail."""

from collections.abc import Callable, Collection, Sequence

from analysis.compare.within_campaign import Verdicts
from analysis.report.text import diagnostics, fio_tables, verdict_section
from analysis.report.text.layout import (
    LABEL_WIDTH,
    WIDTH,
    beside_each_other,
    fitting,
    grouped,
    label_width,
    wrapped,
)
from analysis.summary.baseline import Baseline
from analysis.summary.cases import Row, is_user, started
from analysis.summary.cost_parts import PARTS, TITLES


def report(
    problems: Sequence[str],
    title: str,
    facts: list[str],
    rows: list[Row],
    verdicts: Verdicts,
    warnings: list[str],
    variants: Sequence[str],
    patched: Collection[str] = (),
    fio: Sequence[str] = (),
) -> str:
    """The whole text, with a last newline.

    problems: why no figure can be trusted; they stand before everything else.
    variants: in the order in which they stand side by side.
    patched: those whose own kmap path is the patched one, and no baseline.
    fio: blocks of what variants add to reads and writes of files.
    """
    blocks = ["\n".join(line for problem in problems for line in wrapped(problem, "  "))]
    blocks += [title, "\n".join(line for fact in facts for line in wrapped(fact))]
    lab = [row for row in rows if row.clock == "icount" and not fio_tables.is_dax(row)]
    measured = [variant for variant in variants if any(row.variant == variant for row in lab)]
    if len(measured) > 1:
        blocks += _side_by_side(lab, measured, Baseline(lab, "cost", patched))
    else:
        blocks += (
            [_costs(measured[0], lab, Baseline(lab, "cost", patched)), _breakdown(lab)]
            if measured
            else []
        )
    blocks += [fio_tables.text(rows, variants), *fio]
    blocks += verdict_section.blocks(verdicts)
    blocks.append(_quality(lab))
    timed = [row for row in rows if row.clock != "icount"]
    kernel = [row for row in timed if not is_user(row)]
    for variant in dict.fromkeys(row.variant for row in kernel):
        chosen = [row for row in kernel if row.variant == variant]
        blocks += [_kernel_times(variant, chosen), _quality(chosen)]
    user = [row for row in timed if is_user(row)]
    if user:
        blocks.append(_times(user))
    said = notes_of(rows) + warnings
    if said:
        blocks.append(
            "Notes\n" + "\n".join(line for note in said for line in wrapped(f"- {note}", "  "))
        )
    return "\n\n".join(block for block in blocks if block) + "\n"


def _quality(rows: list[Row]) -> str:
    return "\n".join(line for sentence in diagnostics.sentences(rows) for line in wrapped(sentence))


def notes_of(rows: list[Row]) -> list[str]:
    """What is to be said of cases, those of which the same is said together."""
    several = len({row.variant for row in rows if not is_user(row)}) > 1
    cases: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.note:
            cases.setdefault((f"{row.variant}: " if several else "", row.note), []).append(row.case)
    return [
        f"{variant}{note}: {', '.join(named)}" if len(named) > 1 else f"{variant}{named[0]}: {note}"
        for (variant, note), named in cases.items()
    ]


def _costs(variant: str, rows: list[Row], baseline: Baseline) -> str:
    def cells(row: Row) -> str:
        return f"{_cost(row):>8}{_plus(row, baseline):>7}{_count(row.wrmsr):>7}  {_oracle(row)}"

    lines = [f"{variant}: instructions an operation (emulated; the empty loop is taken off)"]
    lines += grouped(
        [row for row in rows if row.case != "empty" and not row.skipped],
        cells,
        f"{'cost':>8}{'+N':>7}{'WRMSR':>7}  oracle",
    )
    return "\n".join(lines + _loop_itself(rows, lambda cost: f"{cost:>8g}"))


def _side_by_side(rows: list[Row], variants: list[str], baseline: Baseline) -> list[str]:
    """Costs by case and variant, and what the patch adds; as many variants beside each other as
    fit.
    """
    by_key = {(row.case, row.variant): row for row in rows}
    cases = list(
        {row.case: row for row in rows if not row.skipped and row.case != "empty"}.values()
    )
    width = label_width(row.case for row in cases)

    def cost(case: str, variant: str) -> str:
        row = by_key.get((case, variant))
        return "" if row is None or row.skipped else _cost(row)

    def plus(case: str, variant: str) -> str:
        row = by_key.get((case, variant))
        return "" if row is None or row.skipped else _plus(row, baseline)

    added = {row.case for row in rows if baseline.added(row) is not None}
    blocks = []
    widest = max((len(cost(row.case, variant)) for row in cases for variant in variants), default=0)
    for chosen in fitting(variants, WIDTH - width, widest):
        blocks.append(
            beside_each_other(
                "Instructions an operation (emulated; the empty loop is taken off)",
                cases,
                chosen,
                cost,
                width,
                widest,
            )
        )
        if added:
            held = [row for row in cases if row.case in added]
            blocks.append(
                beside_each_other(
                    "The same, beyond the unpatched path with the same touch",
                    held,
                    chosen,
                    plus,
                    width,
                    widest,
                )
            )
    return [*blocks, _writes_and_oracle(rows)]


def _writes_and_oracle(rows: list[Row]) -> str:
    writing: dict[str, list[str]] = {}
    for row in rows:
        if row.wrmsr:
            writing.setdefault(_count(row.wrmsr), []).append(row.case)
    sentences = [
        f"WRMSR an operation, counted from outside the guest: {count} in"
        f" {', '.join(dict.fromkeys(cases))}."
        for count, cases in writing.items()
    ]
    if writing:
        sentences[-1] = f"{sentences[-1][:-1]}; none in the others."
    states = [row.oracle for row in rows if row.oracle != "none"]
    failed = [f"{row.variant} {row.case}" for row in rows if row.oracle == "failed"]
    if failed:
        sentences.append(f"Oracle: failed for {', '.join(failed)}: no figure.")
    elif states:
        sentences.append(
            f"Oracle: held in all {len(states)} cases and variants with a protected page."
        )
    return "\n".join(line for sentence in sentences for line in wrapped(sentence))


def _breakdown(rows: list[Row]) -> str:
    shown = [row for row in rows if row.parts and row.case != "empty"]
    if not shown:
        return ""
    used = [part for part in PARTS if any(row.parts[part] for row in shown)]
    widths = {
        part: max(len(TITLES[part]), *(len(_count(row.parts[part])) for row in shown)) + 1
        for part in used
    }

    def cells(row: Row) -> str:
        return "".join(f"{_count(row.parts[part]):>{widths[part]}}" for part in used)

    lines = ["Where they go (counted from outside the guest)"]
    return "\n".join(
        lines + grouped(shown, cells, "".join(f"{TITLES[part]:>{widths[part]}}" for part in used))
    )


def _kernel_times(variant: str, rows: list[Row]) -> str:
    baseline = Baseline(rows, "core_cycles")

    def cells(row: Row) -> str:
        plus = _plus(row, baseline)
        return (
            "".join(
                f"{_time(value):>8}" for value in (row.core_cycles, plus, row.cost, row.nanoseconds)
            )
            + f"  {_oracle(row)}"
        )

    lines = [
        f"{variant}: time of an operation on this machine's running kernel,",
        f"{started(rows)} (medians; the empty loop is taken off; +N in cycles)",
    ]
    lines += grouped(
        [row for row in rows if row.case != "empty" and not row.skipped],
        cells,
        f"{'cycles':>8}{'+N':>8}{'ticks':>8}{'ns':>8}  oracle",
    )
    return "\n".join(lines + _loop_itself(rows, lambda cost: f"{'':16}{_time(cost):>8}"))


def _loop_itself(rows: list[Row], cells: Callable[[float], str]) -> list[str]:
    """The line of what has been taken off all others."""
    cost = next((row.empty for row in rows if row.case == "empty" and row.empty is not None), None)
    return [] if cost is None else [f"  {'empty (the loop itself)':{LABEL_WIDTH - 2}}{cells(cost)}"]


def _time(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else f"{value:.1f}"


def _times(rows: list[Row]) -> str:
    table = [("case", "cycles", "ticks", "launches"), *map(_time_row, rows)]
    width = max(len(case) for case, *_ in table)
    lines = [
        f"  {case:{width}}{cycles:>9}{ticks:>8}{launches:>9}"
        for case, cycles, ticks, launches in table
    ]
    return "\n".join(
        ["User models on this machine (core cycles; not comparable with above)", *lines]
    )


def _time_row(row: Row) -> tuple[str, str, str, int]:
    if row.cost is None:
        return row.case, "-", "-", row.boots
    if row.case.endswith("/empty"):
        return f"{row.case} (the loop)", "", f"{row.empty:.2f}", row.boots
    return (
        row.case,
        "-" if row.core_cycles is None else f"{row.core_cycles:.2f}",
        f"{row.cost:.2f}",
        row.boots,
    )


def _cost(row: Row) -> str:
    if row.cost is None:
        return "-"
    if row.exact:
        return f"{row.cost:g}"
    return f"~{row.cost:.1f}" if abs(row.cost) < 1000 else f"~{row.cost:.0f}"


def _plus(row: Row, baseline: Baseline) -> str:
    added = baseline.added(row)
    if added is None:
        return ""
    return f"{added:+g}" if row.clock == "icount" else f"{added:+.1f}"


def _oracle(row: Row) -> str:
    return "" if row.oracle == "none" else row.oracle


def _count(value) -> str:
    if value is None:
        return "-"
    return f"{float(value):g}" if abs(value) < 1000 else f"{float(value):.0f}"
