# SPDX-License-Identifier: Apache-2.0
from itertools import groupby

import pytest

from lab.campaign import schedule

VARIANTS = ["plain", "off", "idle", "protected"]


def places(planned: list[schedule.Step], **of) -> list[int]:
    return [
        place
        for place, step in enumerate(planned)
        if all(getattr(step, name) == value for name, value in of.items())
    ]


def mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers)


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


@pytest.mark.parametrize("seed", range(20))
def test_a_linear_drift_adds_the_same_to_all_variants(seed):
    planned = schedule.steps(VARIANTS, 10, seed)
    assert {mean(places(planned, variant=variant)) for variant in VARIANTS} == {
        (len(planned) - 1) / 2
    }
    # and within each block
    for start in range(0, len(planned), 8):
        block = planned[start : start + 8]
        assert [step.variant for step in block] == [step.variant for step in reversed(block)]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("boots", [2, 3, 4, 8, 9])
def test_the_halves_of_the_baseline_are_as_large_and_interleaved(boots, seed):
    planned = schedule.steps(VARIANTS, boots, seed, "plain")
    halves = [step.half for step in planned if step.variant == "plain"]
    assert abs(halves.count("A") - halves.count("A'")) <= 1 and set(halves) == set(schedule.HALVES)
    assert max(len(list(same)) for _, same in groupby(halves)) <= 2
    assert {step.half for step in planned if step.variant != "plain"} == {None}
    if boots % 4 == 0:  # the drift over the baseline's own boots cancels between its halves
        assert mean([n for n, half in enumerate(halves) if half == "A"]) == mean(
            [n for n, half in enumerate(halves) if half == "A'"]
        )


def test_blocks_and_halves_are_shuffled():
    first = {
        tuple(step.variant for step in schedule.steps(VARIANTS, 2, seed)[:4]) for seed in range(50)
    }
    assert len(first) > 12  # of 24
    assert {schedule.steps(["plain"], 2, seed, "plain")[0].half for seed in range(50)} == set(
        schedule.HALVES
    )


def test_one_boot_has_no_halves():
    assert schedule.steps(["plain"], 1, 1, "plain") == [schedule.Step("plain", 1)]
