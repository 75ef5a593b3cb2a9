# SPDX-License-Identifier: Apache-2.0
"""A false machine for tests of tuning: a tree of files that behaves as the kernel's does.

What a setting changes beside itself, what the kernel refuses, and what it forgets are as in
drivers/cpufreq, kernel/cpu.c, kernel/irq and kernel/cgroup of Linux 6.1 to 6.12.
"""

import errno
import os
import shutil
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from lab.host.tuning import cpu_sets
from lab.host.tuning.machine import Machine
from lab.tests.support.machine import tree

CPUS = "sys/devices/system/cpu"
CGROUP = "sys/fs/cgroup"
PARTITION = f"{CGROUP}/kmapbench-measuring"
LATENCY = "dev/cpu_dma_latency"
DEFAULT_LATENCY = 2_000_000_000
BOOT = "0d4f1a52-6a2f-4e1c-9d3b-0a7c5a1b2c3d"

# Four cores of two threads: N and N+4. Somebody has taken CPU 6 offline.
PRESENT = range(8)
OFFLINE = 6
NO_SETAFFINITY = 0x04000000


def task(pid: int, cpus: str, flags: int = 0, comm: str = "a (b) c") -> dict[str, str]:
    """Files of a task with one thread."""
    folder = f"proc/{pid}/task/{pid}"
    words = ["S", "1", "1", "1", "0", "-1", str(flags), *["0"] * 12, str(pid * 10), "0"]
    return {
        f"{folder}/stat": f"{pid} ({comm}) {' '.join(words)}\n",
        f"{folder}/status": f"Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{cpus}\nMems:\t1\n",
        f"proc/{pid}/comm": f"{comm}\n",
    }


def _common() -> dict[str, str]:
    files = {
        "proc/sys/kernel/random/boot_id": BOOT,
        f"{CPUS}/online": "0-5,7",
        f"{CPUS}/isolated": "",
        f"{CPUS}/smt/control": "on",
        f"{CPUS}/smt/active": "1",
        "proc/sys/kernel/nmi_watchdog": "1",
        "proc/sys/kernel/numa_balancing": "1",
        "proc/irq/24/smp_affinity_list": "0-7",
        "proc/irq/25/smp_affinity_list": "7",
        "proc/irq/26/smp_affinity_list": "0",
        "sys/devices/virtual/workqueue/cpumask": "ff",
        f"{CGROUP}/cgroup.controllers": "cpuset cpu memory",
        f"{CGROUP}/cgroup.subtree_control": "cpu memory",
        f"{CGROUP}/cgroup.procs": "1",
        **task(100, "7"),  # bound to a CPU that SMT takes along
        **task(200, "0-7"),
        **task(300, "3", NO_SETAFFINITY),  # a thread of the kernel's
        **task(400, "1-2"),
    }
    for cpu in PRESENT:
        core = {cpu % 4, cpu % 4 + 4} - {OFFLINE}
        files[f"{CPUS}/cpu{cpu}/topology/thread_siblings_list"] = cpu_sets.format_list(core)
        if cpu:
            files[f"{CPUS}/cpu{cpu}/online"] = "0" if cpu == OFFLINE else "1"
    return files


def _policies(files: dict[str, str]) -> dict[str, str]:
    return {
        f"{CPUS}/cpufreq/policy{cpu}/{name}": text
        for cpu in PRESENT
        for name, text in ({"affected_cpus": str(cpu)} | files).items()
    }


INTEL = _common() | _policies(
    {
        "scaling_governor": "powersave",
        "energy_performance_preference": "balance_power",
        "scaling_min_freq": "800000",
        "scaling_max_freq": "2800000",
        "cpuinfo_max_freq": "3500000",
        "scaling_setspeed": "<unsupported>",
    }
)
INTEL |= {f"{CPUS}/intel_pstate/no_turbo": "0", f"{CPUS}/intel_pstate/min_perf_pct": "90"}

