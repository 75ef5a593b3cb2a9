# SPDX-License-Identifier: Apache-2.0
"""What a boot has left behind in which the machine went down: pstore, and the journal's end."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import CommandFailed
from lab.reboots.real_machine import RealMachine

_JOURNAL_LINES = 200
# Of the console, in the record of what was being measured.
_LAST_LINES = 20
# How a kernel says why it died.
_DYING = ("Kernel panic", "BUG:", "Oops:", "watchdog: BUG", "Kernel BUG", "general protection")


def keep(machine: RealMachine, boot_id: str | None, target: Path, since: float) -> list[str]:
    """Copies what there is into a folder; the lines of what was said last, or none.

    boot_id: of the boot that went down; None: its kernel never said it. since: when that boot was
    begun, in seconds since the epoch: what is older in pstore is of another one.
    """
    crash = target / "crash"
    crash.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for path in _pstore(machine.root, since):
        kept = crash / path.name
        shutil.copyfile(path, kept)
        lines = kept.read_text(errors="replace").splitlines() or lines
    if boot_id and (said := _journal(boot_id)):
        (crash / "journal.log").write_text(said)
        lines = lines or said.splitlines()
    if not any(crash.iterdir()):
        crash.rmdir()
    return [line for line in lines if line.strip()]


def last_lines(lines: list[str]) -> list[str]:
    """Of what keep() returned, what a record has of it."""
    return lines[-_LAST_LINES:]


def cause(lines: list[str]) -> str | None:
    """Why a machine went down, by what keep() returned; None: nothing says it."""
    dying = next((line for line in lines if any(word in line for word in _DYING)), None)
    return f"the machine went down: {dying.strip()}" if dying else None


def _pstore(root: Path, since: float) -> Iterator[Path]:
    """Records of the last crash, the oldest first: where the kernel shows them, and where
    systemd-pstore moves them.
    """
    folders = (root / "sys/fs/pstore", root / "var/lib/systemd/pstore")
    files = [path for folder in folders if folder.is_dir() for path in folder.rglob("*")]
    for path in sorted(files, key=lambda path: (path.stat().st_mtime, path.name)):
        if path.is_file() and path.stat().st_mtime >= since:
            yield path


def _journal(boot_id: str) -> str:
    """The end of a boot's journal; empty where it was not kept on disk."""
    command = ["journalctl", f"_BOOT_ID={boot_id.replace('-', '')}", "-n", str(_JOURNAL_LINES)]
    try:
        said = subprocesses.output([*command, "-o", "short-precise", "--no-pager", "-q"])
    except (CommandFailed, OSError):
        return ""
    return said if said.strip() else ""
