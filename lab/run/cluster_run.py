# SPDX-License-Identifier: Apache-2.0
"""`run --slurm`: a campaign whose kernels are built and whose boots are made by a cluster.

The command that has submitted the tasks (cluster_plan.py) waits, and takes the boots into the
campaign when all have ended.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from formats.campaign_format import LOOKS, USER_SPACE
from lab.campaign import chown, collected_boots, node_agreement, store
from lab.campaign.collected_boots import Made
from lab.campaign.one_boot import STEP
from lab.campaign.schedule import Step
from lab.cluster import task_parts
from lab.cluster.cluster_work import ClusterWork
from lab.cluster.task_parts import Part
from lab.core import signals
from lab.core.errors import Interrupted, KmapbenchError
from lab.core.progress import Display
from lab.run import cluster_plan, preflight, runner
from lab.run.cluster_plan import TIMED, steps_left
from lab.run.plan import Plan

_MOST_LINES = 8  # of tasks that have failed


def take_in(folder: Path) -> None:
    """Takes what a cluster has left of a campaign into it, to go on with it on this machine."""
    work = ClusterWork(folder, [], print)
    if not work.folder.is_dir():
        return
    campaign = store.Campaign.reopen(folder)
    with work.held():
        work.hides_names = campaign.header["asked"].get("anonymize", False)
        collected_boots.collect(campaign, _made(_boots(work), work))
    campaign.release()


def run(plan: Plan, options: Sequence[str], leaves_out: bool) -> int:
    """Measures, reports, and returns the exit code. options: of sbatch; leaves_out: whether user
    models would have been measured, too, on one machine.
    """
    if plan.resume and preflight.is_complete(plan):
        return runner.report_again(plan.resume, plan.print)
    folder = cluster_plan.folder_of(plan)
    with Display() as display, ExitStack() as leaving:
        work = ClusterWork(folder, options, display.say)
        leaving.enter_context(work.held())
        leaving.callback(_hand_over, folder)
        if leaves_out:
            display.note(f"user models are left out: what they take {TIMED}")
        try:
            work.wait()  # for those of a kmapbench that was killed
            submitted = _ClusterCampaign(plan, folder, work, display)
            problems = submitted.measure()
        except KeyboardInterrupt as error:
            raise Interrupted(
                f"ended by {signals.cause(error)}; its jobs are cancelled, what was measured is"
                f" kept, and {runner.resuming(folder)} --slurm goes on",
                signals.exit_code(error),
            ) from None
        campaign = submitted.campaign
        if not campaign.left() and not problems:
            work.clear()
        reported = runner.finish(campaign, display, plan.print)
        campaign.release()
    return runner.print_end([f"kmapbench: {problem}" for problem in problems], reported)


def _hand_over(folder: Path) -> None:
    for made in (folder, task_parts.work_of(folder)):
        if made.exists():
            chown.hand_over(made)


class _ClusterCampaign:
    """A campaign that is made by a cluster."""

    campaign: store.Campaign  # once it has begun

    def __init__(self, plan: Plan, folder: Path, work: ClusterWork, display: Display):
        self._plan, self._folder, self._work, self._display = plan, folder, work, display
        work.hides_names = plan.anonymize
        self._has_begun = False
        self._last: dict[tuple[str, int], str] = {}  # how boots of the last submission ended
        if plan.resume:
            self._open()
            self._collect()

    def _open(self) -> None:
        self.campaign = store.Campaign.reopen(self._folder)
        self._has_begun = True
        self._display.note(f"campaign {self._folder}")

    def measure(self) -> list[str]:
        """Has all steps made that are left; what went wrong, a line each."""
        problems: list[str] = []
        for most in sorted(LOOKS) if self._plan.until_resolved else [self._plan.boots]:
            if not (steps := self._left(most)):
                continue
            problems += self._make(steps)
            left = self._left(most)
            # As on one machine: a round of which a kernel crashed is made again, once.
            crashed = {
                step.round
                for step in left
                if self._last.get((step.variant, step.boot)) == "crashed"
            }
            if again := [step for step in left if step.round in crashed]:
                problems += self._make(again)
            if self._plan.until_resolved and runner.is_resolved(self._folder):
                self._display.note(f"after {most} pairs: resolved")
                break
        if any(step.variant == USER_SPACE for step in self.campaign.left()):
            self._display.note(f"user models are left: what they take {TIMED}")
        return [*problems, *node_agreement.disagreements(self._folder, self.campaign.header)]

    def _left(self, most: int) -> list[Step]:
        return steps_left(self._plan, self.campaign.header if self._has_begun else None, most)

    def _make(self, steps: Sequence[Step]) -> list[str]:
        self._display.note(f"{len(steps)} boots are submitted")
        self._work.do(cluster_plan.arrays(self._plan, self._folder, steps, not self._has_begun))
        if not self._has_begun:
            if not (self._folder / "campaign.json").exists():
                lost = self._work.lost() or [f"{self._work.folder}: no machine has written there"]
                raise KmapbenchError(f"no campaign was begun: {lost[0]}")
            self._open()
        return self._collect()

    def _collect(self) -> list[str]:
        """Takes in what tasks have left; what went wrong, a line each."""
        parts = _boots(self._work)
        told = {part.job for part in parts if (part.folder / STEP).exists() and not part.error}
        entries = collected_boots.collect(self.campaign, _made(parts, self._work))
        self._last = {(entry["variant"], entry["boot"]): entry["status"] for entry in entries}
        problems = [
            f"{entry['variant']}, boot {entry['boot']}: {entry['reason']}"
            for entry in entries
            if entry["status"] != "ok"
        ]
        for part in parts:
            problems += part.result["problems"] if part.result else []
        # Of a boot that had begun, its entry says what became of it.
        lost = self._work.lost(told)
        problems += lost[:_MOST_LINES]
        if len(lost) > _MOST_LINES:
            problems.append(f"{len(lost) - _MOST_LINES} more tasks failed: see {self._work.folder}")
        return list(dict.fromkeys(problems))


def _boots(work: ClusterWork) -> list[Part]:
    return [part for part in work.parts() if part.words[0] == "boot"]


def _made(parts: Sequence[Part], work: ClusterWork) -> list[Made]:
    """Tries of boots as their campaign takes them in."""
    return [
        Made(
            part.folder,
            part.words[1],
            int(part.words[2]),
            int(part.words[3]),
            work.name_of(part.node),
            work.fate(part),
        )
        for part in parts
    ]
