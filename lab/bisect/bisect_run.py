# SPDX-License-Identifier: Apache-2.0
"""`kmapbench bisect`: searches for a commit, or walks along a series, and says what it was."""

import shlex
from collections.abc import Callable
from functools import partial

from formats import exit_codes
from lab.bisect import bisect_plan, commit_figure, kernel_figure, series_walk
from lab.bisect.bisect_plan import BisectPlan, SeriesPlan
from lab.bisect.commit_search import CommitSearch, Measure
from lab.bisect.static_source import StaticSource
from lab.core import signals
from lab.core.errors import Interrupted


def run(
    plan: BisectPlan | SeriesPlan,
    measure: Measure | None = None,
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
            return search(plan, measure or partial(commit_figure.measure, source=source), say)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"ended by {signals.cause(error)}; what was measured is kept, and {go_on} goes on",
            signals.exit_code(error),
        ) from None


def search(plan: BisectPlan, measure: Measure, say: Callable[[str], None]) -> int:
    """Searches, says what it was, and returns the exit code."""
    is_found, lines = CommitSearch(plan, measure, say).run()
    (plan.folder / "result.txt").write_text("\n".join(lines) + "\n")
    for line in lines:
        say(line)
    return exit_codes.OK if is_found else exit_codes.FAILED
