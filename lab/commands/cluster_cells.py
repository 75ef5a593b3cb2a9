# SPDX-License-Identifier: Apache-2.0
"""`calibrate --slurm`: a calibration whose cells are run by a cluster, one a task."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import partial

from analysis.studies import calibrate
from analysis.studies.calibration import Cell
from formats import exit_codes
from lab.cluster.cluster_work import ClusterWork
from lab.cluster.task_array import TaskArray
from lab.commands import cells_task
from lab.core import signals
from lab.core.errors import Interrupted

_say = partial(print, file=sys.stderr, flush=True)
_GO_ON = "the same command goes on"


def run(arguments: argparse.Namespace, options: Sequence[str]) -> int:
    """Runs the cells that are not there yet, prints the table, and returns the exit code."""
    work = _work(arguments, options)
    problems: list[str] = []
    try:
        with work.held():
            work.wait()  # for those of a kmapbench that was killed
            _take_in(arguments, work)
            if array_of(arguments).tasks:
                work.do([array_of(arguments)])
                _take_in(arguments, work)
                problems = work.lost()
            if not array_of(arguments).tasks:
                work.clear()
                return calibrate.calibrate(arguments)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"ended by {signals.cause(error)}; its jobs are cancelled, and {_GO_ON}",
            signals.exit_code(error),
        ) from None
    for problem in problems or [f"{work.folder}: no machine has written there"]:
        _say(f"kmapbench: {problem}")
    _say(f"kmapbench: cells are missing: {_GO_ON}")
    return exit_codes.FAILED


def scripts(arguments: argparse.Namespace, options: Sequence[str]) -> str:
    """What would be submitted: a script for sh."""
    return _work(arguments, options).scripts([array_of(arguments)])


def array_of(arguments: argparse.Namespace) -> TaskArray:
    """The cells that are left."""
    folder = calibrate.folder_of(arguments).absolute()
    kept = calibrate.read(folder / calibrate.KEPT, arguments.seed)
    names = [
        cells_task.name_of(*cell) for cell in calibrate.choose(arguments)[1] if cell not in kept
    ]
    tasks = [(str(arguments.seed), name) for name in names]
    return TaskArray("cells", ("task", "cells", str(folder)), tasks)


def _work(arguments: argparse.Namespace, options: Sequence[str]) -> ClusterWork:
    return ClusterWork(calibrate.folder_of(arguments).absolute(), options, _say)


def _take_in(arguments: argparse.Namespace, work: ClusterWork) -> None:
    folder = calibrate.folder_of(arguments)
    kept = calibrate.read(folder / calibrate.KEPT, arguments.seed)
    for part in work.results("cells"):
        for raw in part.result["cells"] if part.result else []:
            cell = Cell(**raw)
            if cell.seed == arguments.seed and (cell.setting, cell.campaigns) not in kept:
                kept[cell.setting, cell.campaigns] = cell
                calibrate.keep(folder, cell)
        shutil.rmtree(part.folder)
