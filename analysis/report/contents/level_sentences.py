# SPDX-License-Identifier: Apache-2.0
"""Whether the times of a campaign can be published, by what each boot says of its machine."""

from collections.abc import Iterator

from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from formats import conditions
from formats.conditions import COMPARE, PUBLISH, SMOKE, Condition


def list_unfit(campaign: Campaign) -> list[str]:
    """What stands before everything else, where a campaign of level publish does not meet it."""
    if _level(campaign) != PUBLISH:
        return []
    shorts = [condition.short for *_, condition in _unmet(campaign)]
    if not _timed(campaign):
        shorts = ["nothing is known of the machine"]
    return [f"NOT PUBLISHABLE: {', '.join(dict.fromkeys(shorts))}"] if shorts else []


def list_level_facts(campaign: Campaign) -> list[str]:
    """What level a campaign was measured at, where it is worth a sentence."""
    if _level(campaign) == SMOKE:
        return ["Level smoke: a short run, and nobody looked at what disturbs it."]
    if _level(campaign) == PUBLISH and not list_unfit(campaign):
        return [f"Level publish: all {len(conditions.NAMES)} conditions were met."]
    return []


def list_level_warnings(campaign: Campaign) -> list[str]:
    """Conditions that were not met, with sizes; boots with the same one are named together."""
    if _level(campaign) not in (PUBLISH, COMPARE):
        return []
    allow = campaign.header["asked"].get("allow")
    allowed = allow if isinstance(allow, list) else []
    said = [
        (f"{variant}, boot {boot}", _sentence(condition, condition.name in allowed))
        for variant, boot, condition in _unmet(campaign)
    ]
    return [
        f"{', '.join(where for where, _ in same)}: {sentence}"
        for sentence, same in group_by(said, lambda one: one[1]).items()
    ]


def _sentence(condition: Condition, is_allowed: bool) -> str:
    return f"{condition.name}: {condition.found}" + (" (allowed)" if is_allowed else "")


def _level(campaign: Campaign) -> str | None:
    level: str | None = campaign.header["asked"].get("level")
    return level


def _timed(campaign: Campaign) -> list[tuple[str, int]]:
    """Boots that tell in which state their machine was."""
    return [boot for boot, said in campaign.boots.items() if "conditions" in said]


def _unmet(campaign: Campaign) -> Iterator[tuple[str, int, Condition]]:
    for variant, boot in _timed(campaign):
        said = campaign.boots[variant, boot]
        known = {**said["conditions"], "vulnerabilities": said.get("vulnerabilities")}
        for condition in conditions.unmet(known):
            yield variant, boot, condition
