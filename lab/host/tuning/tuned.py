# SPDX-License-Identifier: Apache-2.0
"""This machine, tuned for as long as something is measured on it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.host.tuning import holder, journal, left_over
from lab.host.tuning.cpu_knobs import PARTITION
from lab.host.tuning.journal import STATE
from lab.host.tuning.machine import Machine
from lab.host.tuning.tuning_plan import Refusal, describe_refusals

# The program that makes the settings.
_HOLDER = "lab.host.tuning.holder"

# Moves itself into the cgroup $1, if that is named, and to the CPU $2, and becomes the rest.
_ON_CPU = """
[ -z "$1" ] || echo 0 >"$1" || exit 125
taskset --cpu-list --pid "$2" $$ >/dev/null || exit 125
shift 2
exec "$@"
"""


@dataclass
class Tuned:
    """What was set, and, after the end, what came of putting it back."""

    effects: dict[str, str]  # knobs in effect, in words
    said: list[str]  # a line for each thing that a user should know
    cpu: int | None  # the measuring CPU
    root: Path = Path("/")
    problems: list[str] = field(default_factory=list)  # what is not as it was
    back: int = 0  # settings that are as they were

    def wrapper(self) -> tuple[str, ...]:
        """The command that starts another one on the measuring CPU; it ends with 125 where it
        cannot.
        """
        if self.cpu is None:
            return ()
        members = self.root / PARTITION / "cgroup.procs"
        group = str(members) if members.exists() else ""
        return ("sh", "-c", _ON_CPU, "sh", group, str(self.cpu))


def check_can_tune(state: Path = STATE, uid: int | None = None) -> None:
    """A KmapbenchError where settings cannot be made, before anything is built."""
    if (os.geteuid() if uid is None else uid) != 0:
        raise KmapbenchError(
            "--tune changes settings of this machine, which takes root: sudo ./kmapbench run --here"
            " --tune, or leave out --tune"
        )
    if journal.is_at_work(state):
        with journal.locked(state):  # which says who it is
            pass
    journal.check_writable(state)


@contextmanager
def tuned(root: Path = Path("/"), state: Path = STATE, isolate: bool = True) -> Iterator[Tuned]:
    """The machine is tuned inside, and as it was afterwards: by a process that outlives this one
    (holder.py). What is not back is in `problems` after the end.

    isolate: whether one CPU is to measure, and all else to go elsewhere.
    """
    options = [] if isolate else [holder.NO_ISOLATION]
    process = subprocesses.start_undoer(_HOLDER, root, state, str(os.getpid()), *options)
    assert process.stdin is not None and process.stdout is not None  # pipes, as asked for
    made: Tuned | None = None
    try:
        made = _made(_parsed(process.stdout.readline()), root)
        yield made
    finally:
        process.stdin.close()
        last = process.stdout.read()
        process.stdout.close()
        if process.wait() != 0:  # it was killed, and cannot put anything back
            _put_back_instead(root, state, made)
        elif made:
            outcome = _parsed(last)
            made.back = outcome.get("back", 0)
            for name in ("error", "not_back", "changed"):
                made.problems += outcome.get(name, [])


def _parsed(line: bytes) -> dict:
    """What the holder says; nothing, where it was killed in the middle."""
    try:
        answer: dict = json.loads(line)
        return answer
    except ValueError:
        return {}


def _made(answer: dict, root: Path) -> Tuned:
    """The holder's answer; a KmapbenchError where it has made nothing."""
    if "error" in answer:
        raise KmapbenchError(*answer["error"])
    if not answer:
        raise KmapbenchError("the process that tunes this machine has ended: run again")
    refusals = [Refusal(**one) for one in answer["refusals"]]
    words = "; ".join(f"{name}: {effect}" for name, effect in answer["effects"].items())
    said = [*answer["said"], f"tuned for this run: {words or 'nothing'}"]
    said += describe_refusals(refusals)
    if answer["missing"]:
        said.append(f"not on this machine: {', '.join(answer['missing'])}")
    return Tuned(answer["effects"], said, answer["cpu"], root)


def _put_back_instead(root: Path, state: Path, made: Tuned | None) -> None:
    """Puts back what a holder that was killed has left."""
    restored = left_over.restore_left_over(Machine(root), state)
    if made:
        made.problems += [
            "the process that held the settings was killed, so that not all of them held to the"
            " end of the run",
            *restored.problems,
        ]
