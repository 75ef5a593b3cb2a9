# SPDX-License-Identifier: Apache-2.0
"""Single reads and writes, counted from outside the guest: how many instructions and PKRS writes
one takes, and in which function.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.data.load import CountedPath

# One call on one kind of file; the name of a fio run has more parts.
_CALL = re.compile(r"dax/\w+/\w+/\w+")


@dataclass(frozen=True)
class Call:
    """One call of one variant, in its first boot."""

    case: str
    variant: str
    instructions: int
    pkrs_writes: int
    by_function: dict[str, int]  # instructions
    steady: bool  # the same counts in all boots


def single_calls(paths: Iterable[CountedPath]) -> list[Call]:
    """One call per case and variant, in order of first appearance."""
    boots: dict[tuple[str, str], list[CountedPath]] = {}
    for path in paths:
        if _CALL.fullmatch(path.case):
            boots.setdefault((path.case, path.variant), []).append(path)
    return [_single_call(paths_of_boots) for paths_of_boots in boots.values()]


def _single_call(boots: list[CountedPath]) -> Call:
    first = boots[0]
    by_function: dict[str, int] = {}
    for function in first.functions:
        name = function["chain"][-1]
        by_function[name] = by_function.get(name, 0) + function["instructions"]
    steady = all(
        (other.instructions, other.pkrs_writes) == (first.instructions, first.pkrs_writes)
        for other in boots
    )
    return Call(
        first.case, first.variant, first.instructions, first.pkrs_writes, by_function, steady
    )


def changed_functions(old: Call, new: Call) -> list[tuple[str, int]]:
    """Functions whose number of instructions differs, with new - old; the largest change first."""
    changes = {
        name: new.by_function.get(name, 0) - old.by_function.get(name, 0)
        for name in {**old.by_function, **new.by_function}
    }
    changed = [(name, change) for name, change in changes.items() if change]
    return sorted(changed, key=lambda item: (-abs(item[1]), item[0]))
