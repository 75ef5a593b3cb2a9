# SPDX-License-Identifier: Apache-2.0
"""The variants of one campaign against the baselines of their families, as `compare` would."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from analysis.compare import compatibility, engine, from_campaign, inputs, more_pairs
from analysis.compare.engine import SourcePair
from analysis.compare.source import PKRS_WRITES, Source
from analysis.data.bad_data import BadData
from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.stats.comparison import Comparison
from analysis.summary.families import baselines
from formats.campaign_format import USER_SPACE
from formats.case_names import OF_THE_MODULE, PMEM_PAGES


@dataclass(frozen=True)
class Refusal:
    """Two variants that may not be compared, so that they are no group."""

    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Verdicts:
    """Groups of one family have the same old side."""

    groups: list[SourcePair] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    @property
    def baseline(self) -> str:
        """The baseline that variants are compared with; of several families all of them."""
        return " and ".join(self._baselines)

    @property
    def _baselines(self) -> dict[str, SourcePair]:
        """By name the first group of each."""
        first: dict[str, SourcePair] = {}
        for group in self.groups:
            first.setdefault(group.old.label, group)
        return first

    @cached_property
    def families(self) -> list[list[Comparison]]:
        """Comparisons that were judged together: of one metric, and so of one clock, each. The
        page of persistent memory is first, and the module's own code last.
        """
        rows = sorted((row for group in self.groups for row in group.rows), key=_place)
        return list(group_by(rows, lambda row: (row.metric.name, row.metric.clock)).values())

    def aa(self, family: list[Comparison]) -> list[Comparison]:
        """The baselines against themselves, by the same metric."""
        metric = family[0].metric
        return [
            row
            for group in self._baselines.values()
            for row in group.aa
            if (row.metric.name, row.metric.clock) == (metric.name, metric.clock)
        ]


def _place(row: Comparison) -> int:
    if row.case in PMEM_PAGES:
        return list(PMEM_PAGES).index(row.case) - len(PMEM_PAGES)
    return int(bool(OF_THE_MODULE.fullmatch(row.case)))


def compare_variants(campaign: Campaign) -> Verdicts:
    """Compares all kernels of a campaign with the baseline of their family, by cost: PKRS writes
    are in its reports beside the cost. User models are not compared.
    """
    names = [name for name in from_campaign.variants(campaign) if name != USER_SPACE]
    if len(names) < 2:
        return Verdicts()
    held_against = _baselines(campaign, names)
    olds = {name: from_campaign.source(campaign, name, name) for name in {*held_against.values()}}
    pairs = [
        (olds[held_against[name]], from_campaign.source(campaign, name, name))
        for name in names
        if name != held_against[name]
    ]
    refused: list[Refusal] = []
    try:
        groups = engine.compare(pairs)
    except BadData:
        found = [(pair, _refusal(pair)) for pair in pairs]
        refused = [Refusal(old.label, new.label, why) for (old, new), why in found if why]
        groups = engine.compare([pair for pair, why in found if not why])
    noted = [
        replace(group, rows=rows, notes=_unsteady(group) + more_pairs.advice(group.old, rows))
        for group in groups
        for rows in [[row for row in group.rows if row.metric.name != PKRS_WRITES]]
    ]
    return Verdicts(noted, refused)


def _baselines(campaign: Campaign, names: list[str]) -> dict[str, str]:
    """By variant. Those that are alone of their family go with the campaign's first baseline."""
    first = inputs.unpatched(campaign, names)
    described = baselines(campaign.header)
    found = {name: described.get(name, name) for name in names}
    found = {name: old if old in names else first for name, old in found.items()}
    with_others = {baseline for name, baseline in found.items() if name != baseline}
    return {
        name: first if name == baseline and name not in with_others else baseline
        for name, baseline in found.items()
    }


def _refusal(pair: tuple[Source, Source]) -> str:
    """Why two variants cannot be compared; empty where they can."""
    try:
        engine.compare([pair])
    except BadData as error:
        return str(error)
    return ""


def _unsteady(group: SourcePair) -> list[str]:
    """What else compare has to say of sources, the report says in its own words."""
    return [
        f"{source.label}: {name} changed among its boots"
        for source in (group.old, group.new)
        for name in compatibility.unsteady_facts(source)
    ]
