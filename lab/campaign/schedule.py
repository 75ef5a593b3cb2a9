# SPDX-License-Identifier: Apache-2.0
"""The order of a campaign's boots: shuffled blocks, from a seed. Pure."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

HALVES = ("A", "A'")


@dataclass(frozen=True)
class Step:
    """One boot that is to be made."""

    variant: str
    boot: int
    half: str | None = None  # of the baseline: which side of the A/A row it is on


def steps(
    variants: Sequence[str], boots: int, seed: int, baseline: str | None = None
) -> list[Step]:
    """Boots of all variants in blocks of two rounds, the second round the first one's mirror image.

    Each variant's mean place in a block is the block's middle, so that a drift which is linear in
    time adds the same to all of them. An odd number of boots ends with half a block, which has no
    mirror image. The baseline's boots are split into two halves in the same manner, as ABBA or BAAB
    by fours.
    """
    chooser = random.Random(seed)
    order: list[str] = []
    for _ in range(0, boots, 2):
        once = chooser.sample(variants, len(variants))
        order += once + once[::-1]
    order = order[: boots * len(variants)]
    sides: Sequence[str | None] = [None] * boots
    if baseline in variants and boots > 1:
        sides = _halves(boots, chooser)
    halves = iter(sides)
    made: Counter[str] = Counter()
    planned = []
    for variant in order:
        made[variant] += 1
        planned.append(Step(variant, made[variant], next(halves) if variant == baseline else None))
    return planned


def _halves(boots: int, chooser: random.Random) -> list[str]:
    sides: list[str] = []
    while len(sides) < boots:
        first, second = chooser.sample(HALVES, 2)
        sides += [first, second, second, first]
    return sides[:boots]
