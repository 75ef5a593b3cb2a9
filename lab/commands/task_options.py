# SPDX-License-Identifier: Apache-2.0
"""`kmapbench task`: does one task of what --slurm has submitted. Standard library only."""

import argparse
from collections.abc import Callable
from pathlib import Path

# What a task is, and what does it: given the folder of the campaign or table, the words of the task
# and the folder for what it leaves, it returns what its figures depend on, and what came out.
KINDS = {
    "campaign": ("lab.run.boot_task", "begin_campaign"),
    "boot": ("lab.run.boot_task", "make_boot"),
    "symbols": ("lab.configs.symbols_task", "measure_symbols"),
    "commit": ("lab.bisect.commit_task", "measure_commit"),
    "cells": ("lab.commands.cells_task", "run_cells"),
}


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `task`. new_command: makes a command of a subparsers object, a name and a help."""
    task = new_command(commands, "task", help="do one task of what --slurm has submitted")
    task.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    task.add_argument("folder", type=Path, metavar="DIR", help="the campaign or the table")
    task.add_argument("words", nargs=argparse.REMAINDER, metavar="WORD", help="what of it")
    task.set_defaults(function=_run)


def _run(arguments: argparse.Namespace) -> int:
    from lab.commands import task  # jsonschema, which other commands can do without

    module, function = KINDS[arguments.kind]
    return task.run(module, function, arguments.folder, [arguments.kind, *arguments.words])
