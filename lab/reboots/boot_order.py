# SPDX-License-Identifier: Apache-2.0
"""Which boot comes next in a campaign over reboots, and which kernels are left out. Pure.

A round has one boot of each kernel, in an order of its own by chance (lab/campaign/schedule.py). If
one of its boots is lost, the round begins anew at once, with another order: boots of a round are
neighbours in time.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lab.campaign import schedule
from lab.campaign.schedule import Step

# Boots in a row that a kernel may lose before it is left out: that did not come up, in which the
# machine went down later, which may have been a power cut, and in which kmapbench was ended, which
# may have been a user.
MOST_NOT_UP, MOST_LOST, MOST_INTERRUPTED = 2, 3, 10


def next_step(header: Mapping[str, Any], left_out: Collection[str]) -> Step | None:
    """The boot to make now, by campaign.json; None: all are made.

    left_out: kernels that are not booted any more.
    """
    rounds: dict[int, list[Step]] = {}
    for planned in header["planned"]:
        rounds.setdefault(planned["round"], []).append(Step(**planned))
    for number, steps in rounds.items():
        made = [entry for entry in header["order"] if _is_of(entry, steps)]
        attempt, waiting = _replay(steps, made, header["seed"])
        by_variant = {step.variant: step for step in steps}
        for variant in waiting:
            if variant not in left_out:
                step = by_variant[variant]
                return Step(variant, step.boot, step.half, number, attempt)
    return None


def _is_of(entry: Mapping[str, Any], steps: Sequence[Step]) -> bool:
    return any((entry["variant"], entry["boot"]) == (step.variant, step.boot) for step in steps)


def _replay(
    steps: Sequence[Step], made: Sequence[Mapping[str, Any]], seed: int
) -> tuple[int, list[str]]:
    """The attempt of a round that its boots so far lead to, and the kernels that it lacks."""
    variants = [step.variant for step in steps]
    attempt, waiting = 1, schedule.round_order(variants, seed, steps[0].round or 0)
    for entry in made:
        if entry["status"] == "ok" and entry["variant"] in waiting:
            waiting.remove(entry["variant"])
        elif entry["status"] != "ok":
            attempt += 1
            waiting = schedule.round_order(variants, seed, steps[0].round or 0, attempt)
    return attempt, waiting


def left_out(header: Mapping[str, Any]) -> dict[str, str]:
    """Kernels that lost too many boots in a row, with what is to be said of each."""
    found: dict[str, str] = {}
    for variant in header["variants"]:
        not_up = lost = interrupted = 0
        for entry in header["order"]:
            if entry["variant"] != variant or entry["status"] == "running":
                continue
            if entry["status"] == "interrupted":
                interrupted += 1
                if interrupted >= MOST_INTERRUPTED:
                    found[variant] = f"{interrupted} boots in a row: {entry['reason']}"
                continue
            interrupted = 0
            good = entry["status"] == "ok"
            lost = 0 if good else lost + 1
            not_up = not_up + 1 if entry.get("came_up") is False else 0
            if not_up >= MOST_NOT_UP:
                found[variant] = f"did not come up {not_up} times in a row"
            elif lost >= MOST_LOST:
                found[variant] = f"{lost} boots in a row were lost: {entry['reason']}"
    return found
