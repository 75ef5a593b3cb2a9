# SPDX-License-Identifier: Apache-2.0
"""One boot of a campaign that somebody else writes: it is kept in a folder of its own until that
one takes it in (collected_boots.py).
"""

from pathlib import Path
from typing import Any

from lab.campaign import safe_files
from lab.campaign.anonymity import Anonymity
from lab.campaign.store import Boot, Campaign, now

STEP = "step.json"  # the boot as campaign.json will have it, as far as it is


class OneBoot(Campaign):
    """A campaign as its boot sees it, which cannot change it."""

    def __init__(self, folder: Path, header: dict[str, Any]):
        """folder: a new one for the boot; header: of the campaign."""
        self.folder = folder
        self.header = header
        self.anonymity = Anonymity(header)
        self._step: dict[str, Any] = {}

    def begin_boot(self, variant: str, boot: int, attempt: int = 1) -> Boot:
        """The boot, begun now. The number of its try is for the campaign to say."""
        self._step |= {"variant": variant, "boot": boot, "started": now(), "ended": None}
        self._step |= {"status": "running", "try": 1}
        self.save()
        return Boot(self, self._step, self.folder / boot_name(boot))

    def save(self) -> None:
        """Keeps the boot's step; campaign.json stays as it is."""
        safe_files.write_json(self.folder / STEP, self._step)


def boot_name(boot: int) -> str:
    """The folder of a boot in that of its variant."""
    return f"boot-{boot:02d}"
