# SPDX-License-Identifier: Apache-2.0
"""The order of a campaign's boots: rounds, each in a random order of its own, from a seed. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

HALVES = ("A", "A'")


@dataclass(frozen=True)
class Step:
    """One boot that is to be made."""

    variant: str
    boot: int
    half: str | None = None  # of the baseline: which side of the A/A row it is on
    round: int | None = None  # one boot of each variant, next to each other; None: of no round
    attempt: int = 1  # of the round


def steps(
    variants: Sequence[str], boots: int, seed: int, baseline: str | None = None
) -> list[Step]:
    """Boots of all variants in rounds: a round has one boot of each, in an order by chance.

    The orders of two rounds have nothing to do with each other, and are balanced over nothing. So
    for any two variants a fair and independent coin says which of them is first in a round, and the
    test of their differences (analysis/stats/randomisation.py) rests on that coin. The rounds are
    split into two halves by chance, too, of which the baseline's boots make the A/A row.
    """
    halves: list[str | None] = [None] * boots
    if baseline in variants and boots > 1:
        # the first half is the larger one of an odd number
        halves = [HALVES[place % 2] for place in range(boots)]
        random.Random(f"{seed} halves").shuffle(halves)
    return [
        Step(variant, number, halves[number - 1] if variant == baseline else None, number)
        for number in range(1, boots + 1)
        for variant in round_order(variants, seed, number)
    ]


def round_order(variants: Sequence[str], seed: int, number: int, attempt: int = 1) -> list[str]:
    """The variants in the order of their boots in a round. attempt: a round that is repeated has
    another coin.
    """
    chooser = random.Random(f"{seed} round {number} attempt {attempt}")
    return chooser.sample(sorted(variants), len(variants))


def repeated(planned: Sequence[Step], seed: int, attempt: int) -> list[Step]:
    """The steps of one round once more, in a new order."""
    number = planned[0].round
    if number is None:
        return list(planned)
    by_variant = {step.variant: step for step in planned}
    order = round_order(list(by_variant), seed, number, attempt)
    return [replace(by_variant[variant], attempt=attempt) for variant in order]
