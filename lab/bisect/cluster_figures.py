# SPDX-License-Identifier: Apache-2.0
"""`bisect --slurm`: figures that a cluster finds. Both ends of a search are tasks that run at the
same time, as are all kernels of a series; after that a search has one task at a time.
"""

import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab.bisect import bisect_plan, bisect_run, commit_figure, kernel_figure, series_walk
from lab.bisect.bisect_plan import BisectPlan, SeriesPlan
from lab.bisect.commit_task import CONFIG, KERNEL
from lab.bisect.kernel_figure import Figure
from lab.cluster.cluster_work import ClusterWork
from lab.cluster.task_array import TaskArray
from lab.core import signals
from lab.core.errors import Interrupted, KmapbenchError
from lab.kernels.variant import Variant

_KERNEL_MIB = 4096  # linking a kernel, or a guest

AnyPlan = BisectPlan | SeriesPlan


def run(
    plan: AnyPlan, options: Sequence[str], say: Callable[[str], None] = partial(print, flush=True)
) -> int:
    """Searches, prints what it was, and returns the exit code. options: of sbatch."""
    bisect_plan.write(plan)
    work = ClusterWork(plan.folder, options, say)
    try:
        with work.held():
            work.wait()  # for those of a kmapbench that was killed
            figures = ClusterFigures(plan, work)
            if isinstance(plan, SeriesPlan):
                figures.fetch_series()
                code = series_walk.walk(plan, say, figures.find)
            else:
                code = bisect_run.search(plan, figures.measure, say)
            work.clear()
            return code
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"ended by {signals.cause(error)}; its jobs are cancelled, what was measured is kept,"
            f" and {_going_on(plan)} goes on",
            signals.exit_code(error),
        ) from None


def _going_on(plan: AnyPlan) -> str:
    return f"./kmapbench bisect --resume {shlex.quote(str(plan.folder))} --slurm"


def scripts(plan: AnyPlan, options: Sequence[str]) -> str:
    """What would be submitted first: a script for sh."""
    work = ClusterWork(plan.folder, options, print)
    files = {plan.folder / bisect_plan.FILE: bisect_plan.text(plan)}
    figures = ClusterFigures(plan, work)
    if isinstance(plan, SeriesPlan):
        with tempfile.TemporaryDirectory() as scratch:  # a mailbox is taken apart
            patches = series_walk.patches_of(replace(plan, folder=Path(scratch)))
        return work.scripts(figures.series_arrays(len(patches)), files)
    return work.scripts([figures.array([plan.good, plan.bad], 1)], files)


class ClusterFigures:
    """Figures of kernels, by the name of a commit or the number of patches."""

    def __init__(self, plan: AnyPlan, work: ClusterWork):
        self._plan, self._work = plan, work
        self._found: dict[str, Figure] = {}

    def measure(self, plan: BisectPlan, commit: str, boots: int = 1) -> Figure:
        """The figure of a commit; that of an end comes with that of the other one."""
        wanted = [plan.good, plan.bad] if commit in (plan.good, plan.bad) else [commit]
        self._fetch(wanted, boots)
        return self._figure(commit, boots)

    def find(self, plan: SeriesPlan, number: str, variant: Variant, folder: Path) -> Figure:
        """The figure of a number of patches that fetch_series() has had found."""
        return self._figure(number, 1)

    def fetch_series(self) -> None:
        """Has the figures of all kernels of a series found."""
        self._take_in()
        assert isinstance(self._plan, SeriesPlan)  # whoever calls has seen to that
        arrays = self.series_arrays(len(series_walk.patches_of(self._plan)))
        if arrays[-1].tasks:
            self._work.do(arrays)
            self._take_in()

    def series_arrays(self, patches: int) -> list[TaskArray]:
        """The configuration that all kernels of a series have, and the kernels that are left."""
        numbers = [str(number) for number in range(patches + 1)]
        left = [number for number in numbers if not self._kept(number, 1)]
        config = TaskArray(CONFIG, self._command, [(CONFIG,)])
        return [config, self.array(left, 1, (CONFIG,))]

    def array(self, names: Sequence[str], boots: int, after: tuple[str, ...] = ()) -> TaskArray:
        """The tasks that find figures of so many boots."""
        tasks = [(name, str(boots)) for name in names]
        is_whole = not self._plan.static
        return TaskArray("kernels", self._command, tasks, after, _KERNEL_MIB, is_whole)

    @property
    def _command(self) -> tuple[str, ...]:
        return ("task", "commit", str(self._plan.folder))

    def _fetch(self, names: Sequence[str], boots: int) -> None:
        self._take_in()
        if left := [name for name in names if not self._kept(name, boots)]:
            self._work.do([self.array(left, boots)])
            self._take_in()

    def _kept(self, name: str, boots: int) -> Figure | None:
        found = self._found.get(name)
        if found and (found.cost is None or self._plan.static or len(found.boots) >= boots):
            return found
        return kernel_figure.kept(self._plan, self._folder(name), boots)

    def _folder(self, name: str) -> Path:
        if isinstance(self._plan, SeriesPlan):
            return series_walk.folder_of(self._plan, int(name))
        return commit_figure.folder_of(self._plan, name)

    def _figure(self, name: str, boots: int) -> Figure:
        if figure := self._kept(name, boots):
            return figure
        lost = self._work.lost() or [f"{self._work.folder}: no machine has written there"]
        raise KmapbenchError(
            f"no figure of {name[:12]}: {lost[0]}; to go on: {_going_on(self._plan)}"
        )

    def _take_in(self) -> None:
        for part in self._work.results("commit"):
            if part.result and "figure" in part.result:
                name = part.words[1]
                self._found[name] = Figure(**part.result["figure"])
                target = self._folder(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(target, ignore_errors=True)
                (part.folder / KERNEL).rename(target)
            shutil.rmtree(part.folder)
