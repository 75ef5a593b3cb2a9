# SPDX-License-Identifier: Apache-2.0
"""The settings of this machine around a run: put back what an earlier one left, tuned with --tune.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.core.progress import Display
from lab.host.bench_program import Place
from lab.host.tuning import left_over
from lab.host.tuning.journal import STATE, is_at_work
from lab.host.tuning.machine import Machine
from lab.host.tuning.tuned import Tuned, tuned
from lab.run.targets import Context


def restore_first(display: Display, machine: Machine | None = None, state: Path = STATE) -> None:
    """Puts back what a run with --tune has left that was killed, and says so. Settings that a run
    holds which is still there are its own business.
    """
    if not left_over.is_left(state):
        return
    if os.geteuid() != 0:
        display.note(f"{left_over.NOTICE}: {left_over.RESTORE}")
        return
    if is_at_work(state):
        return
    restored = left_over.restore_left_over(machine, state)
    for line in restored.said + restored.problems:
        display.note(line)


@contextmanager
def tuned_for(context: Context) -> Iterator[list[str]]:
    """The machine is tuned inside, if the plan says so. Gives a list of problems, a line each, that
    is complete after the end.
    """
    if not context.plan.tune:
        yield []
        return
    with tuned_place(context.place, context.display, context.plan.only != "dax") as problems:
        yield problems


@contextmanager
def tuned_place(place: Place, display: Display, isolate: bool) -> Iterator[list[str]]:
    """The machine is tuned inside, and the place has the CPU that measures. Gives a list of
    problems as tuned_for().
    """
    problems: list[str] = []
    made: Tuned | None = None
    try:
        with tuned(isolate=isolate) as made:
            for line in made.said:
                display.note(line)
            place.wrapper = made.wrapper()
            place.described = {"tuned": made.effects}
            place.cpus = None if made.cpu is None else [made.cpu]
            yield problems
    except BaseException:
        for line in _problems(made):
            display.note(line)
        raise
    problems += _problems(made)
    if made and not problems:
        display.note(f"all {made.back} settings are as they were before the run")


def _problems(made: Tuned | None) -> list[str]:
    return [f"after the run: {line}" for line in (made.problems if made else [])]
