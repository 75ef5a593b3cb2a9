# SPDX-License-Identifier: Apache-2.0
"""kexec: the running kernel starts the next one, without firmware and boot loader."""

from collections.abc import Sequence

from lab.core import subprocesses
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.real_machine import RealMachine

# What only the boot that it was given to has a use for.
_OF_THE_LOADER = ("BOOT_IMAGE=", "initrd=")


class Kexec:
    """lab/reboots/boot_loader.py: Loader."""

    name = "kexec"
    with_kexec = True

    def __init__(
        self, machine: RealMachine, kernels: Sequence[InstalledKernel], first: str, added: str
    ):
        self._machine, self._kernels, self._first = machine, kernels, first
        self._added = added.split()

    def problems(self) -> list[str]:
        if subprocesses.has("kexec"):
            return []
        return ["kexec is missing: install the package kexec-tools"]

    def describe(self) -> list[str]:
        return [
            f"kexec: nothing is written; each kernel gets: {self._command_line(True)}",
            "  after a panic the firmware starts the default entry of the boot loader",
        ]

    def install(self) -> None:
        """Nothing to do: a kernel is loaded when it is chosen."""

    def choose(self, name: str | None) -> None:
        release = next((one.release for one in self._kernels if one.name == name), self._first)
        image = self._machine.root / f"boot/vmlinuz-{release}"
        words = ["kexec", "-a", "-l", str(image)]
        for initrd in (f"initrd.img-{release}", f"initramfs-{release}.img"):
            if (self._machine.root / "boot" / initrd).is_file():
                words.append(f"--initrd={self._machine.root / 'boot' / initrd}")
        words.append(f"--command-line={self._command_line(name is not None)}")
        subprocesses.output(words)

    def remove(self) -> None:
        """Nothing to do: what was loaded is gone with the boot."""

    def _command_line(self, is_measured: bool) -> str:
        """The running kernel's own, without what an earlier boot of a campaign added."""
        own = [
            word
            for word in self._machine.command_line().split()
            if word not in self._added and not word.startswith(_OF_THE_LOADER)
        ]
        return " ".join([*own, *(self._added if is_measured else [])])
