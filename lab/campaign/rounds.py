# SPDX-License-Identifier: Apache-2.0
"""Rounds of a campaign that has begun: what is left of them, and which coin each had. Pure."""

from typing import Any

from lab.campaign import schedule
from lab.campaign.schedule import Step


def left(header: dict[str, Any]) -> list[Step]:
    """Steps of the plan of campaign.json that have not been made well yet, in its order.

    A round of which one boot is missing is made again whole, with another coin.
    """
    done = _last_status(header)
    attempts: dict[int, int] = {}
    for coin in header.get("coins", []):
        attempts[coin["round"]] = max(coin["attempt"], attempts.get(coin["round"], 1))
    steps: list[Step] = []
    rounds: dict[object, list[Step]] = {}
    for raw in header["planned"]:
        step = Step(**raw)
        rounds.setdefault(step.round or (step.variant, step.boot), []).append(step)
    for planned in rounds.values():
        made = [done.get((step.variant, step.boot)) for step in planned]
        if all(status == "ok" for status in made):
            continue
        tries = attempts.get(planned[0].round or 0, 1) if any(made) else 0
        steps += schedule.repeated(planned, header["seed"], tries + 1) if tries else planned
    return steps


def settle(header: dict[str, Any], now: str) -> None:
    """Calls boots interrupted that a kmapbench which is gone has left running."""
    for step in header["order"]:
        if step["status"] == "running":
            step |= {
                "ended": now,
                "status": "interrupted",
                "reason": "kmapbench was ended in the middle of it",
            }


def _last_status(header: dict[str, Any]) -> dict[tuple[str, int], str]:
    """How the last try of each boot ended."""
    return {(step["variant"], step["boot"]): step["status"] for step in header["order"]}


def keep_coin(header: dict[str, Any], variant: str, boot: int, attempt: int) -> None:
    """Writes into campaign.json, as the first boot of a round's attempt begins, the order of that
    round's boots.
    """
    planned = [Step(**step) for step in header.get("planned", [])]
    number = next(
        (step.round for step in planned if (step.variant, step.boot) == (variant, boot)), None
    )
    coins = header.get("coins")
    if coins is None or number is None:
        return
    if not any((coin["round"], coin["attempt"]) == (number, attempt) for coin in coins):
        variants = [step.variant for step in planned if step.round == number]
        order = schedule.round_order(variants, header["seed"], number, attempt)
        coins.append({"round": number, "attempt": attempt, "order": order})
