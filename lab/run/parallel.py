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
from lab.core.errors import KmapbenchError
from lab.kernels.variants import Variant
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
    at_once: int,
    say: Callable[[str], None],
) -> list[str]:
    """What went wrong, a line for each step. begin: starts a step's boot; called in their order.

    A boot that crashed is made once again at the next free place.
    """
    waiting = deque(steps)
    problems: dict[Step, str] = {}
    with selectors.DefaultSelector() as selector:

        def running() -> list[LabBoot]:
            return [key.data[1] for key in selector.get_map().values()]

        try:
            while waiting or running():
                while waiting and len(running()) < at_once:
                    step = waiting.popleft()
                    boot = begin(step)
                    selector.register(boot.guest, selectors.EVENT_READ, (step, boot))
                for step, boot in _gone(selector):
                    selector.unregister(boot.guest)
                    crash = boot.end()
                    if crash and step not in problems:
                        say(f"{boot.name}: {crash}; it is made again")
                        waiting.appendleft(step)
                    if problem := _problem(boot, crash, again=step in problems):
                        problems[step] = problem
                for boot in running():
                    boot.guest.end_if_hung()
        except BaseException as error:
            _interrupt(running(), error)
            raise
    return list(problems.values())


def _gone(selector: selectors.BaseSelector) -> list[tuple[Step, LabBoot]]:
    """Boots whose guest has ended, after a moment of waiting for one."""
    ready = selector.select(qemu.POLL_SECONDS)
    return [key.data for key, _ in ready if not key.data[1].guest.read()]


def _problem(boot: LabBoot, crash: str | None, again: bool) -> str | None:
    """What went wrong in a boot that has ended, in one line. again: it crashed once before."""
    if crash and again:
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
            boot.interrupt("Ctrl-C" if isinstance(error, KeyboardInterrupt) else str(error))
