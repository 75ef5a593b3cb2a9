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
                gone = [
                    key.data
                    for key, _ in selector.select(qemu.POLL_SECONDS)
                    if not key.data[1].guest.read()
                ]
                for step, boot in gone:
                    selector.unregister(boot.guest)
                    crash = boot.end()
                    if crash and step not in problems:
                        say(f"{boot.name}: {crash}; it is made again")
                        problems[step] = (
                            f"{boot.name}: {crash}; made again, the first try is in"
                            f" {boot.set_aside}"
                        )
                        waiting.appendleft(step)
                    elif crash:
                        problems[step] = f"{boot.name}: crashed twice: {crash}; see {boot.console}"
                    elif boot.failed_oracles:
                        problems[
                            step
                        ] = f"{boot.name}: the oracle failed for {', '.join(boot.failed_oracles)}"
                    elif boot.failed_control:
                        problems[step] = f"{boot.name}: {boot.failed_control}"
                for boot in running():
                    boot.guest.end_if_hung()
        except BaseException as error:
            for boot in running():
                with suppress(
                    KmapbenchError, OSError
                ):  # as of a full disk: what ended us says it already
                    boot.interrupt("Ctrl-C" if isinstance(error, KeyboardInterrupt) else str(error))
            raise
    return list(problems.values())
