# SPDX-License-Identifier: Apache-2.0
"""Boots of the lab, several at once: begun in the order of the plan, each ended when its guest is
gone.
"""

from __future__ import annotations

import os
import selectors
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.campaign.schedule import Step
from lab.core import signals
from lab.core.errors import KmapbenchError
from lab.kernels.variant import Variant
from lab.vm import qemu

if TYPE_CHECKING:  # it needs rich, which places() can do without
    from lab.run.guest_boot import LabBoot

# Of a guest's memory, what QEMU takes beside it.
_QEMU_MIB = 256


def places(variants: Sequence[Variant], meminfo: Path = Path("/proc/meminfo")) -> int:
    """How many guests this machine can run at once: one a CPU, as far as its memory reaches.

    Their clock counts instructions, so that a guest does not notice its neighbour.
    """
    largest = max((variant.memory_mib for variant in variants), default=0) + _QEMU_MIB
    available_kib = next(
        int(line.split()[1])
        for line in meminfo.read_text().splitlines()
        if line.startswith("MemAvailable:")
    )
    return max(1, min(len(os.sched_getaffinity(0)), available_kib // 1024 // largest))


def boot_all(
    steps: Sequence[Step],
    begin: Callable[[Step], LabBoot],
    again: Callable[[Sequence[Step]], list[Step]] | None,
    at_once: int,
    say: Callable[[str], None],
) -> list[str]:
    """What went wrong, a line for each step. begin: starts a step's boot; called in their order.

    A round of which a boot crashed is made once again whole, as soon as its other boots have ended:
    the boots of a pair have to stand next to each other, and whether a boot is lost may depend on
    the order. again: the steps of a round once more, in a new order; None: somebody else sees to
    that.
    """
    rounds = _Rounds(steps, again or (lambda _: []))
    problems: dict[tuple[str, int], str] = {}
    with selectors.DefaultSelector() as selector:

        def running() -> list[LabBoot]:
            return [key.data[1] for key in selector.get_map().values()]

        try:
            while rounds.waiting or running():
                while rounds.waiting and len(running()) < at_once:
                    step = rounds.waiting.popleft()
                    boot = begin(step)
                    selector.register(boot.guest, selectors.EVENT_READ, (step, boot))
                for step, boot in _gone(selector):
                    selector.unregister(boot.guest)
                    crash = boot.end()
                    if crash and again and rounds.repeat(step):
                        say(f"{boot.name}: {crash}; its round is made again")
                    key = step.variant, step.boot
                    if problem := _problem(boot, crash, bool(again), key in problems):
                        problems[key] = problem
                    of_rounds = [key.data[0] for key in selector.get_map().values()]
                    rounds.go_on(of_rounds)
                for boot in running():
                    boot.guest.end_if_hung()
        except BaseException as error:
            _interrupt(running(), error)
            raise
    return list(problems.values())


class _Rounds:
    """Steps that wait for a place, and rounds that are made again."""

    def __init__(self, steps: Sequence[Step], again: Callable[[Sequence[Step]], list[Step]]):
        self.waiting = deque(steps)
        self._again = again
        self._steps: dict[object, list[Step]] = {}
        for step in steps:
            self._steps.setdefault(_round(step), []).append(step)
        self._lost: list[object] = []  # rounds that are to be made again
        self._repeated: set[object] = set()

    def repeat(self, step: Step) -> bool:
        """Has a step's round made again; whether that is still to come."""
        name = _round(step)
        if name in self._repeated:
            return False
        self._repeated.add(name)
        self._lost.append(name)
        self.waiting = deque(other for other in self.waiting if _round(other) != name)
        return True

    def go_on(self, running: Sequence[Step]) -> None:
        """Puts lost rounds first of which no boot is running any more."""
        busy = {_round(step) for step in running}
        for name in [name for name in self._lost if name not in busy]:
            self._lost.remove(name)
            self.waiting.extendleft(reversed(self._again(self._steps[name])))


def _round(step: Step) -> object:
    """What is made again together."""
    return (step.variant, step.boot) if step.round is None else step.round


def _gone(selector: selectors.BaseSelector) -> list[tuple[Step, LabBoot]]:
    """Boots whose guest has ended, after a moment of waiting for one."""
    ready = selector.select(qemu.POLL_SECONDS)
    return [key.data for key, _ in ready if not key.data[1].guest.read()]


def _problem(boot: LabBoot, crash: str | None, is_repeated: bool, is_second: bool) -> str | None:
    """What went wrong in a boot that has ended, in one line. is_repeated: whether crashed boots
    are; is_second: it crashed once before.
    """
    if crash and not is_repeated:
        return f"{boot.name}: {crash}"
    if crash and is_second:
        return f"{boot.name}: crashed twice: {crash}; see {boot.console}"
    if crash:
        return f"{boot.name}: {crash}; made again, the first try is in {boot.set_aside}"
    if boot.failed_oracles:
        return f"{boot.name}: the oracle failed for {', '.join(boot.failed_oracles)}"
    if boot.failed_control:
        return f"{boot.name}: {boot.failed_control}"
    return None


def _interrupt(boots: Sequence[LabBoot], error: BaseException) -> None:
    for boot in boots:
        # As of a full disk: what ended us says it already.
        with suppress(KmapbenchError, OSError):
            boot.interrupt(signals.cause(error))
