# SPDX-License-Identifier: Apache-2.0
"""Boots of the lab, several at once: begun in the order of the plan, each ended when its guest is gone."""

import selectors
from collections.abc import Callable, Sequence

from lab import guest
from lab.lab_boot import LabBoot


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
