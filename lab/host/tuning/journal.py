# SPDX-License-Identifier: Apache-2.0
"""The journal of settings that a run changes: on the disk before the first one is touched.

It lies in STATE/tuning, which is there only as long as something may have to be put back, and is
locked as long as a run or its watcher is at work. Its file is named by the boot that it is of, so
that a power cut can leave nothing in it that would be taken for settings of the next boot.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.campaign import safe_files
from lab.core.errors import KmapbenchError
from lab.host.tuning.machine import process_start
from lab.host.tuning.settings import Setting

STATE = Path("/var/lib/kmapbench")

_FORMAT = 1
_ONLY_ROOT = 0o700
_PREFIX, _SUFFIX = "boot-", ".json"
_STEP_SECONDS = 0.05
# A run that was killed has its settings put back by its holder, which may take so long.
_PUTTING_BACK_SECONDS = 60


@dataclass(frozen=True)
class Journal:
    """What a run has changed, or was about to change."""

    path: Path
    owner: int  # process that asked for it
    start: str | None  # when that process began
    settings: list[Setting]
    touched: tuple[str, ...] = ()  # knobs that were found changed when settings were put back

    @property
    def is_owned(self) -> bool:
        """Whether the process that asked for it is still there."""
        return self.start is not None and process_start(self.owner) == self.start


def folder_of(state: Path) -> Path:
    """Where the journal is, as long as there is one."""
    return state / "tuning"


def path_of(state: Path, boot_id: str) -> Path:
    """The journal of a boot."""
    return folder_of(state) / f"{_PREFIX}{boot_id}{_SUFFIX}"


def journals(state: Path) -> list[Path]:
    """All journals, of whatever boot."""
    return sorted(folder_of(state).glob(f"{_PREFIX}*{_SUFFIX}"))


def check_writable(state: Path) -> None:
    """A KmapbenchError where no journal can be written, as on a read-only disk."""
    there = next(folder for folder in (state, *state.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise KmapbenchError(
            f"{folder_of(state)}: cannot be made, {there} cannot be written: settings are not"
            " changed without a journal there; leave out --tune"
        )


def write_journal(journal: Journal) -> None:
    """Puts it on the disk; a KmapbenchError where that cannot be done."""
    content = {
        "format": _FORMAT,
        "owner": journal.owner,
        "start": journal.start,
        "settings": [setting.record() for setting in journal.settings],
        "touched": list(journal.touched),
    }
    try:
        safe_files.write_text(journal.path, json.dumps(content, indent=2) + "\n", mode=0o600)
    except OSError as error:
        raise KmapbenchError(
            f"{journal.path}: {error.strerror}: settings are not changed without a journal; make"
            " room, or leave out --tune"
        ) from None


def read_journal(path: Path) -> Journal:
    """A journal; a KmapbenchError where it is none."""
    try:
        said = json.loads(path.read_text())
        if said["format"] != _FORMAT:
            raise ValueError(f"of format {said['format']}")
        settings = [Setting(**one) for one in said["settings"]]
        return Journal(path, said["owner"], said["start"], settings, tuple(said["touched"]))
    except (ValueError, KeyError, TypeError) as error:
        raise KmapbenchError(
            f"{path}: no journal of this kmapbench ({error}), so that the settings in it cannot be"
            " put back: restart the machine, which does, or remove the file"
        ) from None


def remove_journal(path: Path) -> None:
    """Removes it for good."""
    path.unlink()
    safe_files.sync(path.parent)


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Nobody else changes settings or puts them back inside. A KmapbenchError names who is at work,
    or says that the folder cannot be made. The folder is gone afterwards if no journal is left.
    """
    fd = _lock(state)
    try:
        yield
    finally:
        _remove_folder(state)
        os.close(fd)


def _lock(state: Path) -> int:
    """The descriptor of the lock."""
    folder = folder_of(state)
    deadline = time.monotonic() + _PUTTING_BACK_SECONDS
    while True:
        try:
            folder.mkdir(mode=_ONLY_ROOT, parents=True, exist_ok=True)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:  # whoever had the lock has removed it
            continue
        except OSError as error:
            raise KmapbenchError(
                f"{folder}: {error.strerror}: the journal of settings has to be there; leave out"
                " --tune"
            ) from None
        if _has_lock(fd, folder):
            return fd
        os.close(fd)
        if is_at_work(state) or time.monotonic() > deadline:
            raise KmapbenchError(describe_owner(state))
        time.sleep(_STEP_SECONDS)


def _has_lock(fd: int, folder: Path) -> bool:
    """Locks it, unless somebody else has, or the folder is no longer the one of that name."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(fd), folder.stat())
    except OSError:
        return False


def is_at_work(state: Path = STATE) -> bool:
    """Whether the run that made a journal is still there."""
    return any(owner.is_owned for owner in _owners(state))


def _owners(state: Path) -> list[Journal]:
    found = []
    for path in journals(state):
        try:
            found.append(read_journal(path))
        except (KmapbenchError, OSError):  # being replaced, or damaged
            continue
    return found


def describe_owner(state: Path) -> str:
    """Who holds settings of this machine, as one line."""
    pids = [str(owner.owner) for owner in _owners(state)]
    by = f" by process {' and '.join(pids)}" if pids else ""
    return f"{folder_of(state)}: settings of this machine are held{by}: wait for it, or end it"


def _remove_folder(state: Path) -> None:
    """Removes the folder if no journal is in it, with what an interrupted write has left."""
    folder = folder_of(state)
    if journals(state):
        return
    for scrap in folder.glob(f".{_PREFIX}*"):
        scrap.unlink()
    for empty in (folder, state):
        try:
            empty.rmdir()
        except OSError:  # others have files there
            return
