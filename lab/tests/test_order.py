# SPDX-License-Identifier: Apache-2.0
from itertools import combinations, groupby, pairwise
from math import comb

import pytest
from scipy.stats import binomtest, chisquare

from lab.campaign import schedule

VARIANTS = ["plain", "off", "idle", "protected"]


def places(planned: list[schedule.Step], **of) -> list[int]:
    return [
        place
        for place, step in enumerate(planned)
        if all(getattr(step, name) == value for name, value in of.items())
    ]


def test_the_same_seed_gives_the_same_order_and_another_seed_another():
    orders = [schedule.steps(VARIANTS, 6, seed, "plain") for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("boots", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("seed", range(20))
def test_each_boot_of_each_variant_is_there_once_and_counted_in_order(boots, seed):
    planned = schedule.steps(VARIANTS, boots, seed, "plain")
    for variant in VARIANTS:
        assert [step.boot for step in planned if step.variant == variant] == list(
            range(1, boots + 1)
        )
    assert len(planned) == boots * len(VARIANTS)


def firsts(one: str, other: str, seed: int, boots: int) -> list[bool]:
    """Of each round, whether one variant's boot comes before the other's."""
    planned = schedule.steps(VARIANTS, boots, seed, "plain")
    return [
        places(planned, variant=one, round=number) < places(planned, variant=other, round=number)
        for number in range(1, boots + 1)
    ]


@pytest.mark.parametrize("pair", combinations(VARIANTS, 2))
def test_any_two_variants_have_a_fair_coin_in_each_round(pair):
    tossed = [toss for seed in range(200) for toss in firsts(*pair, seed, 10)]
    assert 0.01 < binomtest(sum(tossed), len(tossed)).pvalue


@pytest.mark.parametrize("pair", combinations(VARIANTS, 2))
def test_coins_are_independent_and_balanced_over_nothing(pair):
    """As many of ten are of one kind as with ten coins, and so are neighbours that are alike."""
    campaigns = [firsts(*pair, seed, 10) for seed in range(500)]
    for counts, tosses in (
        ([sum(tossed) for tossed in campaigns], 10),
        ([sum(a == b for a, b in pairwise(tossed)) for tossed in campaigns], 9),
    ):
        seen = [counts.count(number) for number in range(tosses + 1)]
        wanted = [
            len(campaigns) * comb(tosses, number) / 2**tosses for number in range(tosses + 1)
        ]
        assert 0.001 < chisquare(seen, wanted).pvalue


def test_a_round_is_one_boot_of_each_variant_next_to_each_other():
    planned = schedule.steps(VARIANTS, 6, 1, "plain")
    for number, steps in groupby(planned, lambda step: step.round):
        assert sorted((step.variant, step.boot) for step in steps) == [
            (variant, number) for variant in sorted(VARIANTS)
        ]


def test_a_round_that_is_repeated_has_another_coin():
    rounds = [schedule.steps(["a", "b"], 1, seed) for seed in range(200)]
    repeated = [schedule.repeated(steps, seed, 2) for seed, steps in enumerate(rounds)]
    for steps, again in zip(rounds, repeated):
        assert {(step.variant, step.boot, step.round, step.attempt) for step in again} == {
            (step.variant, step.boot, step.round, 2) for step in steps
        }
    kept = sum(
        [step.variant for step in steps] == [step.variant for step in again]
        for steps, again in zip(rounds, repeated)
    )
    assert 0.01 < binomtest(kept, len(rounds)).pvalue


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("boots", [2, 3, 4, 8, 9])
def test_the_halves_of_the_baseline_are_as_large(boots, seed):
    planned = schedule.steps(VARIANTS, boots, seed, "plain")
    halves = [step.half for step in planned if step.variant == "plain"]
    assert abs(halves.count("A") - halves.count("A'")) <= 1 and set(halves) == set(schedule.HALVES)
    assert {step.half for step in planned if step.variant != "plain"} == {None}


def test_halves_are_by_chance_too():
    found = {
        tuple(step.half for step in schedule.steps(["plain"], 4, seed, "plain"))
        for seed in range(200)
    }
    assert len(found) == comb(4, 2)


def test_one_boot_has_no_halves():
    assert schedule.steps(["plain"], 1, 1, "plain") == [schedule.Step("plain", 1, round=1)]
