# SPDX-License-Identifier: Apache-2.0
"""What tasks leave in the folder of the work: a folder for each try of one, named by its job.

A try has its folder for itself, so that one that goes on where nobody expects it, on a machine that
was thought dead, writes into nobody else's. `begun.json` says which task it is and where it runs,
`done.json`, which appears whole, what came out.
"""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.campaign import environment_diff, safe_files
from lab.core.errors import KmapbenchError

_BEGUN, _DONE = "begun.json", "done.json"


@dataclass(frozen=True)
class Part:
    """A try of a task."""

    folder: Path
    words: tuple[str, ...]  # of the task
    node: str
    began: float  # seconds since 1970
    about: dict[str, Any]  # what a figure depends on that may differ between machines
    result: dict[str, Any] | None  # None: it has not come to an end
    error: str | None  # why it has no result, where it could still say so

    @property
    def job(self) -> str:
        """The number of its job in the queue."""
        return self.folder.name.partition(".")[0]


def work_of(folder: Path) -> Path:
    """The folder of the work on a campaign or table, beside it."""
    return folder.with_name(f"{folder.name}.slurm")


def begin(work: Path, words: Sequence[str]) -> Path:
    """The folder of this try of a task, made now."""
    said = os.environ
    job = f"{said.get('SLURM_ARRAY_JOB_ID', 'none')}_{said.get('SLURM_ARRAY_TASK_ID', '0')}"
    parts = work / "parts"
    with safe_files.naming(parts):
        parts.mkdir(parents=True, exist_ok=True)
        # Slurm may start a job again under the same number.
        folder = Path(tempfile.mkdtemp(prefix=f"{job}.", dir=parts))
    begun = {"words": list(words), "node": node(), "began": time.time()}
    safe_files.write_json(folder / _BEGUN, begun)
    return folder


def node() -> str:
    """What the cluster calls this machine."""
    return os.environ.get("SLURMD_NODENAME") or os.uname().nodename


def end(folder: Path, about: dict, result: dict | None, error: str | None = None) -> None:
    """Says what came out of a try; nothing is written there any more."""
    done = {"about": about, "result": result, "error": error}
    safe_files.write_json(folder / _DONE, done)


def read_all(work: Path) -> list[Part]:
    """All tries that have begun, the oldest first."""
    if not (work / "parts").is_dir():
        return []
    # That a file appears and goes lets a client of NFS look anew, whatever it remembers.
    safe_files.write_bytes(work / "parts" / ".look", b"")
    (work / "parts" / ".look").unlink()
    parts = [part for folder in (work / "parts").iterdir() if (part := _read(folder))]
    return sorted(parts, key=lambda part: (part.began, part.folder.name))


def _read(folder: Path) -> Part | None:
    try:
        begun = json.loads((folder / _BEGUN).read_text())
    except (OSError, ValueError):
        return None  # it was ended before it had begun
    try:
        done = json.loads((folder / _DONE).read_text())
    except OSError:
        done = {"about": {}, "result": None, "error": None}
    return Part(
        folder,
        tuple(begun["words"]),
        begun["node"],
        begun["began"],
        done["about"],
        done["result"],
        done["error"],
    )


def check_same(parts: Sequence[Part], folder: Path) -> None:
    """A KmapbenchError where machines differ from another one in what a figure depends on: names
    them, and what it is. folder: of a try of that other one.
    """
    first = _read(folder)
    for part in parts if first else []:
        assert first is not None
        if difference := next(environment_diff.differences(first.about, part.about), None):
            raise KmapbenchError(
                f"{first.node} and {part.node} are not the same: {difference}; make them so, or"
                " leave one out with --slurm=--exclude=NODE"
            )
