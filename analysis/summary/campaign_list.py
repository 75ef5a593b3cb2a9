# SPDX-License-Identifier: Apache-2.0
"""What campaigns lie in a folder, by their first words: nothing but campaign.json and the head of
report.txt is read.
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Listed:
    """A campaign in a list."""

    folder: Path
    day: str  # when it was begun, as 2026-11-28; empty: not known
    variants: tuple[str, ...]
    claim: str  # the first sentence of its report; empty: it has none

    @property
    def state(self) -> str:
        """What is left to do; empty: nothing."""
        return "" if self.claim else "no report"


def list_campaigns(folder: Path) -> list[Listed]:
    """Campaigns in a folder and in the folders in it, the newest first, without broken ones."""
    listed = [one for campaign in campaign_folders(folder) if (one := _listed(campaign))]
    return sorted(listed, key=lambda one: (one.day, str(one.folder)), reverse=True)


def campaign_folders(folder: Path) -> list[Path]:
    """Folders with a campaign.json: this one, those in it, and those of its reference/."""
    paths = [*folder.glob("campaign.json"), *folder.glob("*/campaign.json")]
    paths += folder.glob("reference/*/campaign.json")
    return [path.parent for path in dict.fromkeys(paths)]


def _listed(folder: Path) -> Listed | None:
    path = folder / "campaign.json"
    try:
        header = json.loads(path.read_text())
        variants = tuple(header["variants"])
        day = str(header.get("started", "")).split("T")[0]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Listed(folder, day, variants, _claim(folder / "report.txt"))


def _claim(path: Path) -> str:
    """The first paragraph, on one line."""
    try:
        return " ".join(path.read_text(errors="replace").partition("\n\n")[0].split())
    except OSError:
        return ""
