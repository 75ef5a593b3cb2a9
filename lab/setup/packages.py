# SPDX-License-Identifier: Apache-2.0
"""Packages that are missing: by apt after a question, or by a line that says what to install."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.core import requirements, subprocesses
from lab.core.errors import KmapbenchError
from lab.core.requirements import Need

# Another package manager's run is waited for.
_OPTIONS = ("-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600")


def provide(lacking: Sequence[Need], may_install: bool) -> None:
    """Installs what is lacking; a KmapbenchError where that may not or cannot be done."""
    system = requirements.distribution()
    names = requirements.names(lacking)
    by_hand = [] if requirements.has_apt() else requirements.BY_HAND.get(system, "").split()
    if not requirements.has_apt() or not may_install:
        whose = "debian" if system == requirements.OTHER else system
        raise KmapbenchError(
            f"these packages are missing (names as in {whose.capitalize()}):"
            f" {' '.join([*by_hand, *names])}"
        )
    asked = _on_terminal()
    as_root = _root(names)
    if asked:
        _ask(names)
    _install(lacking, as_root, told=asked)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _root(names: Sequence[str]) -> list[str]:
    """What goes before a command that takes root."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise KmapbenchError(f"root or sudo is needed once, for: apt-get install {' '.join(names)}")
    return ["sudo"]


def _ask(names: Sequence[str]) -> None:
    """A KmapbenchError where the user says no."""
    size = _size(names)
    known = (
        f"about {size} to download" if size else "the size is known once the package lists are read"
    )
    _say(f"{len(names)} packages are missing ({known}): {' '.join(names)}")
    print("kmapbench: install them now? [Y/n] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        print(file=sys.stderr)
    if answer.strip().lower() not in ("", "y", "yes") or not answer:
        raise KmapbenchError(
            f"nothing was installed; what is missing: apt-get install {' '.join(names)}"
        )


def _install(lacking: Sequence[Need], as_root: list[str], told: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch:
        log = Path(scratch) / "apt.log"
        _say("reading the package lists")
        # One source that does not answer is no reason to stop: what is missing then, the install
        # says.
        _run([*as_root, "apt-get", "-q", "update"], log)
        names = _offered(lacking)
        if not told:
            _say(f"installing, about {_size(names) or 'nothing'} to download: {' '.join(names)}")
        command = [
            *as_root,
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            *_OPTIONS,
            "install",
            *names,
        ]
        if _run(command, log) != 0:
            raise KmapbenchError(f"apt-get install failed: {_why(log)}")


def _offered(lacking: Sequence[Need]) -> list[str]:
    """A package for each need: the first of its names that the package sources have."""
    several = [need for need in lacking if len(need.packages) > 1]
    there = _with_candidate([name for need in several for name in need.packages])
    chosen = [
        next((name for name in need.packages if name in there), need.packages[0])
        for need in lacking
    ]
    return list(dict.fromkeys(chosen))


def _with_candidate(names: Sequence[str]) -> set[str]:
    if not names:
        return set()
    said = subprocess.run(
        ["apt-cache", "policy", *names],
        capture_output=True,
        text=True,
        env=subprocesses.plain_environment(),
    )
    return set(
        re.findall(
            r"^(\S+):\n(?:  Installed: .*\n)  Candidate: (?!\(none\))", said.stdout, re.MULTILINE
        )
    )


def _size(names: Sequence[str]) -> str | None:
    """What there is to download, by the package lists; None: they do not say."""
    command = ["apt-get", "--no-install-recommends", "--print-uris", "-y", "install", *names]
    said = subprocess.run(
        command, capture_output=True, text=True, env=subprocesses.plain_environment()
    )
    sizes = [int(size) for size in re.findall(r"^'[^']*' \S+ (\d+)", said.stdout, re.MULTILINE)]
    return f"{sum(sizes) / 1e6:.0f} MB" if said.returncode == 0 and sizes else None


def _run(command: Sequence[str], log: Path) -> int:
    with log.open("wb") as out:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=subprocesses.plain_environment(),
        ).returncode


def _why(log: Path) -> str:
    """apt's first error, else its last line."""
    lines = log.read_text(errors="replace").strip().splitlines() or ["no message"]
    return next((line for line in lines if line.startswith("E:")), lines[-1])


def _say(line: str) -> None:
    print(f"kmapbench: {line}", file=sys.stderr)
