# SPDX-License-Identifier: Apache-2.0
"""report.txt: plain text of 72 columns, to be pasted into a mail."""

import textwrap
from collections.abc import Callable, Collection, Sequence

from analysis import quality
from analysis.baseline import Baseline
from analysis.parts import PARTS, TITLES
from analysis.table import Row, is_user

WIDTH = 72
_LABEL_WIDTH = 31


def report(
    title: str, facts: list[str], rows: list[Row], warnings: list[str], variants: Sequence[str], patched: Collection[str] = ()
) -> str:
    """The whole text, with a last newline.

    variants: in the order in which they stand side by side.
    patched: those whose own kmap path is the patched one, and no baseline.
    """
    blocks = [title, "\n".join(line for fact in facts for line in _wrapped(fact))]
    lab = [row for row in rows if row.clock == "icount"]
    measured = [variant for variant in variants if any(row.variant == variant for row in lab)]
    if len(measured) > 1:
        blocks += _side_by_side(lab, measured, Baseline(lab, "cost", patched))
    else:
        blocks += [_costs(measured[0], lab, Baseline(lab, "cost", patched)), _breakdown(lab)] if measured else []
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
        blocks.append("Notes\n" + "\n".join(line for note in said for line in _wrapped(f"- {note}", "  ")))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _quality(rows: list[Row]) -> str:
    return "\n".join(line for sentence in quality.sentences(rows) for line in _wrapped(sentence))


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


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _grouped(rows: list[Row], cells: Callable[[Row], str], columns: str, label_width: int = _LABEL_WIDTH) -> list[str]:
    """Lines of a table: a case's path on a line of its own, where it changes; its last parts and cells below."""
    lines = [f"{'':{label_width}}{columns}"]
    above = None
    for row in rows:
        if row.skipped:
            continue  # the notes say why
        family, path, *rest = row.case.split("/")
        if not rest:  # two parts: nothing to group by
            above = None
            lines.append(f"  {row.case:{label_width - 2}}{cells(row)}".rstrip())
            continue
        if (family, path) != above:
            above = (family, path)
            lines.append(f"  {family}/{path}/")
        lines.append(f"    {'/'.join(rest):{label_width - 4}}{cells(row)}".rstrip())
    return lines


def _costs(variant: str, rows: list[Row], baseline: Baseline) -> str:
    def cells(row: Row) -> str:
        return f"{_cost(row):>8}{_plus(row, baseline):>7}{_count(row.wrmsr):>7}  {_oracle(row)}"

    lines = [f"{variant}: instructions an operation (emulated; the empty loop is taken off)"]
    lines += _grouped([row for row in rows if row.case != "empty"], cells, f"{'cost':>8}{'+N':>7}{'WRMSR':>7}  oracle")
    return "\n".join(lines + _loop_itself(rows, lambda cost: f"{cost:>8g}"))


def _side_by_side(rows: list[Row], variants: list[str], baseline: Baseline) -> list[str]:
    """Costs by case and variant, and what the patch adds; as many variants beside each other as fit."""
    by_key = {(row.case, row.variant): row for row in rows}
    cases = list({row.case: row for row in rows if not row.skipped and row.case != "empty"}.values())
    label_width = max([24, *(len("/".join(row.case.split("/")[2:])) + 5 for row in cases)])

    def table(title: str, shown: list[Row], chosen: list[str], cell: Callable[[Row], str]) -> str:
        widths = [max(len(variant), 5) + 1 for variant in chosen]

        def cells(row: Row) -> str:
            found = [by_key.get((row.case, variant)) for variant in chosen]
            return "".join(f"{'' if one is None or one.skipped else cell(one):>{width}}" for one, width in zip(found, widths))

        columns = "".join(f"{variant:>{width}}" for variant, width in zip(chosen, widths))
        return "\n".join([title, *_grouped(shown, cells, columns, label_width)])

    added = {row.case for row in rows if baseline.added(row) is not None}
    blocks = []
    for chosen in _fitting(variants, WIDTH - label_width):
        blocks.append(table("Instructions an operation (emulated; the empty loop is taken off)", cases, chosen, _cost))
        if added:
            held = [row for row in cases if row.case in added]
            blocks.append(table("The same, beyond the unpatched path with the same touch", held, chosen, lambda row: _plus(row, baseline)))
    return [*blocks, _writes_and_oracle(rows)]


