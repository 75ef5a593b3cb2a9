# SPDX-License-Identifier: Apache-2.0
"""details.txt: all figures of a campaign as plain text of 72 columns."""

from collections.abc import Callable, Sequence

from analysis.report.model.report_model import Instructions, KernelTimes, ReportModel
from analysis.report.text.fio_section import fio_blocks
from analysis.report.text.layout import (
    LABEL_WIDTH,
    WIDTH,
    beside_each_other,
    fitting,
    grouped,
    label_width,
    wrapped,
)
from analysis.report.text.verdict_section import verdict_blocks
from analysis.summary.baseline import Baseline
from analysis.summary.cases import Row, boots_in_words
from analysis.summary.cost_parts import PARTS, TITLES


def render_text(model: ReportModel) -> str:
    """The whole text, with a last newline. Alerts stand before everything else."""
    blocks = [_paragraphs(model.alerts, "  "), model.title, _paragraphs(model.facts)]
    if model.instructions:
        blocks += _instructions(model.instructions)
    blocks += fio_blocks(model)
    blocks += verdict_blocks(model.verdicts, model.fio.runs)
    if model.instructions:
        blocks.append(_paragraphs(model.instructions.diagnostics))
    for times in model.kernel_times:
        blocks += [_kernel_times(times), _paragraphs(times.diagnostics)]
    if model.user_times:
        blocks.append(_user_times(model.user_times))
    notes = [f"- {note}" for note in model.notes + model.warnings]
    if notes:
        blocks.append("Notes\n" + _paragraphs(notes, "  "))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _paragraphs(sentences: Sequence[str], indent: str = "") -> str:
    """Each sentence begins a line. indent: of the lines that follow its first."""
    return "\n".join(line for sentence in sentences for line in wrapped(sentence, indent))


def _instructions(section: Instructions) -> list[str]:
    if len(section.variants) > 1:
        return _side_by_side(section)
    if not section.variants:
        return []
    return [
        _costs(section.variants[0], section.rows, section.baseline),
        _breakdown(section.rows),
    ]


def _costs(variant: str, rows: list[Row], baseline: Baseline) -> str:
    def cells(row: Row) -> str:
        return (
            f"{_cost(row):>8}{_plus(row, baseline):>7}{_count(row.pkrs_writes):>7}  {_oracle(row)}"
        )

    lines = [f"{variant}: instructions an operation (emulated; the empty loop is taken off)"]
    lines += grouped(
        [row for row in rows if row.case != "empty" and not row.skipped],
        cells,
        f"{'cost':>8}{'+N':>7}{'WRMSR':>7}  oracle",
    )
    return "\n".join(lines + _loop_itself(rows, lambda cost: f"{cost:>8g}"))


def _side_by_side(section: Instructions) -> list[str]:
    """Costs by case and variant, and what the patch adds; as many variants side by side as fit."""
    rows, baseline = section.rows, section.baseline
    shown = [row for row in section.pmem + rows if not row.skipped]
    by_key = {(row.case, row.variant): row for row in shown}
    cases = list({row.case: row for row in shown if row.case != "empty"}.values())
    width = label_width(row.case for row in cases)

    def cost(case: str, variant: str) -> str:
        row = by_key.get((case, variant))
        return _cost(row) if row else ""

    def plus(case: str, variant: str) -> str:
        row = by_key.get((case, variant))
        return _plus(row, baseline) if row else ""

    cells = [cost(row.case, variant) for row in cases for variant in section.variants]
    widest = max(map(len, cells), default=0)
    comparable = {row.case for row in rows if baseline.added(row) is not None}
    added = [row for row in cases if row.case in comparable]
    blocks = []
    for variants in fitting(section.variants, WIDTH - width, widest):
        title = "Instructions an operation (emulated; the empty loop is taken off)"
        blocks.append(beside_each_other(title, cases, variants, cost, width, widest))
        if comparable:
            title = "The same, beyond the unpatched path with the same touch"
            blocks.append(beside_each_other(title, added, variants, plus, width, widest))
    return [*blocks, _writes_and_oracle(rows)]


def _writes_and_oracle(rows: list[Row]) -> str:
    writing: dict[str, list[str]] = {}
    for row in rows:
        if row.pkrs_writes:
            writing.setdefault(_count(row.pkrs_writes), []).append(row.case)
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
            f"Oracle: protection was shown to work in all {len(states)} cases and variants with a"
            " protected page."
        )
    return _paragraphs(sentences)


def _breakdown(rows: list[Row]) -> str:
    shown = [row for row in rows if row.parts and row.case != "empty"]
    parts = [row.parts for row in shown if row.parts]
    if not parts:
        return ""
    used = [part for part in PARTS if any(counts[part] for counts in parts)]
    widths = {
        part: max(len(TITLES[part]), *(len(_count(counts[part])) for counts in parts)) + 1
        for part in used
    }

    def cells(row: Row) -> str:
        counts = row.parts or {}
        return "".join(f"{_count(counts[part]):>{widths[part]}}" for part in used)

    lines = ["Where they go (counted from outside the guest)"]
    return "\n".join(
        lines + grouped(shown, cells, "".join(f"{TITLES[part]:>{widths[part]}}" for part in used))
    )


def _kernel_times(section: KernelTimes) -> str:
    rows = section.rows

    def cells(row: Row) -> str:
        plus = _plus(row, section.baseline)
        return (
            "".join(
                f"{_time(value):>8}" for value in (row.core_cycles, plus, row.cost, row.nanoseconds)
            )
            + f"  {_oracle(row)}"
        )

    lines = [
        f"{section.variant}: time of an operation on this machine's running kernel,",
        f"{boots_in_words(rows)} (medians; the empty loop is taken off; +N in cycles)",
    ]
    lines += grouped(
        [row for row in rows if row.case != "empty" and not row.skipped],
        cells,
        f"{'cycles':>8}{'+N':>8}{'ticks':>8}{'ns':>8}  oracle",
    )
    return "\n".join(lines + _loop_itself(rows, lambda cost: f"{'':16}{_time(cost):>8}"))


def _loop_itself(rows: list[Row], cells: Callable[[float], str]) -> list[str]:
    """Line of the empty loop, which is subtracted from all other cases."""
    cost = next((row.empty for row in rows if row.case == "empty" and row.empty is not None), None)
    return [] if cost is None else [f"  {'empty (the loop itself)':{LABEL_WIDTH - 2}}{cells(cost)}"]


def _time(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else f"{value:.1f}"


def _user_times(rows: list[Row]) -> str:
    table = [("case", "cycles", "ticks", "launches"), *map(_user_row, rows)]
    width = max(len(case) for case, *_ in table)
    lines = [
        f"  {case:{width}}{cycles:>9}{ticks:>8}{launches:>9}"
        for case, cycles, ticks, launches in table
    ]
    return "\n".join(
        ["User models on this machine (core cycles; not comparable with above)", *lines]
    )


def _user_row(row: Row) -> tuple[str, str, str, int]:
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
