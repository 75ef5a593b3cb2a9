# SPDX-License-Identifier: Apache-2.0
"""The next boot of a campaign over reboots, by what campaign.json has of those before."""

import random
from collections import Counter

import pytest

from lab.campaign import schedule
from lab.reboots import boot_order

VARIANTS = ("plain", "off", "protected")


def a_header(boots: int, seed: int) -> dict:
    planned = schedule.steps(list(VARIANTS), boots, seed, "plain")
    return {
        "seed": seed,
        "variants": dict.fromkeys(VARIANTS, {}),
        "planned": [
            {"variant": step.variant, "boot": step.boot, "round": step.round} for step in planned
        ],
        "order": [],
    }


def make(header: dict, step, status: str = "ok", came_up: bool = True) -> None:
    entry = {"variant": step.variant, "boot": step.boot, "status": status, "reason": "planted"}
    header["order"].append(entry if came_up else entry | {"came_up": False})


def test_without_trouble_it_is_the_planned_order():
    header = a_header(5, seed=3)
    made = []
    while step := boot_order.next_step(header, ()):
        made.append((step.variant, step.boot))
        make(header, step)
    assert made == [(step["variant"], step["boot"]) for step in header["planned"]]


@pytest.mark.parametrize("status", ["crashed", "interrupted"])
def test_a_round_that_lost_a_boot_begins_anew_with_another_coin(status):
    header = a_header(3, seed=3)
    first = boot_order.next_step(header, ())
    make(header, first)
    make(header, boot_order.next_step(header, ()), status)
    again = []
    while (step := boot_order.next_step(header, ())) and step.round == 1:
        again.append(step.variant)
        assert step.attempt == 2
        make(header, step)
    assert again == schedule.round_order(VARIANTS, 3, 1, attempt=2)


def test_the_coin_of_each_attempt_is_fair_and_its_own():
    firsts = Counter()
    for seed in range(600):
        header = a_header(1, seed)
        make(header, boot_order.next_step(header, ()), "crashed")
        firsts[boot_order.next_step(header, ()).variant] += 1
    assert all(150 < count < 250 for count in firsts.values()), firsts


def test_who_is_left_out_is_not_asked_for_and_the_others_are():
    header = a_header(4, seed=3)
    while step := boot_order.next_step(header, ("off",)):
        make(header, step)
    assert Counter(entry["variant"] for entry in header["order"]) == {"plain": 4, "protected": 4}


@pytest.mark.parametrize(
    ("history", "is_left_out"),
    [
        (["not up"], False),
        (["not up", "not up"], True),
        (["not up", "ok", "not up"], False),
        (["not up", "interrupted", "not up"], True),
        (["lost", "lost"], False),
        (["lost", "lost", "lost"], True),
        (["lost", "not up"], False),
        (["lost", "not up", "lost"], True),
        (["lost", "lost", "ok", "lost"], False),
        (["interrupted"] * 5, False),
    ],
)
def test_a_kernel_is_left_out_for_boots_lost_in_a_row(history, is_left_out):
    header = a_header(9, seed=1)
    for what in history:
        step = next(step for step in schedule.steps(["off"], 9, 1))
        status = {"ok": "ok", "interrupted": "interrupted"}.get(what, "crashed")
        make(header, step, status, came_up=what != "not up")
    assert set(boot_order.left_out(header)) == ({"off"} if is_left_out else set())


def test_whatever_happens_all_boots_of_kernels_that_come_up_are_made():
    for seed in range(50):
        chooser = random.Random(seed)
        header = a_header(4, seed)
        for _ in range(500):
            left_out = boot_order.left_out(header)
            step = boot_order.next_step(header, left_out)
            if step is None:
                break
            status = chooser.choice(["ok", "ok", "ok", "crashed", "interrupted"])
            make(header, step, status, came_up=chooser.random() < 0.8 or status != "crashed")
        else:
            raise AssertionError("it goes on for ever")
        last = {(one["variant"], one["boot"]): one["status"] for one in header["order"]}
        for variant in set(VARIANTS) - set(left_out):
            assert all(last[variant, boot] == "ok" for boot in range(1, 5))


def test_a_kernel_in_whose_boots_kmapbench_always_ends_is_left_out():
    header = a_header(3, seed=3)
    step = next(step for step in schedule.steps(list(VARIANTS), 1, 3, "plain"))
    for _ in range(boot_order.MOST_INTERRUPTED - 1):
        make(header, step, "interrupted")
    assert boot_order.left_out(header) == {}
    make(header, step, "interrupted")
    assert boot_order.left_out(header) == {step.variant: "10 boots in a row: planted"}
    header["order"].pop()
    make(header, step)
    make(header, step, "interrupted")
    assert boot_order.left_out(header) == {}
