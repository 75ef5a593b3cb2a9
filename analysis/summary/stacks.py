# SPDX-License-Identifier: Apache-2.0
"""Counts of a path by function, from its call stacks."""

from fractions import Fraction

from analysis.data.load import CountedPath


def own_counts(path: CountedPath) -> list[tuple[str, Fraction, Fraction]]:
    """(function, instructions, WRMSRs) per operation, without what the function called; the most
    instructions first.
    """
    own: dict[str, tuple[int, int]] = {}
    for counted in path.stacks:
        name = counted["stack"][-1]
        instructions, wrmsr = own.get(name, (0, 0))
        own[name] = (instructions + counted["instructions"], wrmsr + counted["wrmsr"])
    counts = [
        (name, Fraction(instructions, path.ops), Fraction(wrmsr, path.ops))
        for name, (instructions, wrmsr) in own.items()
    ]
    return sorted(counts, key=lambda count: (-count[1], count[0]))
