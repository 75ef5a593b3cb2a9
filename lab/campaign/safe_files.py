# SPDX-License-Identifier: Apache-2.0
"""Files of a campaign that survive a crash of this program, and of the machine."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.core import file_lock
from lab.core.errors import KmapbenchError


def lock(folder: Path) -> int:
    """The descriptor of the lock on a campaign's folder, released when it is closed or this process
    ends. It is on the campaign's plan.toml, which nobody replaces.
    """
    fd = file_lock.take(folder / "plan.toml")
    if fd is None:
        raise KmapbenchError(
            f"{folder}: another kmapbench is at work in it: wait for it, or end it"
        )
    return fd


def sync(folder: Path) -> None:
    """Makes what was created or renamed in a folder survive a power loss."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def append_line(path: Path, value: dict[str, Any]) -> None:
    """Appends a JSON line, which is on the disk when this returns."""
    with naming(path), path.open("a") as file:
        file.write(_line(value))
        file.flush()
        os.fsync(file.fileno())


def write_lines(path: Path, values: list[dict[str, Any]]) -> None:
    """Replaces a file of JSON lines by a new one, at once and for good."""
    write_text(path, "".join(map(_line, values)))


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces a file by a new one, at once and for good."""
    with naming(path):
        write_text(path, json.dumps(value, indent=2) + "\n")


def sync_file(path: Path) -> None:
    """Makes what another program wrote into a file survive a power loss."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def read_whole_lines(path: Path) -> list[dict[str, Any]]:
    """The same of a file whose writer was cut off, with the machine: without a line that is not
    whole.
    """
    if not path.is_file():
        return []
    whole = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            value = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n") or not isinstance(value, dict):
            break
        whole.append(value)
    return whole


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Replaces a file by a new one, at once and for good. OSError where it cannot be written.

    mode: as of os.open(), so that the umask is taken from it.
    """
    scratch = path.with_name(f".{path.name}.new")
    with open(scratch, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    sync(path.parent)


def read_any_text(path: Path) -> str:
    """Text of a file of the machine's, whose bytes need not be UTF-8; rewrite_text() gives them
    back.
    """
    return path.read_text(errors="surrogateescape")


def rewrite_text(path: Path, text: str) -> None:
    """As write_text(), of a file of the machine's: it keeps its mode and owner and, if it is a
    link, stays one. A new one is for its owner alone.
    """
    target = path.resolve()
    before = target.stat() if target.exists() else None
    scratch = target.with_name(f".{target.name}.new")
    scratch.unlink(missing_ok=True)
    opened = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(opened, "w", errors="surrogateescape") as file:
        if before:
            _make_alike(opened, before)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(target)
    sync(target.parent)


def _make_alike(fd: int, before: os.stat_result) -> None:
    now = os.fstat(fd)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(fd, before.st_uid, before.st_gid)
    if now.st_mode != before.st_mode:  # VFAT has one mode for all, and refuses others
        os.fchmod(fd, stat.S_IMODE(before.st_mode))


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whose loss costs nothing that is not in another one."""
    with naming(path):
        path.write_bytes(content)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turns a failed write inside into a KmapbenchError that names the file."""
    try:
        yield
    except OSError as error:
        raise KmapbenchError(
            f"{path}: {error.strerror}; what was written before is kept, and run --resume goes on"
            " after it"
        ) from None
