# SPDX-License-Identifier: Apache-2.0
"""`configs --slurm`: a table of configurations that a cluster looks at.

Changes that are only counted in the code are several to a task, which opens the source once; one
whose kernel is built and booted is a task of its own.
"""

import shlex
import shutil
from collections.abc import Callable, Sequence
from functools import partial

from formats import exit_codes
from lab.cluster.cluster_work import ClusterWork
from lab.cluster.task_array import TaskArray, chunks
from lab.configs import configs_plan, configs_run
from lab.configs.configs_plan import ConfigsPlan
from lab.configs.cost_table import ENTRIES
from lab.core import signals
from lab.core.errors import Interrupted

_COUNTED_A_TASK = 8  # opening the source takes about as long as counting in it so often
_BOOTED_MIB = 4096  # linking a kernel, or a guest


def run(
    plan: ConfigsPlan,
    options: Sequence[str],
    say: Callable[[str], None] = partial(print, flush=True),
) -> int:
    """Makes the table, prints it, and returns the exit code. options: of sbatch."""
    configs_plan.write(plan)
    work = ClusterWork(plan.folder, options, say)
    go_on = f"./kmapbench configs --resume {shlex.quote(str(plan.folder))} --slurm"
    problems: list[str] = []
    try:
        with work.held():
            work.wait()  # for those of a kmapbench that was killed
            _take_in(plan, work)
            if arrays := arrays_of(plan):
                work.do(arrays)
                _take_in(plan, work)
                problems = work.lost()
            if not arrays_of(plan):
                work.clear()
                return configs_run.write_table(plan, say)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"ended by {signals.cause(error)}; its jobs are cancelled, what was found is kept, and"
            f" {go_on} goes on",
            signals.exit_code(error),
        ) from None
    for problem in problems or [f"{work.folder}: no machine has written there"]:
        say(problem)
    say(f"to go on: {go_on}")
    return exit_codes.FAILED


def scripts(plan: ConfigsPlan, options: Sequence[str]) -> str:
    """What would be submitted: a script for sh."""
    files = {plan.folder / configs_plan.FILE: configs_plan.text(plan)}
    return ClusterWork(plan.folder, options, print).scripts(arrays_of(plan), files)


def arrays_of(plan: ConfigsPlan) -> list[TaskArray]:
    """The tasks that are left of a table."""
    left = [one for one in configs_run.all_changes(plan) if not configs_run.is_whole(plan, one)]
    booted = [one.name for one in left if configs_run.is_booted(plan, one)]
    counted = [one.name for one in left if one.name not in booted]
    command = ("task", "symbols", str(plan.folder))
    arrays = []
    if counted:
        arrays.append(TaskArray("symbols", command, chunks(counted, _COUNTED_A_TASK)))
    if booted:
        tasks = chunks(booted, 1)
        arrays.append(TaskArray("kernels", command, tasks, (), _BOOTED_MIB, whole_machine=True))
    return arrays


def _take_in(plan: ConfigsPlan, work: ClusterWork) -> None:
    """Puts what tasks have found into the table's folder; of a task that was lost, nothing."""
    for part in work.results("symbols"):
        for name in part.words[1:]:
            target = plan.folder / ENTRIES / name
            found = part.folder / ENTRIES / name
            if found.is_dir():
                target.parent.mkdir(exist_ok=True)
                shutil.rmtree(target, ignore_errors=True)
                found.rename(target)
        shutil.rmtree(part.folder)