AMD = _common() | _policies(
    {
        "scaling_governor": "schedutil",
        "schedutil/rate_limit_us": "500",
        "scaling_min_freq": "1500000",
        "scaling_max_freq": "2800000",
        "cpuinfo_max_freq": "3500000",
        "boost": "1",
    }
)
AMD |= {f"{CPUS}/cpufreq/boost": "1", f"{CPUS}/cpufreq/policy2/boost": "0"}

FLAVOURS = {"intel": INTEL, "amd": AMD}


def make_tree(root: Path, files: dict[str, str]) -> Path:
    """A machine of these files."""
    tree(root, files)
    (root / "dev").mkdir()
    _set_latency(root, DEFAULT_LATENCY)
    return root


def snapshot(root: Path) -> dict[str, bytes]:
    """All files and folders."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"folder"
        for path in sorted(root.rglob("*"))
    }


def end_of_holder(root: Path) -> None:
    """What the kernel does when the process that holds a latency ends."""
    _set_latency(root, DEFAULT_LATENCY)


def _set_latency(root: Path, microseconds: int) -> None:
    (root / LATENCY).write_bytes(struct.pack("i", microseconds))


class FalseMachine(Machine):
    """The machine of a tree."""

    def __init__(
        self,
        root: Path,
        refused: dict[str, int] | None = None,
        ignored: dict[str, str | None] | None = None,
        change: Callable[[], AbstractContextManager[None]] = nullcontext,
    ):
        """refused: paths, and the errno that a write gives. ignored: paths that take a write and
        then have another value; None: the one that they had. change: what each change is made in,
        which the kernel makes whole or not at all.
        """
        super().__init__(root)
        self._refused = refused or {}
        self._ignored = ignored or {}
        self._change = change

    def allowed_cpus(self) -> frozenset[int]:
        return self._online()

    def read(self, path: str) -> str:
        self._refuse_offline(path)
        return super().read(path)

    def write(self, path: str, text: str) -> None:
        if path in self._refused:
            raise self._error(self._refused[path], path)
        self._refuse_offline(path)
        if path in self._ignored:
            text = self._ignored[path] or self.read(path)
        if not self.has(path):
            raise self._error(errno.ENOENT, path)
        with self._change():
            self._take(path, text)

    def make_folder(self, path: str) -> None:
        assert path == PARTITION
        files = {"cpuset.cpus": "", "cpuset.cpus.partition": "member", "cgroup.procs": ""}
        with self._change():
            tree(self.root, {f"{path}/{name}": text for name, text in files.items()})

    def remove_folder(self, path: str) -> None:
        if self.value(f"{path}/cgroup.procs"):
            raise self._error(errno.EBUSY, path)
        with self._change():
            self._forget_affinity(lambda cpus: True)
            shutil.rmtree(self.root / path)

    def set_affinity(self, task: int, cpus: frozenset[int]) -> None:
        (status,) = self.root.glob(f"proc/*/task/{task}/status")
        with self._change():
            _set_allowed(status, cpu_sets.format_list(cpus))

    def hold_latency(self, path: str, microseconds: str) -> None:
        with self._change():
            _set_latency(self.root, int(microseconds))

    def release(self, path: str) -> None:
        _set_latency(self.root, DEFAULT_LATENCY)

    def _put(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)

    def _error(self, number: int, path: str) -> OSError:
        return OSError(number, os.strerror(number), path)

    def _online(self) -> frozenset[int]:
        return cpu_sets.parse_list(super().read(f"{CPUS}/online"))

    def _refuse_offline(self, path: str) -> None:
        """A policy whose CPU is offline has no values."""
        if "/policy" in path:
            policy = path[: path.index("/", path.index("/policy") + 1)]
            if int(policy.rpartition("policy")[2]) not in self._online():
                raise self._error(errno.EBUSY, path)

    def _take(self, path: str, text: str) -> None:
        """Writes a value, and what the kernel changes with it."""
        name = path.rpartition("/")[2]
        effect = getattr(self, f"_on_{name.replace('.', '_')}", None)
        if effect is None or effect(path, text) is not False:
            self._put(path, text)

    def _on_control(self, path: str, text: str) -> None:
        active = text == "on"
        for cpu in PRESENT:
            if cpu >= 4:
                self._plug(cpu, active)
        self._put(f"{CPUS}/smt/active", str(int(active)))

    def _on_online(self, path: str, text: str) -> None:
        self._plug(int(path.split("/cpu")[-1].partition("/")[0]), text == "1")

    def _plug(self, cpu: int, online: bool) -> None:
        left = self._online() | {cpu} if online else self._online() - {cpu}
        self._put(f"{CPUS}/online", cpu_sets.format_list(left))
        self._put(f"{CPUS}/cpu{cpu}/online", str(int(online)))
        for irq in self.find("proc/irq/*/smp_affinity_list"):
            if not cpu_sets.parse_list(self.read(irq)) & left:
                self._put(irq, cpu_sets.format_list(left))
        self._forget_affinity(lambda cpus: not cpus & left)

    def _forget_affinity(self, is_lost: Callable[[frozenset[int]], bool]) -> None:
        for folder in self.find("proc/[0-9]*/task/*"):
            allowed = self.root / folder / "status"
            words = allowed.read_text().partition("Cpus_allowed_list:\t")[2].splitlines()[0]
            stat = self.read(f"{folder}/stat").rpartition(")")[2].split()
            if is_lost(cpu_sets.parse_list(words)) and not int(stat[6]) & NO_SETAFFINITY:
                _set_allowed(allowed, "0-7")

    def _on_scaling_governor(self, path: str, text: str) -> None:
        policy = path.rpartition("/")[0]
        if self.has(f"{policy}/energy_performance_preference") and text == "performance":
            self._put(f"{policy}/energy_performance_preference", "performance")
        if text == "schedutil" and not self.has(f"{policy}/schedutil"):
            tree(self.root, {f"{policy}/schedutil/rate_limit_us": "1000"})
        if text != "schedutil" and self.has(f"{policy}/schedutil"):
            shutil.rmtree(self.root / policy / "schedutil")

    def _on_energy_performance_preference(self, path: str, text: str) -> None:
        policy = path.rpartition("/")[0]
        if self.read(f"{policy}/scaling_governor") == "performance" and text != "performance":
            raise self._error(errno.EBUSY, path)

    def _on_no_turbo(self, path: str, text: str) -> None:
        least = f"{CPUS}/intel_pstate/min_perf_pct"
        if text == "1":
            self._put(least, str(min(70, int(self.read(least)))))

    def _on_boost(self, path: str, text: str) -> None:
        for policy in self.find(f"{CPUS}/cpufreq/policy*"):
            is_online = self.value(f"{policy}/scaling_max_freq") is not None
            if path == f"{CPUS}/cpufreq/boost" and is_online:
                self._put(f"{policy}/boost", text)
                self._put(f"{policy}/scaling_max_freq", "3500000" if text == "1" else "2200000")

    def _on_smp_affinity_list(self, path: str, text: str) -> None:
        if not cpu_sets.parse_list(text) & self._online():
            raise self._error(errno.EINVAL, path)

    def _on_cgroup_subtree_control(self, path: str, text: str) -> bool:
        words = self.read(path).split()
        name = text[1:]
        has = [word for word in words if word != name]
        self._put(path, " ".join([*has, name] if text[0] == "+" else has))
        return False

    def _on_cpuset_cpus_partition(self, path: str, text: str) -> None:
        if text == "isolated":
            self._forget_affinity(lambda cpus: True)  # as before Linux 6.2

    def _on_cgroup_procs(self, path: str, text: str) -> bool:
        members = f"{PARTITION}/cgroup.procs"
        if self.has(members):
            self._put(members, "")
        return False


def _set_allowed(status: Path, cpus: str) -> None:
    before, _, after = status.read_text().partition("Cpus_allowed_list:\t")
    status.write_text(f"{before}Cpus_allowed_list:\t{cpus}\n{after.partition(chr(10))[2]}")
