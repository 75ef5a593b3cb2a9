# SPDX-License-Identifier: Apache-2.0
"""Slurm's queue: submits, says what became of jobs, cancels."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from lab.cluster.slurm_options import PACKAGE
from lab.core import subprocesses
from lab.core.errors import KmapbenchError

# Tasks of an array, where nobody says: MaxArraySize is 1001 by default. More make no better script.
MOST_TASKS = 1000

# States that a job does not leave (squeue(1)); all others are of jobs that may still run.
_ENDED = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}


@dataclass(frozen=True)
class Job:
    """A task in the queue, or one that has left it a short while ago."""

    number: str  # ARRAY_TASK
    state: str
    nodes: str
    reason: str

    @property
    def has_ended(self) -> bool:
        return self.state in _ENDED


def most_tasks() -> int:
    """Of an array on this cluster; where there is none, of most clusters."""
    if not subprocesses.has("scontrol"):
        return MOST_TASKS
    said = _run(["scontrol", "show", "config"])
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", said.stdout, re.MULTILINE)
    return min(MOST_TASKS, int(found[1])) if found else MOST_TASKS


def submit(script: str) -> None:
    """Runs a script that submits. A KmapbenchError has what sbatch says."""
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        raise KmapbenchError(f"nothing is submitted any more: {said}")


def look(arrays: Sequence[str]) -> dict[str, Job] | None:
    """The tasks of arrays by their number, as far as the queue still knows them; None: the queue
    does not answer.
    """
    listed = f"--jobs={','.join(arrays)}"
    command = ["squeue", "--noheader", "--array", "--states=all", listed]
    said = _run([*command, "--format=%F|%K|%T|%N|%r"])
    if said.returncode != 0 and "Invalid job id" not in said.stderr:
        return None
    jobs = {}
    for line in said.stdout.splitlines():
        array, task, state, nodes, reason = line.split("|", 4)
        jobs[f"{array}_{task}"] = Job(f"{array}_{task}", state, nodes, reason)
    return jobs


def cancel(arrays: Sequence[str]) -> None:
    """Ends what is left of arrays."""
    if arrays:
        _run(["scancel", "--quiet", *arrays])


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    program, *words = command
    return subprocess.run(
        [subprocesses.find(program, PACKAGE), *words],
        capture_output=True,
        text=True,
        env=subprocesses.plain_environment(),
    )
