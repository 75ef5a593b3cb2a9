# SPDX-License-Identifier: Apache-2.0
"""Archives of a campaign: records.tar.xz, in place of the folders of variants, and what `pack`
makes. Any file may be given as one: nothing is written outside a folder, or without a limit.
"""

import lzma
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from analysis.data.bad_data import BadData

NAME = "records.tar.xz"
MOST_BYTES = 8 << 30  # unpacked; a small archive may hold anything
MOST_FILES = 200_000
_MEMORY_BYTES = 512 << 20  # that a decoder may take: xz -9 needs 65 MiB, a forged one 4 GiB
# Of what describes a file. tarfile reads it whole, whatever its size is said to be.
_HEADER_BYTES = 1 << 20
_BLOCK = 1 << 16

_unpacked: list[tempfile.TemporaryDirectory[str]] = []  # gone when the process ends


def boots_folder(folder: Path) -> Path:
    """Where VARIANT/boot-NN of a campaign are: in its folder, or in a folder unpacked from there.

    Folders win over an archive beside them: unpacked in place it gives the same. A BadData where
    the archive is broken, holds anything but files in folders, or is too large.
    """
    path = folder / NAME
    if any(folder.glob("*/boot-*")) or not path.is_file():
        return folder
    return unpacked_folder(path)


def unpacked_folder(path: Path) -> Path:
    """A folder with what is in an archive, until the process ends. BadData as of boots_folder()."""
    scratch = tempfile.TemporaryDirectory(prefix="kmapbench-records-")
    _unpacked.append(scratch)
    unpack(path, Path(scratch.name), MOST_BYTES)
    return Path(scratch.name)


def unpack(
    path: Path,
    target: Path,
    most_bytes: int,
    check: Callable[[tarfile.TarInfo], str] = lambda _: "",
) -> None:
    """Unpacks an archive into a folder. most_bytes: of its contents, headers included. check: what
    is wrong with a member, before anything of it is written; empty: nothing.

    A BadData names the archive, and what in it is wrong.
    """
    try:
        with path.open("rb") as file:
            contents = _Decompressed(file, most_bytes)
            with tarfile.open(fileobj=cast(IO[bytes], contents), mode="r|") as archive:
                _unpack(archive, contents, target, check)
            contents.read_to_end()
    except _Refused as error:
        raise BadData(f"{path}: {error}") from None
    except (tarfile.TarError, lzma.LZMAError, EOFError, ValueError, OverflowError) as error:
        raise BadData(f"{path}: cannot be unpacked ({error}): fetch it again") from None


class _Refused(Exception):
    """What is wrong with the contents of an archive."""


class _Decompressed:
    """The contents of an xz file, read once from its begin to its end, up to a limit."""

    def __init__(self, file: BinaryIO, most_bytes: int):
        self._file = file
        self.most_bytes, self._left = most_bytes, most_bytes
        self.most_of_headers = _HEADER_BYTES  # that may be read until this is set again
        self._decoder = self._new_decoder()

    def _new_decoder(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES)

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes, none at the end."""
        if size < 0:
            raise ValueError("an archive is read in blocks")
        while size:
            if self._decoder.eof and not self._next_stream():
                return b""
            raw = self._file.read(_BLOCK) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not raw:
                raise EOFError("it ends too early")
            if data := self._decoder.decompress(raw, size):
                return self._counted(data)
        return b""

    def _next_stream(self) -> bool:
        """Whether another one follows: xz files may be put one behind the other."""
        rest = (self._decoder.unused_data + self._file.read(_BLOCK)).lstrip(b"\0")
        if not rest:
            return False
        self._file.seek(-len(rest), os.SEEK_CUR)
        self._decoder = self._new_decoder()
        return True

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        self.most_of_headers -= len(data)
        if self._left < 0:
            raise _Refused(f"holds more than {_in_words(self.most_bytes)}")
        if self.most_of_headers < 0:
            raise _Refused("has a header that is no file's")
        return data

    def read_to_end(self) -> None:
        """Reads what follows the last member, which has to be whole and nothing but zeros."""
        self.most_of_headers = self.most_bytes
        while data := self.read(_BLOCK):
            if data.strip(b"\0"):
                raise _Refused("there is something behind its last file: pack it again")


def _in_words(count: int) -> str:
    return f"{count >> 30} GiB" if count >> 30 else f"{count:,d} bytes"


def _unpack(
    archive: tarfile.TarFile,
    contents: _Decompressed,
    target: Path,
    check: Callable[[tarfile.TarInfo], str],
) -> None:
    total = 0
    seen: set[PurePosixPath] = set()
    while member := archive.next():
        name = PurePosixPath(member.name)
        total += member.size
        if total > contents.most_bytes:
            raise _Refused(f"holds more than {_in_words(contents.most_bytes)}")
        if problem := _problem(member, name, seen) or check(member):
            raise _Refused(f"{member.name!a:.80} in it {problem}")
        if member.isdir():
            continue
        contents.most_of_headers = member.size + _HEADER_BYTES
        file = target / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            content = archive.extractfile(member)
            assert content is not None, "a regular file, as was asked"
            with content, file.open("xb") as written:
                shutil.copyfileobj(content, written)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise _Refused(f"{member.name!a:.80} is a file and a folder in it") from None


def _problem(member: tarfile.TarInfo, name: PurePosixPath, seen: set[PurePosixPath]) -> str:
    """Why a member is not unpacked; empty: it is."""
    is_plain = member.type in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE) and not member.sparse
    if not is_plain or name.is_absolute() or ".." in name.parts or "\0" in member.name:
        return "is no file of a campaign"
    if not member.isdir() and name in seen:
        return "is there twice"
    seen.add(name)
    if len(seen) > MOST_FILES:
        return f"is one of more than {MOST_FILES} files"
    return ""
