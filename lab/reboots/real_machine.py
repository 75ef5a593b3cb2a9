# SPDX-License-Identifier: Apache-2.0
"""The machine that is measured: what it says of its boot, and how it is started again."""

from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses


@dataclass(frozen=True)
class RealMachine:
    """What procfs below a root folder says. Its programs are those on the PATH."""

    root: Path = Path("/")

    def boot_id(self) -> str:
        """Another one in each boot."""
        return self._value("proc/sys/kernel/random/boot_id")

    def release(self) -> str:
        """Of the running kernel."""
        return self._value("proc/sys/kernel/osrelease")

    def command_line(self) -> str:
        """Of the running kernel."""
        return self._value("proc/cmdline")

    def seconds_up(self) -> float:
        """Since the kernel started."""
        return float(self._value("proc/uptime").split()[0])

    def busy_share(self, before: list[int] | None) -> tuple[float, list[int]]:
        """Which share of all CPUs' time was spent working since an earlier call; and what to give
        the next call. Without an earlier one: since the boot.
        """
        now = [int(word) for word in self._value("proc/stat").splitlines()[0].split()[1:9]]
        spent = [late - early for late, early in zip(now, before or [0] * len(now))]
        idle = spent[3] + spent[4]
        return 1 - idle / max(1, sum(spent)), now

    def start_again(self, with_kexec: bool = False) -> None:
        """Asks systemd for a reboot; returns before it happens. A KmapbenchError where it cannot.

        with_kexec: into the kernel that kexec has loaded.
        """
        subprocesses.output(["systemctl", "kexec" if with_kexec else "reboot"])

    def _value(self, name: str) -> str:
        return (self.root / name).read_text(errors="replace").strip()


def mount_of(folder: Path, root: Path) -> tuple[str, str]:
    """File system and device that a folder is on, by the longest mount point above it; empty where
    none is told. A folder below the root is named as the machine itself does.
    """
    where = Path("/") / folder.relative_to(root) if folder.is_relative_to(root) else folder
    best: tuple[str, str, str] = ("", "", "")
    for line in (subprocesses.value(root / "proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4]
        if where.is_relative_to(point) and len(point) >= len(best[0]):
            kind, device = after.split()[:2]
            best = (point, kind, device)
    return best[1], best[2]
