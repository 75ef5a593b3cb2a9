# SPDX-License-Identifier: Apache-2.0
"""`kmapbench bisect`: measures both ends, searches, and says which commit it was."""

import shlex
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from formats import exit_codes
from lab.bisect import bisect_plan, commit_figure, git_bisection, kernel_figure, series_walk
from lab.bisect.bisect_plan import BisectPlan, SeriesPlan
from lab.bisect.git_bisection import Found, Verdict
from lab.bisect.kernel_figure import Figure
from lab.bisect.static_source import StaticSource
from lab.core import signals
from lab.core.errors import Interrupted, KmapbenchError


def run(
    plan: BisectPlan | SeriesPlan,
    measure: Callable[[BisectPlan, str], Figure] | None = None,
    say: Callable[[str], None] = partial(print, flush=True),
) -> int:
    """Searches, prints what it was, and returns the exit code: FAILED where several commits are
    left, or a patch of a series has no figure.
    """
    bisect_plan.write(plan)
    go_on = f"./kmapbench bisect --resume {shlex.quote(str(plan.folder))}"
    try:
        with StaticSource() as source:
            if isinstance(plan, SeriesPlan):
                return series_walk.walk(plan, say, partial(kernel_figure.find, source=source))
            return _search(plan, measure or partial(commit_figure.measure, source=source), say)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"ended by {signals.cause(error)}; what was measured is kept, and {go_on} goes on",
            signals.exit_code(error),
        ) from None


def _search(
    plan: BisectPlan,
    measure: Callable[[BisectPlan, str], Figure],
    say: Callable[[str], None],
) -> int:
    figures: dict[str, Figure] = {}
    costs = []
    for name, commit in (("good", plan.good), ("bad", plan.bad)):
        figure = figures[commit] = measure(plan, commit)
        if figure.cost is None:
            raise KmapbenchError(f"{name.upper()} {commit[:12]} cannot be measured: {figure.why}")
        say(f"{name:4} {_words(figure)}: {git_bisection.subject(plan.tree, commit)}")
        costs.append(figure.cost)
    old, new = costs
    if old == new:
        raise KmapbenchError(
            f"GOOD and BAD both have {old:g} instructions of {plan.case}: nothing to search for"
        )

    def judge(commit: str, more: int) -> Verdict:
        figure = figures[commit] = measure(plan, commit)
        verdict = verdict_of(figure, old, new)
        name = git_bisection.subject(plan.tree, commit)
        say(f"{verdict.value:4} {_words(figure)}: {name}; about {more} more")
        return verdict

    with tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch:
        found = git_bisection.search(plan.tree, plan.good, plan.bad, Path(scratch), judge)
    lines = _outcome(plan, found, figures)
    (plan.folder / "result.txt").write_text("\n".join(lines) + "\n")
    for line in lines:
        say(line)
    return exit_codes.OK if len(found.commits) == 1 else exit_codes.FAILED


def verdict_of(figure: Figure, old: float, new: float) -> Verdict:
    """Whether a commit goes with GOOD's cost or with BAD's: with the nearer one."""
    if figure.cost is None:
        return Verdict.SKIP
    nearer_new = abs(figure.cost - new) < abs(figure.cost - old)
    return Verdict.BAD if nearer_new else Verdict.GOOD


def _words(figure: Figure) -> str:
    if figure.cost is None:
        return f"not measured ({figure.why})"
    return f"{figure.cost:g} instructions"


def _outcome(plan: BisectPlan, found: Found, figures: dict[str, Figure]) -> list[str]:
    """The commit, the figures on both sides of it, and the functions in which they differ."""
    good = sum(figure.cost is not None for figure in figures.values())
    how = "counts in the code" if plan.static else "boots"
    bad = len(figures) - good
    measured = f"{good} {how}, {bad} commit{'' if bad == 1 else 's'} that cannot be measured"
    if len(found.commits) != 1:
        names = [f"  {git_bisection.subject(plan.tree, commit)}" for commit in found.commits]
        return [f"it is one of {len(names)} commits ({measured}):", *names]
    (commit,) = found.commits
    lines = [f"first bad commit: {git_bisection.subject(plan.tree, commit)} ({measured})"]
    after, before = figures[commit], _before(plan, commit, figures)
    if before is None or after.cost is None or before.cost is None:
        return lines
    lines.append(
        f"{plan.case}: {before.cost:g} -> {after.cost:g} instructions"
        f" ({after.cost - before.cost:+g})"
    )
    lines += kernel_figure.differences(before, after)
    return lines


def _before(plan: BisectPlan, commit: str, figures: dict[str, Figure]) -> Figure | None:
    """The figure of the commit's parent; of a merge, of the first one that was measured."""
    return next(
        (
            figures[parent]
            for parent in git_bisection.parents(plan.tree, commit)
            if parent in figures and figures[parent].cost is not None
        ),
        None,
    )
