# SPDX-License-Identifier: Apache-2.0
"""What the store of figures takes from a campaign."""

from dataclasses import dataclass
from pathlib import Path

from analysis.compare import from_campaign
from analysis.compare.source import Source
from analysis.data.bad_data import BadData
from analysis.data.load import Campaign, load

# Figures of two machines are never of one history.
_MACHINE = ("cpu.vendor_id", "cpu.model name", "emulator.cpu")


@dataclass(frozen=True)
class Read:
    """What is kept of a campaign."""

    begun: str  # as campaign.json has it
    sources: list[Source]  # its variants


def read_campaign(campaign: Campaign) -> Read:
    """What the store needs of a campaign. BadData where a name in it is no text."""
    names = from_campaign.variants(campaign)
    sources = [from_campaign.source(campaign, name, name, with_samples=False) for name in names]
    begun = str(campaign.header.get("started", ""))
    texts = [text for one in sources for text in (str(one.variant), machine_of(one), *one.cases)]
    try:
        "".join([begun, *texts]).encode()
    except UnicodeEncodeError:
        raise BadData(f"{campaign.folder}: a name or a date in it is no text; restore it") from None
    return Read(begun, sources)


def read_figures(folder: Path) -> Read:
    """The same of what lies in a folder."""
    return read_campaign(load(folder, with_paths=False))


def machine_of(source: Source) -> str:
    """The machine of a source, by what tells it from others; empty: it handed out nothing."""
    values = (value for name in _MACHINE for value in sorted(source.facts.get(name, ())))
    return "; ".join(values)
