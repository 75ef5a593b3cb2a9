# SPDX-License-Identifier: Apache-2.0
"""Calls of other programs, with errors a user can act on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.core.dirs import ROOT
from lab.core.errors import CommandFailed, KmapbenchError

# What an ordinary user's PATH lacks on Debian: depmod and modprobe are there.
_SEARCH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def find(name: str, package: str) -> str:
    """The path of a program; a KmapbenchError names the package that has it, by default
    this one.
    """
    path = shutil.which(name, path=_SEARCH)
    if path is None:
        from lab.core import requirements  # which asks us what there is

        known = requirements.package_of(name) or package
        raise KmapbenchError(f"{name} is missing: install the package {known}")
    return path


def has(name: str) -> bool:
    """Whether there is such a program."""
    return shutil.which(name, path=_SEARCH) is not None


def search_path() -> str:
    """The folders in which programs are looked for, separated as in PATH."""
    return _SEARCH


def ended_with_us(command: Sequence[str | Path], by: str = "KILL") -> list[str]:
    """A command that the kernel ends, by a signal, when the calling thread ends, however that
    comes.

    No preexec_fn does this: after such a fork Python runs what modules registered (logging does),
    and a Ctrl-C that arrives meanwhile is lost.
    """
    return [find("setpriv", "util-linux"), "--pdeathsig", by, "--", *map(str, command)]


def start_undoer(module: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Starts a module of ours that undoes something when this process has ended, however that came:
    its standard input ends then. What it says is read from its standard output.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is ours to handle
    )


def output(command: Sequence[str | Path]) -> str:
    """Standard output of a command that has to succeed."""
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env=plain_environment()
    )
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise CommandFailed(f"{Path(str(command[0])).name}: {last}")
    return result.stdout


def logged(command: Sequence[str | Path], log: Path, doing: str, cwd: Path | None = None) -> None:
    """Runs a command with its output in a log file; a failure names what was being done and the
    log.
    """
    with log.open("ab") as out:
        result = subprocess.run(
            ended_with_us(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=plain_environment(),
        )
    if result.returncode != 0:
        raise CommandFailed(
            f"{doing} failed ({Path(str(command[0])).name} ended with {result.returncode}): see"
            f" {log}"
        )


def value(path: Path) -> str | None:
    """What a file of procfs or sysfs says; None: there is none, or it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def plain_environment() -> dict[str, str]:
    """Ours, without what would change a tool's messages or a kernel build's target."""
    dropped = {
        "ARCH",
        "CROSS_COMPILE",
        "KBUILD_OUTPUT",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "KDIR",
        "OUT",
    }
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"LC_ALL": "C.UTF-8"}


def first_error(log: Path) -> str | None:
    """The line of a build's log that says what is wrong: a full disk, which other errors follow
    from, else the first error.
    """
    lines = log.read_text(errors="replace").splitlines()
    for words in (("No space left",), ("error:", "Error ", "not found")):
        for line in lines:
            if any(word in line for word in words):
                return line.strip()
    return None
