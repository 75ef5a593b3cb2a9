# SPDX-License-Identifier: Apache-2.0
"""Scripts of Slurm for arrays of tasks, and the script that submits them all."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.cache_folder import cache_path
from lab.cluster.task_array import TaskArray, split
from lab.core.dirs import ROOT, build_dir

JOBS = "jobs"  # in the folder of the work: the numbers of what was submitted, a line each
KMAPBENCH = (sys.executable, "-P", "-m", "lab")  # without the launcher: the build is there
_END = "KMAPBENCH_END"


@dataclass(frozen=True)
class Submission:
    """What is submitted together."""

    arrays: Sequence[TaskArray]
    work: Path  # the folder of the work: logs, and what tasks leave
    options: Sequence[str]  # of sbatch, as the user has given them
    most_tasks: int  # of an array
    files: Mapping[Path, str]  # that are written before, with their text


def submitting(submission: Submission) -> str:
    """A script for sh that submits everything, each array after those that it depends on."""
    work = shlex.quote(str(submission.work))
    lines = ["#!/bin/sh", "set -e", f"mkdir -p {work}/parts"]
    for path, text in submission.files.items():
        lines += [f"mkdir -p {shlex.quote(str(path.parent))}"]
        lines += [f"cat >{shlex.quote(str(path))} <<'{_END}'", text.rstrip("\n"), _END]
    arrays = split(submission.arrays, submission.most_tasks)
    for array in arrays:
        depends = ""
        if array.after:
            numbers = ":".join(f"${{{name}%;*}}" for name in array.after)
            depends = f' --dependency="afterok:{numbers}" --kill-on-invalid-dep=yes'
        lines += [
            f"{array.name}=$(sbatch --parsable{depends} <<'{_END}'",
            script(array, submission).rstrip("\n"),
            _END,
            ")",
            f'echo "${{{array.name}%;*}}" >>{work}/{JOBS}',
        ]
    lines += [] if arrays else ["# nothing is left to submit"]
    return "\n".join(lines) + "\n"


def script(array: TaskArray, submission: Submission) -> str:
    """The script of an array, as sbatch takes it."""
    log = str(submission.work / "%x-%A_%a.log").replace('"', '\\"')
    options = [
        f"--job-name=kmapbench-{array.name}",
        f"--array=0-{len(array.tasks) - 1}",
        f'--output="{log}"',
        "--no-requeue",  # a boot that is lost takes its round with it: --resume makes both again
    ]
    options += [f"--mem={array.memory_mib}M"] if array.memory_mib else []
    options += ["--exclusive"] if array.whole_machine else []
    options += [" ".join(map(_quoted, submission.options))] if submission.options else []
    lines = ["#!/bin/sh", *(f"#SBATCH {option}" for option in options)]
    lines.append("case $SLURM_ARRAY_TASK_ID in")
    lines += [
        f"{number}) set -- {shlex.join(words)} ;;" for number, words in enumerate(array.tasks)
    ]
    lines += [
        "esac",
        f"export PYTHONPATH={shlex.quote(str(ROOT))} PYTHONUNBUFFERED=1",
        f"export KMAPBENCH_BUILD={shlex.quote(str(build_dir().absolute()))}",
        f"export KMAPBENCH_CACHE={shlex.quote(str(cache_path().absolute()))}",
        f"cd {shlex.quote(os.getcwd())}",
        f'exec {shlex.join([*KMAPBENCH, *array.command])} "$@"',
    ]
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """A word as the parser of #SBATCH lines reads it."""
    return '"' + word.replace('"', '\\"') + '"' if set(word) & set(" \t#'") else word