def _fitting(variants: list[str], width: int) -> list[list[str]]:
    """Variants in runs whose columns fit a width."""
    runs: list[list[str]] = [[]]
    for variant in variants:
        if runs[-1] and sum(max(len(one), 5) + 1 for one in [*runs[-1], variant]) > width:
            runs.append([])
        runs[-1].append(variant)
    return runs


def _writes_and_oracle(rows: list[Row]) -> str:
    writing: dict[str, list[str]] = {}
    for row in rows:
        if row.wrmsr:
            writing.setdefault(_count(row.wrmsr), []).append(row.case)
    sentences = [f"WRMSR an operation, counted from outside the guest: {count} in {', '.join(dict.fromkeys(cases))}." for count, cases in writing.items()]
    if writing:
        sentences[-1] = f"{sentences[-1][:-1]}; none in the others."
    states = [row.oracle for row in rows if row.oracle != "none"]
    failed = [f"{row.variant} {row.case}" for row in rows if row.oracle == "failed"]
    if failed:
        sentences.append(f"Oracle: failed for {', '.join(failed)}: no figure.")
    elif states:
        sentences.append(f"Oracle: held in all {len(states)} cases and variants with a protected page.")
    return "\n".join(line for sentence in sentences for line in _wrapped(sentence))


def _breakdown(rows: list[Row]) -> str:
    shown = [row for row in rows if row.parts and row.case != "empty"]
    if not shown:
        return ""
    used = [part for part in PARTS if any(row.parts[part] for row in shown)]

    def cells(row: Row) -> str:
        return "".join(f"{_count(row.parts[part]):>{len(TITLES[part]) + 1}}" for part in used)

    lines = ["Where they go (counted from outside the guest)"]
    return "\n".join(lines + _grouped(shown, cells, "".join(f" {TITLES[part]}" for part in used)))


def _kernel_times(variant: str, rows: list[Row]) -> str:
    baseline = Baseline(rows, "core_cycles")

    def cells(row: Row) -> str:
        plus = _plus(row, baseline)
        return "".join(f"{_time(value):>8}" for value in (row.core_cycles, plus, row.cost, row.nanoseconds)) + f"  {_oracle(row)}"

    lines = [
        f"{variant}: time of an operation on this machine's running kernel,",
        "this boot only (medians; the empty loop is taken off; +N in cycles)",
    ]
    lines += _grouped([row for row in rows if row.case != "empty"], cells, f"{'cycles':>8}{'+N':>8}{'ticks':>8}{'ns':>8}  oracle")
    return "\n".join(lines + _loop_itself(rows, lambda cost: f"{'':16}{_time(cost):>8}"))


def _loop_itself(rows: list[Row], cells: Callable[[float], str]) -> list[str]:
    """The line of what has been taken off all others."""
    cost = next((row.empty for row in rows if row.case == "empty" and row.empty is not None), None)
    return [] if cost is None else [f"  {'empty (the loop itself)':{_LABEL_WIDTH - 2}}{cells(cost)}"]


def _time(value: float | str | None) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else f"{value:.1f}"


def _times(rows: list[Row]) -> str:
    lines = [
        "User models on this machine (time; not comparable with the above)",
        f"  {'case':36}{'core cycles':>12}{'ticks':>9}{'launches':>10}",
    ]
    for row in rows:
        if row.cost is None:
            lines.append(f"  {row.case:36}{'-':>12}{'-':>9}{row.boots:>10}")
        elif row.case.endswith("/empty"):
            lines.append(f"  {row.case + ' (the loop)':36}{'':>12}{row.empty:>9.2f}{row.boots:>10}")
        else:
            cycles = "-" if row.core_cycles is None else f"{row.core_cycles:.2f}"
            lines.append(f"  {row.case:36}{cycles:>12}{row.cost:>9.2f}{row.boots:>10}")
    return "\n".join(lines)


def _cost(row: Row) -> str:
    if row.cost is None:
        return "-"
    return f"{row.cost:g}" if row.exact else f"~{row.cost:.1f}"


def _plus(row: Row, baseline: Baseline) -> str:
    added = baseline.added(row)
    if added is None:
        return ""
    return f"{added:+g}" if row.clock == "icount" else f"{added:+.1f}"


def _oracle(row: Row) -> str:
    return "" if row.oracle == "none" else row.oracle


def _count(value) -> str:
    return "-" if value is None else f"{float(value):g}"
