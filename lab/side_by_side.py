# SPDX-License-Identifier: Apache-2.0
"""Boots of the lab, several at once: begun in the order of the plan, each ended when its guest is gone."""

import os
import selectors
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import guest
from lab.lab_boot import LabBoot
from lab.variants import Variant

# Of a guest's memory, what QEMU takes beside it.
_QEMU_MIB = 256


def places(variants: Sequence[Variant], meminfo: Path = Path("/proc/meminfo")) -> int:
    """How many guests this machine can run at once: one a CPU, as far as its memory reaches.

    Their clock counts instructions, so that a guest does not notice its neighbour.
    """
    largest = max((variant.memory_mib for variant in variants), default=0) + _QEMU_MIB
    available_kib = next(int(line.split()[1]) for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:"))
    return max(1, min(len(os.sched_getaffinity(0)), available_kib // 1024 // largest))


def boot_all(begin: Sequence[Callable[[], LabBoot]], at_once: int) -> list[str]:
    """What went wrong, a line each. begin: starts a boot; called in this order."""
    waiting = list(reversed(begin))
    problems = []
    with selectors.DefaultSelector() as selector:

        def running() -> list[LabBoot]:
            return [key.data for key in selector.get_map().values()]

        try:
            while waiting or running():
                while waiting and len(running()) < at_once:
                    boot = waiting.pop()()
                    selector.register(boot.guest, selectors.EVENT_READ, boot)
                gone = [key.data for key, _ in selector.select(guest.POLL_SECONDS) if not key.data.guest.read()]
                for boot in gone:
                    selector.unregister(boot.guest)
                    if problem := boot.end():
                        problems.append(problem)
                for boot in running():
                    boot.guest.end_if_hung()
        except BaseException:
            for boot in running():
                boot.interrupt()
            raise
    return problems
