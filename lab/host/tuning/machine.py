# SPDX-License-Identifier: Apache-2.0
"""A machine as tuning reads and writes it: files below a root, and the affinity of tasks.

All that touches a setting goes through here, so that tests can have machines of their own.
"""

import os
import re
import struct
from pathlib import Path

_BOOT_ID = "proc/sys/kernel/random/boot_id"
_LATENCY = struct.Struct("i")  # what /dev/cpu_dma_latency reads and takes, in microseconds


class Machine:
    """Paths are relative to the root. Each method raises the OSError of what it does."""

    def __init__(self, root: Path = Path("/")):
        self.root = root
        self._held: dict[str, int] = {}

    def read(self, path: str) -> str:
        """What a file says, without the end of its line."""
        return (self.root / path).read_text(errors="replace").strip()

    def write(self, path: str, text: str) -> None:
        """Writes a value in one call, as sysfs takes it."""
        fd = os.open(self.root / path, os.O_WRONLY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def value(self, path: str) -> str | None:
        """What a file says; None: there is none, or it cannot be read."""
        try:
            return self.read(path)
        except OSError:
            return None

    def has(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return (self.root / path).exists()

    def find(self, pattern: str) -> list[str]:
        """Paths that match a glob, numbers in them in their order."""
        found = [str(path.relative_to(self.root)) for path in self.root.glob(pattern)]
        return sorted(found, key=_natural)

    def make_folder(self, path: str) -> None:
        """Makes a folder, which may be there already."""
        (self.root / path).mkdir(exist_ok=True)

    def remove_folder(self, path: str) -> None:
        """Removes a folder without folders in it; of a cgroup, with its files."""
        (self.root / path).rmdir()

    def boot_id(self) -> str:
        """Names the boot that the machine is in."""
        return self.read(_BOOT_ID)

    def allowed_cpus(self) -> frozenset[int]:
        """The CPUs that this process may run on."""
        return frozenset(os.sched_getaffinity(0))

    def set_affinity(self, task: int, cpus: frozenset[int]) -> None:
        """Lets a task run on some CPUs only."""
        os.sched_setaffinity(task, cpus)

    def latency(self, path: str) -> str:
        """The longest wake-up that is allowed now, in microseconds."""
        return str(_LATENCY.unpack((self.root / path).read_bytes()[: _LATENCY.size])[0])

    def hold_latency(self, path: str, microseconds: str) -> None:
        """Allows no longer wake-up, as long as this process lives or until release()."""
        fd = os.open(self.root / path, os.O_RDWR | os.O_CLOEXEC)
        self._held[path] = fd
        os.write(fd, _LATENCY.pack(int(microseconds)))

    def release(self, path: str) -> None:
        """Ends hold_latency()."""
        if path in self._held:
            os.close(self._held.pop(path))


def _natural(path: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]


def process_start(pid: int) -> str | None:
    """When a process of this machine began, in clock ticks since boot; None: there is none. With it
    a process is told from a later one of the same number.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return started(stat)


def started(stat: str) -> str:
    """The same, from the text of a stat file."""
    return stat.rpartition(")")[2].split()[19]


def flags(stat: str) -> int:
    """Flags of a task (PF_* of linux/sched.h), from the text of its stat file."""
    return int(stat.rpartition(")")[2].split()[6])
