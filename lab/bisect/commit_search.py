# SPDX-License-Identifier: Apache-2.0
"""The search for a commit: both ends are measured, then what git bisect asks for, with one boot a
commit as long as figures are exact, and with as many as it takes where they are not.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.bisect import boots_a_step, git_bisection, kernel_figure
from lab.bisect.bisect_plan import BisectPlan
from lab.bisect.boots_a_step import BOOTS_OF_AN_END, Effort
from lab.bisect.git_bisection import Found, Verdict
from lab.bisect.kernel_figure import Figure
from lab.core.errors import KmapbenchError
from lab.kernels import git_tree

Measure = Callable[[BisectPlan, str, int], Figure]


class CommitSearch:
    """measure: the figure of a commit by so many boots; say: told a line for each."""

    def __init__(self, plan: BisectPlan, measure: Measure, say: Callable[[str], None]):
        self._plan, self._measure, self._say = plan, measure, say
        self._figures: dict[str, Figure] = {}
        self._effort: Effort | None = None  # as long as figures are exact

    def run(self) -> tuple[bool, list[str]]:
        """Whether one commit is left, and what the search has come to, line by line."""
        plan = self._plan
        self._look_at_ends(1)
        if not all(self._figures[end].exact for end in (plan.good, plan.bad)):
            self._look_closer()
        for name, end in (("good", plan.good), ("bad", plan.bad)):
            self._say(f"{name:4} {_words(self._figures[end])}: {self._subject(end)}")
        old, new = self._ends()
        if old == new:
            raise KmapbenchError(
                f"GOOD and BAD both have {old:g} instructions of {plan.case}: nothing to search for"
            )
        with tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch:
            found = git_bisection.search(plan.tree, plan.good, plan.bad, Path(scratch), self._judge)
        return len(found.commits) == 1, self._outcome(found)

    def _look_at_ends(self, boots: int) -> None:
        for name, end in (("GOOD", self._plan.good), ("BAD", self._plan.bad)):
            figure = self._figures[end] = self._measure(self._plan, end, boots)
            if figure.cost is None:
                raise KmapbenchError(f"{name} {end[:12]} cannot be measured: {figure.why}")

    def _ends(self) -> tuple[float, float]:
        old, new = (self._figures[end].cost for end in (self._plan.good, self._plan.bad))
        assert old is not None and new is not None  # _look_at_ends() has seen to that
        return old, new

    def _look_closer(self) -> None:
        """Finds out how many boots a commit takes. A KmapbenchError where it is too many."""
        plan = self._plan
        self._say(f"samples of one boot differ: booting each end {BOOTS_OF_AN_END} times")
        self._look_at_ends(BOOTS_OF_AN_END)
        commits = git_bisection.count(plan.tree, plan.good, plan.bad)
        good, bad = (self._figures[end].boots for end in (plan.good, plan.bad))
        self._effort = boots_a_step.effort(good, bad, commits.bit_length())
        if not self._effort:
            raise KmapbenchError(
                f"{plan.case}: {_range(good)} in the boots of GOOD, {_range(bad)} in those of"
                f" BAD: more than {boots_a_step.MOST_BOOTS} boots a commit would be needed for an"
                f" answer that is wrong once in {1 / boots_a_step.WRONG:g} times at most"
            )
        self._say(
            f"{_boots(self._effort.boots)} a commit; the chance that the answer is wrong is at most"
            f" 1 in {_times(self._effort.wrong)}"
        )

    def _judge(self, commit: str, more: int) -> Verdict:
        boots = self._effort.boots if self._effort else 1
        figure = self._measure(self._plan, commit, boots)
        if not figure.exact and not self._effort:
            self._look_closer()
            return self._judge(commit, more)
        self._figures[commit] = figure
        verdict = verdict_of(figure, *self._ends())
        name = self._subject(commit)
        self._say(f"{verdict.value:4} {_words(figure)}: {name}; about {more} more")
        return verdict

    def _outcome(self, found: Found) -> list[str]:
        """The commit, the figures on both sides of it, and the functions in which they differ."""
        measured = self._effort_made()
        if len(found.commits) != 1:
            names = [f"  {self._subject(commit)}" for commit in found.commits]
            return [f"it is one of {len(names)} commits ({measured}):", *names]
        (commit,) = found.commits
        lines = [f"first bad commit: {self._subject(commit)} ({measured})"]
        after, before = self._figures[commit], self._before(commit)
        if before is None or after.cost is None or before.cost is None:
            return lines
        added = f"{after.cost - before.cost:+g}"
        if self._effort:
            half = self._effort.interval(len(before.boots), len(after.boots))
            added = f"{added} with a 95 % interval of ±{half:.3g}"
        lines.append(f"{self._plan.case}: {before.cost:g} -> {after.cost:g} instructions ({added})")
        return lines if self._effort else lines + kernel_figure.differences(before, after)

    def _effort_made(self) -> str:
        figures = self._figures.values()
        measured = [figure for figure in figures if figure.cost is not None]
        if self._plan.static:
            how = f"{len(measured)} counts in the code"
        else:
            how = _boots(sum(len(figure.boots) for figure in measured))
        bad = len(figures) - len(measured)
        return f"{how}, {bad} commit{'' if bad == 1 else 's'} that cannot be measured"

    def _before(self, commit: str) -> Figure | None:
        """The figure of the commit's parent; of a merge, of the first one that was measured."""
        return next(
            (
                self._figures[parent]
                for parent in git_bisection.parents(self._plan.tree, commit)
                if parent in self._figures and self._figures[parent].cost is not None
            ),
            None,
        )

    def _subject(self, commit: str) -> str:
        return git_tree.subject(self._plan.tree, commit)


def verdict_of(figure: Figure, old: float, new: float) -> Verdict:
    """Whether a commit goes with GOOD's cost or with BAD's: with the nearer one."""
    if figure.cost is None:
        return Verdict.SKIP
    nearer_new = abs(figure.cost - new) < abs(figure.cost - old)
    return Verdict.BAD if nearer_new else Verdict.GOOD


def _words(figure: Figure) -> str:
    if figure.cost is None:
        return f"not measured ({figure.why})"
    if len(figure.boots) <= 1:
        return f"{figure.cost:g} instructions"
    mean = f"{figure.cost:.6g} instructions in the mean of {_boots(len(figure.boots))}"
    return f"{mean}, {_range(figure.boots)}"


def _range(figures: list[float]) -> str:
    return f"{min(figures):g} to {max(figures):g}"


def _boots(number: int) -> str:
    return f"{number} boot{'' if number == 1 else 's'}"


def _times(chance: float) -> str:
    """A chance as one in so many times, with one digit, rounded down. What is said ends where
    nobody has looked at the tails.
    """
    most = 1000
    times = 1 / chance if chance > 1 / most else most
    digits = 10 ** (len(str(int(times))) - 1)
    return f"{int(times / digits) * digits:,}"
