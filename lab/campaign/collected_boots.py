# SPDX-License-Identifier: Apache-2.0
"""Takes boots that were made elsewhere (one_boot.py) into their campaign.

campaign.json is written first, and what it has is then moved. Whoever is killed in between leaves
boots that it knows already, and the next one moves them. Each step looks at a boot once, whatever
the campaign has beside it.
"""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.campaign import environment_diff, rounds, safe_files, schedule
from lab.campaign.one_boot import STEP, boot_name
from lab.campaign.schedule import Step
from lab.campaign.store import Campaign, now

Key = tuple[str, int]  # variant, boot


@dataclass(frozen=True)
class Made:
    """A try of a boot that was made elsewhere."""

    folder: Path  # has STEP and the boot's folder
    variant: str
    boot: int
    attempt: int  # of its round
    node: str  # who made it, as the campaign is to call it
    fate: str  # why it has no end, if it has none

    @property
    def key(self) -> Key:
        return self.variant, self.boot


def collect(campaign: Campaign, made: Sequence[Made]) -> list[dict[str, Any]]:
    """Takes tries in, in the order of the plan, each once; the new entries of the campaign's order.
    made: the oldest first. What nobody has asked for any more is removed.
    """
    rounds.settle(campaign.header, now())
    known = {_identity(entry): entry for entry in campaign.header["order"]}
    steps = [(one, step) for one in made if (step := _step(one))]
    moves = [(one, entry) for one, step in steps if (entry := known.get(_identity(step)))]
    new = _new_entries(campaign, [pair for pair in steps if _identity(pair[1]) not in known])
    campaign.header["order"] += [entry for _, entry in new]
    campaign.save()
    for one, entry in [*moves, *new]:
        _move(campaign.folder, one, entry)
    for variant in {one.variant for one, _ in [*moves, *new]}:
        safe_files.sync(campaign.folder / variant)
    for one in made:
        shutil.rmtree(one.folder, ignore_errors=True)
    return [entry for _, entry in new]


def _identity(step: dict[str, Any]) -> tuple[str, int, str]:
    return step["variant"], step["boot"], step["started"]


def _step(one: Made) -> dict[str, Any] | None:
    """A try's step; None: it was ended before its boot began."""
    try:
        step: dict[str, Any] = json.loads((one.folder / STEP).read_text())
    except (OSError, ValueError):
        return None
    step["node"] = one.node
    if step["status"] in ("running", "interrupted"):
        ended = step["ended"] or now()
        step |= {"ended": ended, "status": "interrupted", "reason": one.fate}
    return step


def _new_entries(
    campaign: Campaign, steps: Sequence[tuple[Made, dict[str, Any]]]
) -> list[tuple[Made, dict[str, Any]]]:
    """The tries of boots that are left, with their entries; of each boot up to the good one."""
    header = campaign.header
    left = {(step.variant, step.boot): step for step in campaign.left()}
    place = {key: number for number, key in enumerate(left)}
    tries = Counter((entry["variant"], entry["boot"]) for entry in header["order"])
    wanted = [
        (one, step)
        for one, step in steps
        if one.key in left and left[one.key].attempt == one.attempt
    ]
    environments = _Environments(campaign.folder)
    good: set[Key] = set()
    entries = []
    for one, step in sorted(wanted, key=lambda pair: place[pair[0].key]):
        if one.key in good:
            continue
        tries[one.key] += 1
        step |= {"try": tries[one.key]}
        if step["status"] == "ok":
            good.add(one.key)
            if differs := environments.differences(one):
                step["differs"] = differs
        entries.append((one, step))
    _keep_coins(header, [left[one.key] for one, _ in entries])
    return entries


def _keep_coins(header: dict[str, Any], steps: Sequence[Step]) -> None:
    """Writes down the order of each round that has begun, once for each attempt."""
    coins = header.get("coins")
    if coins is None:
        return
    variants: dict[int | None, list[str]] = {}
    for planned in header["planned"]:
        variants.setdefault(planned.get("round"), []).append(planned["variant"])
    known = {(coin["round"], coin["attempt"]) for coin in coins}
    for number, attempt in dict.fromkeys((step.round, step.attempt) for step in steps):
        if number is not None and (number, attempt) not in known:
            order = schedule.round_order(variants[number], header["seed"], number, attempt)
            coins.append({"round": number, "attempt": attempt, "order": order})


class _Environments:
    """Holds what boots ran on against the first boot of their variant."""

    def __init__(self, campaign: Path):
        self._campaign = campaign
        self._first: dict[str, dict[str, Any] | None] = {}

    def differences(self, one: Made) -> list[str]:
        file = one.folder / boot_name(one.boot) / "environment.json"
        if not file.is_file():
            return []
        environment = json.loads(file.read_text())
        if one.variant not in self._first:
            there = sorted((self._campaign / one.variant).glob("boot-*/environment.json"))
            self._first[one.variant] = json.loads(there[0].read_text()) if there else None
        first = self._first[one.variant]
        if first is None:
            self._first[one.variant] = environment
            return []
        return list(environment_diff.differences(first, environment))


def _move(campaign: Path, one: Made, entry: dict[str, Any]) -> None:
    """Puts a boot where its campaign has it, and the try before it aside."""
    made = one.folder / boot_name(one.boot)
    variant = campaign / one.variant
    target = variant / made.name
    variant.mkdir(exist_ok=True)
    if not made.is_dir():
        return  # moved already, or ended before it had a folder
    if target.exists():
        target.rename(target.with_name(f"{target.name}.try-{entry['try'] - 1}"))
    made.rename(target)
    if (one.folder / "config").is_file() and not (variant / "config").exists():
        (one.folder / "config").rename(variant / "config")
