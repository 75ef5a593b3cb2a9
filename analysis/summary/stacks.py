# SPDX-License-Identifier: Apache-2.0
"""Counts of a path by function and by call stack: of one side, or of two next to each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from analysis.data.load import CountedPath


@dataclass(frozen=True)
class Counts:
    """Instructions an operation, and those of them that wrote PKRS."""

    instructions: Fraction = Fraction(0)
    writes: Fraction = Fraction(0)

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.instructions + other.instructions, self.writes + other.writes)

    def __sub__(self, other: Counts) -> Counts:
        return Counts(self.instructions - other.instructions, self.writes - other.writes)


@dataclass
class Call:
    """A function as it was called there, on both sides; its counts are without what it called."""

    name: str
    old: Counts = Counts()
    new: Counts = Counts()
    called: dict[str, Call] = field(default_factory=dict)

    @property
    def added(self) -> Counts:
        """What it takes more, with all that it called."""
        return sum((callee.added for callee in self.called.values()), self.new - self.old)

    @property
    def changed(self) -> Fraction:
        """How many instructions are more or fewer in it and in what it called: what moved from one
        function to another counts twice.
        """
        own = abs((self.new - self.old).instructions)
        return own + sum(callee.changed for callee in self.called.values())

    @property
    def sides(self) -> tuple[bool, bool]:
        """Whether the old side called it, and the new one."""
        callees = [callee.sides for callee in self.called.values()]
        return (
            self.old != Counts() or any(old for old, _ in callees),
            self.new != Counts() or any(new for _, new in callees),
        )

    def align(self) -> None:
        """Where a function is called by this one on one side, and on the other by one that this one
        calls, has this one call it on both, so that what it takes cancels. So it is with a tail
        call, and with a function that only one side has.
        """
        for between in list(self.called.values()):
            for callee in list(between.called.values()):
                counterpart = self.called.get(callee.name)
                sides = callee.sides
                if counterpart and not all(sides) and counterpart.sides == sides[::-1]:
                    counterpart._take(between.called.pop(callee.name))
        for callee in self.called.values():
            callee.align()

    def _take(self, other: Call) -> None:
        """Adds the counts of another call of the same function, and of what it called."""
        self.old += other.old
        self.new += other.new
        for name, callee in other.called.items():
            self.called.setdefault(name, Call(name))._take(callee)


def call_tree(new: CountedPath, old: CountedPath | None = None) -> Call:
    """All stacks, joined where they have the same callers; the root has no function. A function
    that calls itself is one call. Without an old side all counts are added; with one, calls of both
    are aligned.
    """
    root = Call("all")
    for path, is_new in ((old, False), (new, True)):
        for stack, counts in _stacks(path):
            call = root
            for caller, name in zip(("", *stack), stack):
                if name != caller:
                    call = call.called.setdefault(name, Call(name))
            if is_new:
                call.new += counts
            else:
                call.old += counts
    root.align()
    return root


def folded(new: CountedPath, old: CountedPath | None = None) -> str:
    """Stacks as other tools read them: a line each, `outer;inner COUNT`, of two sides
    `outer;inner OLD NEW`.
    """
    counts: dict[str, list[Fraction]] = {}
    for side, path in enumerate((new,) if old is None else (old, new)):
        for stack, counted in _stacks(path):
            line = ";".join(name.replace(";", ":") for name in stack)
            sides = counts.setdefault(line, [Fraction(0)] * (1 if old is None else 2))
            sides[side] += counted.instructions
    return "".join(
        f"{line} {' '.join(f'{float(count):g}' for count in sides)}\n"
        for line, sides in sorted(counts.items())
    )


def describe_count(count: Fraction, sign: str = "") -> str:
    """With separators of thousands. sign: as in a format, "+" or none."""
    places = 0 if count.denominator == 1 else 1
    return f"{float(count):{sign},.{places}f}"


def describe_writes(writes: Fraction) -> str:
    return f"{float(writes):g} PKRS write{'' if writes == 1 else 's'}"


def own_counts(
    new: CountedPath, old: CountedPath | None = None
) -> list[tuple[str, Counts, Counts]]:
    """(function, old, new) without what the function called; the largest change first."""
    own: dict[str, list[Counts]] = {}
    for side, path in enumerate((old, new)):
        for stack, counts in _stacks(path):
            own.setdefault(stack[-1], [Counts(), Counts()])[side] += counts
    return sorted(
        ((name, before, after) for name, (before, after) in own.items()),
        key=lambda one: (-abs((one[2] - one[1]).instructions), one[0]),
    )


def _stacks(path: CountedPath | None) -> Iterator[tuple[tuple[str, ...], Counts]]:
    if path is None:
        return
    for counted in path.stacks:
        instructions, wrmsr = (
            Fraction(counted[name], path.ops) for name in ("instructions", "wrmsr")
        )
        yield tuple(counted["stack"]), Counts(instructions, wrmsr)
