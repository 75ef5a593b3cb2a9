# SPDX-License-Identifier: Apache-2.0
"""Which campaigns lie in folders, and what tells one of them from another: its content."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.data import archive
from analysis.data.bad_data import BadData
from analysis.summary.campaign_list import campaign_folders

# Of a boot, what figures and facts are read from: of older records, PKRS writes are in the paths.
_OF_BOOTS = ("micro.jsonl", "environment.json", "path.jsonl")
_CONFIG = "config"


def find_campaigns(folders: Sequence[Path]) -> list[Path]:
    """Campaigns in these folders, each once, in no order. BadData where one of them has none."""
    found: dict[Path, None] = {}
    for folder in folders:
        campaigns = campaign_folders(folder)
        if not campaigns:
            raise BadData(f"{folder}: no campaign there; give folders in which campaigns lie")
        found |= dict.fromkeys(campaign.resolve() for campaign in campaigns)
    return list(found)


def stamp(folder: Path) -> str:
    """Changes whenever a file of a campaign may have: names, sizes and times of all of them."""
    states = []
    for path in _files(folder):
        state = os.stat(path)
        states.append(f"{path[len(str(folder)):]} {state.st_size} {state.st_mtime_ns}")
    return hashlib.sha256("\n".join(states).encode()).hexdigest()


def digest(folder: Path) -> str:
    """The same for the same content, wherever it lies."""
    whole = hashlib.sha256()
    for path in _files(folder):
        with open(path, "rb") as file:
            of_file = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path[len(str(folder)):]} {of_file}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _files(folder: Path) -> Iterator[str]:
    """What a campaign is read from, in an order of its own."""
    yield os.path.join(folder, "campaign.json")
    published = os.path.join(folder, archive.NAME)
    if os.path.exists(published):
        yield published
    for variant in _folders(str(folder)):
        boots = [boot for boot in _folders(variant) if os.path.basename(boot).startswith("boot-")]
        names = [os.path.join(boot, name) for boot in boots for name in _OF_BOOTS]
        if boots:
            names.append(os.path.join(variant, _CONFIG))
        yield from (name for name in names if os.path.exists(name))


def _folders(parent: str) -> list[str]:
    with os.scandir(parent) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir())
