# SPDX-License-Identifier: Apache-2.0
"""What starts another kernel once: GRUB, systemd-boot or kexec.

Each boots a kernel for one boot only, so that the machine comes back by itself on the kernel that
it started with, and adds parameters to that kernel's own command line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lab.core.errors import KmapbenchError
from lab.reboots.grub import Grub
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.kexec import Kexec
from lab.reboots.real_machine import RealMachine
from lab.reboots.systemd_boot import SystemdBoot

# A panic is reset after so many seconds, in which the console can be read.
PANIC_SECONDS = 20
# On each measured kernel's command line: the machine restarts by itself after a panic, and the boot
# is known as one of a campaign.
ADDED = f"panic={PANIC_SECONDS} kmapbench_campaign=1"

KINDS = ("grub", "systemd-boot", "kexec")


class Loader(Protocol):
    """A way to start a kernel once. Its files are below the machine's root."""

    name: str
    with_kexec: bool  # whether the reboot is one by kexec

    def problems(self) -> list[str]:
        """Why it cannot be used here, a line each. Changes nothing."""

    def describe(self) -> list[str]:
        """What it writes where, and what happens after a crash, a line each."""

    def install(self) -> None:
        """Writes its entries. May be called again."""

    def choose(self, name: str | None) -> None:
        """Makes the next boot that of a kernel, once. None: that of the first kernel."""

    def remove(self) -> None:
        """Takes back what install() and choose() wrote. May be called again."""


def loader(
    kind: str | None,
    kernels: Sequence[InstalledKernel],
    first: str,
    machine: RealMachine,
) -> Loader:
    """The loader of a name; None: the one that this machine has. A KmapbenchError where it has
    none.

    first: release of the kernel that the machine comes back to.
    """
    chosen = kind or find(machine.root)
    if chosen == "grub":
        return Grub(machine.root, kernels, first, ADDED)
    if chosen == "systemd-boot":
        return SystemdBoot(machine.root, kernels, first, ADDED)
    if chosen == "kexec":
        return Kexec(machine, kernels, first, ADDED)
    raise KmapbenchError(
        "neither GRUB (grub.cfg) nor systemd-boot (loader/entries) is found in /boot or /efi:"
        " give --loader kexec, which starts kernels without either"
    )


def find(root: Path) -> str | None:
    """The loader that this machine has."""
    if SystemdBoot.folder(root):
        return "systemd-boot"
    return "grub" if Grub.folder(root) else None
