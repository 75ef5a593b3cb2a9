# SPDX-License-Identifier: Apache-2.0
"""Reads the campaigns of a site, each content once: what an earlier build has written of one is
taken from there.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.data.bad_data import BadData, printable
from analysis.data.load import Campaign, load
from analysis.history import campaign_files
from analysis.history.campaign_figures import Read, read_campaign
from analysis.history.case_history import in_order
from analysis.history.figure_store import Known, Store
from analysis.site.campaign_content import describe_campaign
from analysis.site.site_data import decode_shard, encode_shard, hash_value, shard_path
from analysis.site.site_folder import SiteFolder

# Campaigns with paths that are kept in memory, as they are asked for again.
_MOST_KEPT = 6


@dataclass(frozen=True)
class SiteCampaign:
    """A campaign of the site."""

    known: Known  # in the store
    where: str  # it lies, from the name of the given folder on
    folder: Path
    card: dict[str, Any]  # analysis/site/campaign_content.py

    @property
    def id(self) -> str:
        """What its pages and files are called by: the same for the same content."""
        return id_of(self.known.digest)

    @property
    def day(self) -> str:
        return self.known.begun.split("T")[0]

    @cached_property
    def variants(self) -> dict[str, dict[str, Any]]:
        """What is known of each variant, by its name."""
        return {variant["name"]: variant for variant in self.card["variants"]}


def id_of(digest: str) -> str:
    """The short form of a campaign's digest."""
    return digest[:16]


class CampaignReader:
    """Campaigns of this build, and their files in the site."""

    def __init__(self, site: SiteFolder):
        self._site = site
        self.cards: dict[str, dict[str, Any]] = {}  # by id
        self._recent: OrderedDict[str, Campaign] = OrderedDict()
        self._figures: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def read_all(
        self, store: Store, folders: Mapping[str, Path]
    ) -> tuple[list[SiteCampaign], dict[str, str]]:
        """All that can be read, the oldest first, and why others cannot be, by where they lie.
        BadData where there is none.
        """
        found, broken = store.add(folders.values(), self._read)
        left_out = {}
        campaigns: dict[str, SiteCampaign] = {}
        for where, folder in folders.items():
            try:
                if folder in broken:
                    raise BadData(broken[folder])
                known = replace(found[folder], name=_name(where))
                self._ensure(id_of(known.digest), folder)
            except BadData as error:
                left_out[where] = str(error).replace(printable(str(folder)), where)
                continue
            card = self.cards[id_of(known.digest)]
            one = SiteCampaign(known, where, folder, card)
            if known.digest in campaigns:
                left_out[where] = f"the same as {campaigns[known.digest].where}, which is shown"
            campaigns.setdefault(known.digest, one)
        if not campaigns:
            raise BadData(next(iter(left_out.values())))
        return [campaigns[one.digest] for one in in_order(c.known for c in campaigns.values())], (
            left_out
        )

    def load(self, campaign: SiteCampaign) -> Campaign:
        """All that lies in its folder."""
        if campaign.id not in self._recent:
            self._remember(campaign.id, load(campaign.folder))
        return self._recent[campaign.id]

    def figures(self, campaign: SiteCampaign) -> dict[str, Any]:
        """Its figures and records, as the site has them."""
        if campaign.id not in self._figures:
            name = f"campaign/{campaign.id}"
            content = (self._site.folder / shard_path(name)).read_bytes()
            self._figures[campaign.id] = decode_shard(name, content)
            while len(self._figures) > _MOST_KEPT:
                self._figures.popitem(last=False)
        return self._figures[campaign.id]

    def figure_of(
        self, campaign: SiteCampaign, variant: str, case: str
    ) -> dict[str, dict[str, Any]]:
        """The figures of a case by metric."""
        rows = self.figures(campaign)["figures"][list(campaign.variants).index(variant)]
        return {row["metric"]: row for row in rows if row["case"] == case}

    def why_lacking(self, campaign: SiteCampaign, variant: str, case: str) -> str:
        """Why a case has no figure there."""
        rows = self.figures(campaign)["without"][list(campaign.variants).index(variant)]
        return next(why for named, why in rows if named == case)

    def _ensure(self, id: str, folder: Path) -> None:
        """The files of a campaign are in the site."""
        if id in self.cards:
            return
        card = self._site.kept.get("cards", {}).get(id)
        if card and all([self._site.keep(name) for name in _files(id, card)]):
            self.cards[id] = card
        else:
            self._write(id, load(folder))

    def _read(self, folder: Path) -> Read:
        """What the store reads, which is what the site needs, too."""
        return self._write(id_of(campaign_files.digest(folder)), load(folder))

    def _write(self, id: str, campaign: Campaign) -> Read:
        read = read_campaign(campaign)
        content = describe_campaign(campaign, read.sources, hash_value)
        self._put(f"campaign/{id}", content.figures)
        for name, facts in content.facts.items():
            self._put(f"facts/{name}", facts)
        self.cards[id] = content.card
        if campaign.paths:
            self._remember(id, campaign)
        return read

    def _put(self, name: str, value: Any) -> None:
        self._site.write(shard_path(name), encode_shard(name, value))

    def _remember(self, id: str, campaign: Campaign) -> None:
        self._recent[id] = campaign
        while len(self._recent) > _MOST_KEPT:
            self._recent.popitem(last=False)


def _name(where: str) -> str:
    """Of its folder, or of the archive that it lies in without one."""
    return where.rpartition("/")[2].removesuffix(".tar.xz")


def _files(id: str, card: dict[str, Any]) -> list[str]:
    facts = {variant[part] for variant in card["variants"] for part in ("facts", "config")}
    return [shard_path(name) for name in (f"campaign/{id}", *(f"facts/{one}" for one in facts))]
