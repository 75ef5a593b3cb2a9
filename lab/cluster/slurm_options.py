# SPDX-License-Identifier: Apache-2.0
"""--slurm, and what can be said of it before anything is submitted. Standard library only."""

import argparse
import shlex
from collections.abc import Sequence

from lab.core import subprocesses
from lab.core.errors import KmapbenchError

PACKAGE = "slurm-client"
PROGRAMS = ("sbatch", "squeue", "scontrol", "scancel")

# Options of sbatch that are ours, each with its short form.
_OURS = {
    "--array": "-a",
    "--dependency": "-d",
    "--output": "-o",
    "--error": "-e",
    "--input": "-i",
    "--chdir": "-D",
    "--job-name": "-J",
    "--wrap": "",
    "--wait": "-W",
    "--requeue": "",
    "--no-requeue": "",
    "--parsable": "",
    "--test-only": "",
    "--kill-on-invalid-dep": "",
    "--export": "",
    "--nodes": "-N",
    "--ntasks": "-n",
}


def add_options(parser: argparse.ArgumentParser, has_dry_run: bool = False) -> None:
    """Adds --slurm, and --dry-run to a command that has none."""
    parser.add_argument(
        "--slurm",
        nargs="?",
        const="",
        metavar="OPTIONS",
        help="submit the work to a Slurm cluster, wait, and collect; options of sbatch as in"
        " --slurm='--partition=short --time=30'",
    )
    if not has_dry_run:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="with --slurm: print the scripts that would be submitted; do nothing",
        )


def check(arguments: argparse.Namespace) -> None:
    """Looks at --slurm, and keeps its options as a list in arguments.sbatch; None: not given. A
    KmapbenchError where they cannot be followed, or this machine has no Slurm.
    """
    arguments.sbatch = None
    if arguments.slurm is None:
        if arguments.dry_run and arguments.command != "run":
            raise KmapbenchError("--dry-run goes with --slurm")
        return
    arguments.sbatch = _words(arguments.slurm)
    if not arguments.dry_run:
        for program in PROGRAMS:
            if not subprocesses.has(program):
                raise KmapbenchError(
                    f"{program} is missing: --slurm needs the package {PACKAGE}, on a machine that"
                    " may submit to the cluster"
                )


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise KmapbenchError(f"--slurm={text}: {error}") from None
    if "\n" in text or (words and not words[0].startswith("-")):
        raise KmapbenchError(
            f"--slurm {text}: no option of sbatch: give them as --slurm='--partition=short', or"
            " --slurm alone as the last word"
        )
    for word in words:
        name = word.partition("=")[0]
        for long, short in _OURS.items():
            is_long = len(name) > 3 and name.startswith("--") and long.startswith(name)
            if is_long or (short and not word.startswith("--") and word.startswith(short)):
                raise KmapbenchError(f"--slurm: {word} is for kmapbench to say: leave {long} out")
    return words


def without(words: Sequence[str]) -> list[str]:
    """A command line without the options that say where and whether it runs, however they are
    abbreviated.
    """
    dropped = ("--slurm", "--dry-run", "--no-install")
    return [word for word in words if not any(_means(word, option) for option in dropped)]


def _means(word: str, option: str) -> bool:
    name = word.partition("=")[0]
    return len(name) > 3 and option.startswith(name)
