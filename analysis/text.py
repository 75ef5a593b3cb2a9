# SPDX-License-Identifier: Apache-2.0
"""report.txt: plain text of 72 columns, to be pasted into a mail."""

import textwrap
from collections.abc import Callable, Collection

from analysis import quality
from analysis.parts import PARTS, TITLES
from analysis.table import Row

WIDTH = 72
_LABEL_WIDTH = 31
_UNPATCHED = "kernel/kmap_local/dram"


def report(title: str, facts: list[str], rows: list[Row], warnings: list[str], patched: Collection[str] = ()) -> str:
    """The whole text, with a last newline.

    patched: variants whose own kmap path is the patched one, and no baseline.
    """
    blocks = [title, "\n".join(line for fact in facts for line in _wrapped(fact))]
    lab = [row for row in rows if row.clock == "icount"]
    for variant in dict.fromkeys(row.variant for row in lab):
        chosen = [row for row in lab if row.variant == variant]
        own = variant not in patched
        baseline = chosen if own else [row for row in lab if row.variant not in patched]
        blocks += [_costs(variant, chosen, _unpatched(baseline, "cost"), own), _breakdown(chosen)]
        blocks.append(_quality(chosen))
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


def is_user(row: Row) -> bool:
    """A model in user space, as opposed to a case of the kernel module."""
    return row.case.startswith("user/")


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


def _grouped(rows: list[Row], cells, columns: str) -> list[str]:
    """Lines of a table: a case's path on a line of its own, where it changes; its last parts and cells below."""
    lines = [f"{'':{_LABEL_WIDTH}}{columns}"]
    above = None
    for row in rows:
        if row.skipped:
            continue  # the notes say why
        family, path, *rest = row.case.split("/")
        if not rest:  # two parts: nothing to group by
            above = None
            lines.append(f"  {row.case:{_LABEL_WIDTH - 2}}{cells(row)}".rstrip())
            continue
        if (family, path) != above:
            above = (family, path)
            lines.append(f"  {family}/{path}/")
        lines.append(f"    {'/'.join(rest):{_LABEL_WIDTH - 4}}{cells(row)}".rstrip())
    return lines


def _unpatched(rows: list[Row], metric: str) -> dict[str, float | None]:
    """A metric of the unpatched path by case, of the first variant that has it."""
    return {row.case: getattr(row, metric) for row in reversed(rows) if row.case.startswith(_UNPATCHED)}


def _costs(variant: str, rows: list[Row], unpatched: dict[str, float | None], own: bool) -> str:
    def cells(row: Row) -> str:
        plus = "" if own and row.case.startswith("kernel/") else _plus(row, row.cost, unpatched)
        return f"{_cost(row):>8}{plus:>7}{_count(row.wrmsr):>7}  {_oracle(row)}"

    lines = [f"{variant}: instructions an operation (emulated; the empty loop is taken off)"]
    lines += _grouped([row for row in rows if row.case != "empty"], cells, f"{'cost':>8}{'+N':>7}{'WRMSR':>7}  oracle")
    return "\n".join(lines + _loop_itself(rows, lambda cost: f"{cost:>8g}"))


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
    unpatched = _unpatched(rows, "core_cycles")

    def cells(row: Row) -> str:
        plus = "" if row.case.startswith("kernel/") else _plus(row, row.core_cycles, unpatched)
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


def _plus(row: Row, cost: float | None, unpatched: dict[str, float | None]) -> str:
    """What the patch adds: against the unpatched path with the same touch, in the unit of both."""
    if cost is None or not row.case.startswith(("model/", "kernel/kmap_local/")):
        return ""
    baseline = unpatched.get(f"{_UNPATCHED}/{row.case.split('/')[-1]}", unpatched.get(_UNPATCHED))
    if baseline is None:
        return ""
    return f"{cost - baseline:+g}" if row.clock == "icount" else f"{cost - baseline:+.1f}"


def _oracle(row: Row) -> str:
    return "" if row.oracle == "none" else row.oracle


def _count(value) -> str:
    return "-" if value is None else f"{float(value):g}"
