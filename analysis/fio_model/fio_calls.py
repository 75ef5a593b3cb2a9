# SPDX-License-Identifier: Apache-2.0
"""What single reads and writes run through, counted from outside the guest: what a variant adds to
one, exactly, and in which function.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.data.load import CountedPath
from analysis.report.table import Table
from analysis.report.text.layout import WIDTH, beside_each_other, fitting, label_width, wrapped

# One call on one kind of file; a run of fio has more parts.
_CALL = re.compile(r"dax/\w+/\w+/\w+")
# Whose functions are told apart in the text.
_BY_FUNCTION = re.compile(r"dax/(ext4|xfs)/(pread|pwrite)/4k")

_NAMED = 8


@dataclass(frozen=True)
class Call:
    """One call of one variant, of its first boot."""

    case: str
    variant: str
    instructions: int
    wrmsr: int
    by_function: dict[str, int]
    steady: bool  # the same in all boots


def calls(paths: Iterable[CountedPath]) -> list[Call]:
    """A row a case and variant, in order of first appearance."""
    groups: dict[tuple[str, str], list[CountedPath]] = {}
    for path in paths:
        if _CALL.fullmatch(path.case):
            groups.setdefault((path.case, path.variant), []).append(path)
    return [_call(group) for group in groups.values()]


def _call(boots: list[CountedPath]) -> Call:
    first = boots[0]
    by_function: dict[str, int] = {}
    for at in first.functions:
        name = at["chain"][-1]
        by_function[name] = by_function.get(name, 0) + at["instructions"]
    steady = all(
        (other.instructions, other.wrmsr) == (first.instructions, first.wrmsr) for other in boots
    )
    return Call(first.case, first.variant, first.instructions, first.wrmsr, by_function, steady)


def text(found: Sequence[Call], baseline: str, variants: Sequence[str]) -> str:
    """A block of report.txt; empty where there is nothing to hold against the baseline."""
    by_key = {(call.case, call.variant): call for call in found}
    cases = [call for call in found if call.variant == baseline]
    others = [
        variant
        for variant in variants
        if variant != baseline and any(call.variant == variant for call in found)
    ]
    if not cases or not others:
        return ""

    def added(case: str, variant: str) -> str:
        call = by_key.get((case, variant))
        if call is None:
            return ""
        base = by_key[case, baseline]
        doubt = "" if call.steady and base.steady else "?"
        return f"{call.instructions - base.instructions:+d}{doubt}"

    width = label_width(call.case for call in cases)
    title = (
        f"Instructions that one call takes beyond {baseline}'s, counted from outside (emulated); ?"
        " where boots differ"
    )
    lines = [
        beside_each_other(title, cases, chosen, added, width)
        for chosen in fitting(others, WIDTH - width)
    ]
    sentences = [
        _writes(found, [baseline, *others]),
        *(
            _functions(by_key[case.case, baseline], by_key.get((case.case, variant)))
            for case in cases
            for variant in others
        ),
    ]
    return "\n".join(
        lines + [line for sentence in sentences if sentence for line in wrapped(sentence, "  ")]
    )


def _writes(found: Sequence[Call], variants: Sequence[str]) -> str:
    """WRMSRs of one call, by variant."""
    said = []
    for variant in variants:
        of = [call for call in found if call.variant == variant]
        counts = sorted({call.wrmsr for call in of if call.wrmsr})
        named = "; ".join(
            f"{count} in {', '.join(call.case for call in of if call.wrmsr == count)}"
            for count in counts
        )
        none = [call.case for call in of if not call.wrmsr]
        said.append(
            f"{variant}: {named or 'none'}"
            + (f"; none in {', '.join(none)}" if named and none else "")
        )
    return f"WRMSR of one call: {'. '.join(said)}."


def _functions(old: Call, new: Call | None) -> str:
    if new is None or not _BY_FUNCTION.fullmatch(old.case):
        return ""
    changed = _changed(old, new)
    named = ", ".join(f"{name} {more:+d}" for name, more in changed[:_NAMED])
    rest = (
        f", and {sum(more for _, more in changed[_NAMED:]):+d} in {len(changed) - _NAMED} more"
        if len(changed) > _NAMED
        else ""
    )
    return f"{new.case}, {new.variant}, by function: {named}{rest}." if changed else ""


def _changed(old: Call, new: Call) -> list[tuple[str, int]]:
    """Functions that take another number of instructions, the largest difference first."""
    more = {
        name: new.by_function.get(name, 0) - old.by_function.get(name, 0)
        for name in {**old.by_function, **new.by_function}
    }
    return sorted(
        ((name, count) for name, count in more.items() if count),
        key=lambda one: (-abs(one[1]), one[0]),
    )


def sheets(found: Sequence[Call], baseline: str) -> list[Table]:
    """Calls, and the functions in which a variant's differs from the baseline's; none where nothing
    was counted.
    """
    if not found:
        return []
    old = {call.case: call for call in found if call.variant == baseline}
    rows = tuple(
        (
            call.case,
            call.variant,
            call.instructions,
            call.wrmsr,
            call.instructions - old[call.case].instructions if call.case in old else None,
            "yes" if call.steady else "no",
        )
        for call in found
    )
    functions = tuple(
        (name, call.case, call.variant, call.by_function.get(name, 0), more)
        for call in found
        if call.variant != baseline and call.case in old
        for name, more in _changed(old[call.case], call)
    )
    caption = (
        "Clock: icount. One call each, counted from outside the guest by a plugin of the emulator;"
        " an interrupt is in none of them."
    )
    tables = [
        Table(
            "dax-calls",
            "Single reads and writes (emulated)",
            caption,
            (
                "case",
                "variant",
                "instructions",
                "WRMSR",
                f"beyond {baseline}'s",
                "the same in all boots",
            ),
            rows,
        )
    ]
    if functions:
        heading = f"Functions in which they differ from {baseline}'s (emulated)"
        tables.append(
            Table(
                "dax-functions",
                heading,
                caption,
                ("function", "case", "variant", "instructions", f"beyond {baseline}'s"),
                functions,
            )
        )
    return tables
