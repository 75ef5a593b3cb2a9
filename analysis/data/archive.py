# SPDX-License-Identifier: Apache-2.0
"""The raw records of a published campaign: records.tar.xz, in place of the folders of variants."""

import lzma
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from analysis.data.bad_data import BadData

NAME = "records.tar.xz"
MOST_BYTES = 8 << 30  # unpacked; a small archive may hold anything

_unpacked: list[tempfile.TemporaryDirectory[str]] = []  # gone when the process ends


def boots_folder(folder: Path) -> Path:
    """Where VARIANT/boot-NN of a campaign are: in its folder, or in a folder unpacked from there.

    Folders win over an archive beside them: unpacked in place it gives the same. A BadData where
    the archive is broken, holds anything but files in folders, or is too large.
    """
    path = folder / NAME
    if any(folder.glob("*/boot-*")) or not path.is_file():
        return folder
    return unpack(path)


def unpack(path: Path) -> Path:
    """A folder with what is in an archive, until the process ends. BadData as of boots_folder."""
    scratch = tempfile.TemporaryDirectory(prefix="kmapbench-records-")
    _unpacked.append(scratch)
    try:
        with tarfile.open(path, "r:xz") as archive:
            _unpack(archive, path, Path(scratch.name))
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        raise BadData(f"{path}: cannot be unpacked ({error}): fetch it again") from None
    return Path(scratch.name)


def _unpack(archive: tarfile.TarFile, path: Path, target: Path) -> None:
    total = 0
    for member in archive:
        name = PurePosixPath(member.name)
        if member.isdir():
            continue
        content = archive.extractfile(member) if member.isreg() else None
        if content is None or name.is_absolute() or ".." in name.parts:
            raise BadData(f"{path}: {member.name:.60} in it is no file of a campaign")
        total += member.size
        if total > MOST_BYTES:
            raise BadData(f"{path}: holds more than {MOST_BYTES >> 30} GiB")
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with content, file.open("wb") as written:
            shutil.copyfileobj(content, written)
