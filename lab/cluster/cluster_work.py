# SPDX-License-Identifier: Apache-2.0
"""Work on a cluster from its submission to its end: submits it, waits, and says what became of
each task.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.campaign import safe_files
from lab.cluster import job_queue, sbatch_script, task_parts
from lab.cluster.job_queue import Job
from lab.cluster.sbatch_script import JOBS, Submission
from lab.cluster.task_array import TaskArray
from lab.cluster.task_parts import Part
from lab.core import file_lock
from lab.core.errors import KmapbenchError

# Between two looks at the queue: soon after the submission more often.
_SOONEST, _LATEST = 1.0, 15.0
_SHARE = 0.05
_QUIET = 10.0  # seconds between two lines about the progress


class ClusterWork:
    """The work on one campaign or table. say: told how far it is."""

    def __init__(self, folder: Path, options: Sequence[str], say: Callable[[str], None]):
        """folder: the campaign or table; options: of sbatch, as the user has given them."""
        self.folder = task_parts.work_of(folder)
        self.hides_names = False  # of machines
        self._options, self._say = options, say
        self._jobs: dict[str, Job] = {}  # as they were last seen
        self._is_cleared = False
        self._told, self._told_at = "", -_QUIET

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else submits and collects this work meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with file_lock.held(self.folder / "lock", self._busy):
            yield
        if self._is_cleared:
            shutil.rmtree(self.folder)

    def _busy(self) -> None:
        raise KmapbenchError(f"{self.folder}: another kmapbench is at work in it: wait for it")

    def scripts(self, arrays: Sequence[TaskArray], files: Mapping[Path, str] | None = None) -> str:
        """What do() would run. files: that have to be there before, with their text."""
        most = job_queue.most_tasks()
        submission = Submission(arrays, self.folder, self._options, most, files or {})
        return sbatch_script.submitting(submission)

    def do(self, arrays: Sequence[TaskArray]) -> None:
        """Submits arrays and waits for their end."""
        self._jobs = {}
        try:
            job_queue.submit(self.scripts(arrays))
        except BaseException:
            job_queue.cancel(self._arrays())
            raise
        self.wait()

    def wait(self) -> None:
        """Waits until nothing of this work is in the queue any more. Whatever ends us ends that,
        too.
        """
        try:
            self._wait()
        except BaseException:
            job_queue.cancel(self._arrays())
            raise

    def _wait(self) -> None:
        began, silent = time.monotonic(), False
        while arrays := self._arrays():
            jobs = job_queue.look(arrays)
            if jobs is None and not silent:
                self._say("the queue does not answer: waiting for it")
            silent = jobs is None
            if jobs is not None:
                self._jobs |= jobs
                if all(job.has_ended for job in jobs.values()):
                    (self.folder / JOBS).unlink()
                    return
                self._tell(_progress(list(self._jobs.values())))
            waited = time.monotonic() - began
            time.sleep(min(_LATEST, max(_SOONEST, _SHARE * waited)))

    def _tell(self, progress: str) -> None:
        """Says how far it is, now and then, where that has changed."""
        if progress != self._told and time.monotonic() - self._told_at >= _QUIET:
            self._say(progress)
            self._told, self._told_at = progress, time.monotonic()

    def _arrays(self) -> list[str]:
        """The numbers of what was submitted and not seen to end."""
        try:
            return (self.folder / JOBS).read_text().split()
        except FileNotFoundError:
            return []

    def parts(self) -> list[Part]:
        """What tasks have left."""
        return task_parts.read_all(self.folder)

    def results(self, kind: str) -> list[Part]:
        """Tries of a kind of task that have a result. A KmapbenchError where machines differ in
        what it depends on, from each other or from those that were at work before; then nothing
        is left of them.
        """
        found = [part for part in self.parts() if part.words[0] == kind and part.result is not None]
        first = self.folder / "first"  # whose machine the others are held against
        if found and not first.is_dir():
            shutil.copytree(found[0].folder, first, ignore=_all_but_json)
        try:
            task_parts.check_same(found, first)
        except KmapbenchError:
            for part in found:
                shutil.rmtree(part.folder)
            raise
        return found

    def fate(self, part: Part) -> str:
        """Why a try has come to no end, in words."""
        job = self._jobs.get(part.job)
        state = _WORDS.get(job.state, job.state) if job else "is gone from the queue"
        return f"job {part.job} on {self.name_of(part.node)} {state}"

    def name_of(self, node: str) -> str:
        """What a machine is called where its name may be read by everybody: a number, where names
        are hidden, which stays the same as long as there is work.
        """
        if not self.hides_names:
            return node
        file = self.folder / "machines"
        names = file.read_text().split() if file.exists() else []
        if node not in names:
            names.append(node)
            safe_files.write_bytes(file, "".join(f"{name}\n" for name in names).encode())
        return f"machine-{names.index(node) + 1}"

    def lost(self, known: Collection[str] = ()) -> list[str]:
        """Tasks that ended otherwise than well, a line each, with the log where there is one.
        known: jobs of which somebody has told already.
        """
        lines = []
        for job in self._jobs.values():
            if job.state != "COMPLETED" and job.has_ended and job.number not in known:
                logs = list(self.folder.glob(f"*-{job.number}.log"))
                where = f" on {job.nodes}" if job.nodes else ""
                why = _WORDS.get(job.state, job.state)
                see = f"; see {logs[0]}" if logs else ""
                lines.append(f"job {job.number}{where} {why}{_last_words(logs)}{see}")
        return lines

    def clear(self) -> None:
        """Has the folder removed at the end of held(): everything was collected."""
        self._is_cleared = True


def _all_but_json(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".json")]


_WORDS: Mapping[str, str] = {
    "TIMEOUT": "ran out of time",
    "NODE_FAIL": "lost its machine",
    "PREEMPTED": "was preempted",
    "CANCELLED": "was cancelled",
    "OUT_OF_MEMORY": "ran out of memory",
    "FAILED": "failed",
    "COMPLETED": "ended, and left no result",
}


def _last_words(logs: Sequence[Path]) -> str:
    """The error at the end of a task's log, if it has one."""
    for log in logs[:1]:
        for line in reversed(log.read_text(errors="replace").splitlines()):
            if line.startswith("kmapbench: "):
                return f": {line.removeprefix('kmapbench: ')}"
    return ""


def _progress(jobs: Sequence[Job]) -> str:
    """How many tasks have ended, which machines are at work, and what the others wait for."""
    running = [job for job in jobs if job.state == "RUNNING"]
    waiting = Counter(job.reason for job in jobs if job.state == "PENDING")
    told = [f"{sum(job.has_ended for job in jobs)} of {len(jobs)} tasks have ended"]
    if running:
        told.append(f"{len(running)} run on {', '.join(sorted({job.nodes for job in running}))}")
    told += [f"{number} wait ({reason})" for reason, number in waiting.most_common(1)]
    return "; ".join(told)
