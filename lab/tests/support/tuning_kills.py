# SPDX-License-Identifier: Apache-2.0
"""Tuning of a false machine in a process of its own, which is killed at a step, or at a moment."""

import fcntl
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from lab.host.tuning import holder, left_over
from lab.tests.support.false_machine import FalseMachine, end_of_holder

_FSYNC = os.fsync

# What changes something on the disk. A killed process loses nothing that was not synced.
_DISK = (
    (os, "fsync"),
    (Path, "mkdir"),
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "rmdir"),
)


class Steps:
    """Counts steps, and kills the process at one of them."""

    def __init__(self, last: int):
        self._last = last
        self._count = 0

    def step(self) -> None:
        """One more."""
        if self._count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1

    @contextmanager
    def change(self) -> Iterator[None]:
        """A step before, and one after what is done inside."""
        self.step()
        yield
        self.step()


def _count_disk(steps: Steps, state: Path) -> None:
    for owner, name in _DISK:
        setattr(owner, name, _counted(getattr(owner, name), steps, state))


def _counted(function: Callable, steps: Steps, state: Path) -> Callable:
    def counted(*arguments, **words):
        if isinstance(arguments[0], Path) and not arguments[0].is_relative_to(state):
            return function(*arguments, **words)  # a change of the machine is a step already
        steps.step()
        result = None if function is _FSYNC else function(*arguments, **words)
        steps.step()
        return result

    return counted


def _in_child(work: Callable[[], None]) -> int:
    """Its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        sys.stdout = open(os.devnull, "w")
        work()
        os._exit(0)
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
    finally:
        os._exit(1)


def _is_killed(pid: int) -> bool:
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _hold(
    root: Path,
    state: Path,
    change: Callable[[], AbstractContextManager[None]],
    wait: Callable[[], None] = lambda: None,
) -> None:
    holder._wait = wait
    holder.hold(FalseMachine(root, change=change), state, os.getpid(), isolate=True)


def killed_at(last: int, root: Path, state: Path) -> bool:
    """Tunes and puts back, and is killed at a step; whether there was such a step."""

    def work() -> None:
        steps = Steps(last)
        _count_disk(steps, state)
        _hold(root, state, steps.change)

    pid = _in_child(work)
    killed = _is_killed(pid)
    end_of_holder(root)
    return killed


def restoration_killed_at(last: int, root: Path, state: Path) -> bool:
    """The same of a next start."""

    def work() -> None:
        steps = Steps(last)
        _count_disk(steps, state)
        left_over.restore_left_over(FalseMachine(root, change=steps.change), state)

    return _is_killed(_in_child(work))


def killed_after(seconds: float, root: Path, state: Path) -> bool:
    """Tunes and puts back, and is killed at a moment; whether it had not ended. A change of the
    machine is not cut in two, nor would the kernel do that.
    """
    lock = root.with_name("lock")
    lock.touch()

    @contextmanager
    def change() -> Iterator[None]:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    pid = _in_child(lambda: _hold(root, state, change))
    time.sleep(seconds)
    with change():
        os.kill(pid, signal.SIGKILL)
        killed = _is_killed(pid)
    end_of_holder(root)
    return killed


def kill_in_the_middle(root: Path, state: Path) -> None:
    """Tunes, and is killed when all settings are made."""

    def work() -> None:
        _hold(root, state, nullcontext, lambda: os.kill(os.getpid(), signal.SIGKILL))

    assert _is_killed(_in_child(work))
    end_of_holder(root)


def whole_seconds(root: Path, state: Path) -> float:
    """How long it takes if nobody kills it."""
    begun = time.monotonic()
    assert not _is_killed(_in_child(lambda: _hold(root, state, nullcontext)))
    return time.monotonic() - begun


def moments(count: int, seed: int, seconds: float) -> list[float]:
    """Random moments within so many seconds."""
    chooser = random.Random(seed)
    return [chooser.uniform(0, seconds) for _ in range(count)]
