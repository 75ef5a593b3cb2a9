# SPDX-License-Identifier: Apache-2.0
"""What lies in the folders and archives that a site is made of."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.data import archive
from analysis.data.bad_data import BadData, printable
from analysis.site.site_folder import MANIFEST
from formats import config_table, series_table

_CAMPAIGN = "campaign.json"
_SEARCH = "bisect.json"
_ARCHIVE = ".tar.xz"
_DEEPEST = 50  # folders inside each other


@dataclass
class Inputs:
    """All that was found, by where it lies as a reader is told: from the given folder's name on."""

    campaigns: dict[str, Path] = field(default_factory=dict)  # folders
    tables: dict[str, Path] = field(default_factory=dict)  # files of `configs`
    walks: dict[str, Path] = field(default_factory=dict)  # files of `bisect --series`
    left_out: dict[str, str] = field(default_factory=dict)  # why


def find_inputs(given: Sequence[Path]) -> Inputs:
    """Campaigns at any depth of these folders, packed or not, and tables. BadData where there is no
    campaign.
    """
    inputs = Inputs()
    seen: set[tuple[int, int]] = set()
    for path in given:
        where = path.name or path.resolve().name
        if path.is_dir():
            _look(path, where, inputs, seen)
        else:
            _unpack(path, where, inputs)
    if not inputs.campaigns:
        why = "; ".join(f"{where}: {why}" for where, why in list(inputs.left_out.items())[:1])
        raise BadData(
            f"{', '.join(map(str, given))}: no campaign there"
            f"{f' ({why})' if why else ''}; give folders in which campaigns lie"
        )
    return inputs


def _look(folder: Path, where: str, inputs: Inputs, seen: set[tuple[int, int]]) -> None:
    """Adds what lies in a folder; links are followed, and no folder is looked at twice."""
    if where.count("/") > _DEEPEST:
        inputs.left_out[_shown(where)] = f"more than {_DEEPEST} folders deep"
        return
    try:
        state = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        inputs.left_out[_shown(where)] = f"{error.strerror}"
        return
    if (state.st_dev, state.st_ino) in seen:
        return
    seen.add((state.st_dev, state.st_ino))
    names = {entry.name for entry in entries}
    if MANIFEST in names:
        return  # a site, perhaps this one
    if _is_kept(folder, where, names, inputs):
        return
    for entry in entries:
        inner = f"{where}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            _look(Path(entry.path), inner, inputs, seen)
        elif entry.name.endswith(_ARCHIVE) and entry.is_file():
            _unpack(Path(entry.path), inner, inputs)


def _is_kept(folder: Path, where: str, names: set[str], inputs: Inputs) -> bool:
    """Adds what a folder as a whole is. False: nothing that is known, so what is in it counts."""
    kinds = (
        (_CAMPAIGN, inputs.campaigns, folder),
        (config_table.FILE, inputs.tables, folder / config_table.FILE),
        (series_table.FILE, inputs.walks, folder / series_table.FILE),
    )
    for name, found, path in kinds:
        if name in names:
            found[_unused(_shown(where), found)] = path
            return True
    if _SEARCH in names:
        inputs.left_out[_shown(where)] = "a search of bisect that has no table of a series"
        return True
    return False


def _unpack(path: Path, where: str, inputs: Inputs) -> None:
    try:
        folder = archive.unpacked_folder(path)
    except BadData as error:
        inputs.left_out[_shown(where)] = _within(str(error), path)
        return
    found = Inputs()
    for inner in _unpacked_folders(folder):
        names = set(os.listdir(inner))
        below = inner.relative_to(folder)
        _is_kept(inner, f"{where}/{below}" if below.parts else where, names, found)
    if not (found.campaigns or found.tables or found.walks):
        inputs.left_out[_shown(where)] = "an archive without a campaign"
    for name, folder in found.campaigns.items():
        inputs.campaigns[_unused(name, inputs.campaigns)] = folder
    inputs.tables |= found.tables
    inputs.walks |= found.walks


def _unpacked_folders(folder: Path) -> Iterator[Path]:
    """Folders of an archive from the outside in, without those in what is a whole."""
    for parent, below, names in os.walk(folder):
        below.sort()
        if _CAMPAIGN in names or config_table.FILE in names or series_table.FILE in names:
            below.clear()
        yield Path(parent)


def _within(message: str, path: Path) -> str:
    """A message without the file that it begins with, which is named beside it."""
    return message.removeprefix(f"{printable(str(path))}: ")


def _shown(where: str) -> str:
    return printable(where)


def _unused(where: str, taken: dict[str, Path]) -> str:
    """Two names may be shown alike."""
    number, name = 2, where
    while name in taken:
        name = f"{where} ({number})"
        number += 1
    return name
