# SPDX-License-Identifier: Apache-2.0
"""What a campaign over reboots has to remember from boot to boot, beside campaign.json."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.campaign import safe_files
from lab.core.errors import KmapbenchError

_FILE = "reboots.json"


@dataclass(frozen=True)
class NextBoot:
    """A boot that has been asked for."""

    variant: str
    boot: int
    attempt: int
    tries: int  # of it so far
    from_boot_id: str  # of the boot in which it was asked for
    asked_at: float  # seconds since the epoch


@dataclass(frozen=True)
class RebootState:
    """Where a campaign is."""

    first: str  # release of the kernel that the machine comes back to
    loader: str
    device: str | None = None  # identity of the one that may be formatted, by the user's word
    next_boot: NextBoot | None = None
    measured_in: str | None = None  # the boot ID in which the last boot was begun
    measured_at: float = 0.0  # when it was begun, in seconds since the epoch
    # of that boot, in the order in which they are measured
    cases: list[str] = field(default_factory=list)
    is_ending: bool = False  # nothing is to be measured any more
    stopped: str | None = None  # why not, where boots are left

    def changed(self, **fields: Any) -> "RebootState":
        """With other values."""
        return replace(self, **fields)


def read(folder: Path) -> RebootState:
    """The state of a campaign; a KmapbenchError where there is none that can be read."""
    path = folder / _FILE
    try:
        said = json.loads(path.read_text())
        coming = said.pop("next_boot")
        return RebootState(**said, next_boot=NextBoot(**coming) if coming else None)
    except FileNotFoundError:
        raise KmapbenchError(
            f"{path}: not there: no campaign over reboots is under way in {folder}"
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise KmapbenchError(f"{path}: cannot be read ({error})") from None


def write(folder: Path, state: RebootState) -> None:
    """On disk when this returns."""
    safe_files.write_json(folder / _FILE, asdict(state))


def forget(folder: Path) -> None:
    """Removes it; nothing happens where it is gone."""
    (folder / _FILE).unlink(missing_ok=True)
    safe_files.sync(folder)
