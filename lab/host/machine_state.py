# SPDX-License-Identifier: Apache-2.0
"""The state of a machine as sysfs, procfs and its MSRs tell it, for formats/conditions.py to judge.

Everything is read below a root, so that tests have machines of their own. Nothing is changed.
"""

import os
import re
import resource
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.core import subprocesses

ROOT = Path("/")
_CPUS = "sys/devices/system/cpu"
_MSR_SMI_COUNT = 0x34
_CPU_OUT_OF_SPEC = 1 << 2  # of kernel/tainted: also what a late load of microcode sets
# Who makes virtual machines, as firmware names them. Clouds also name themselves so on bare metal.
_VIRTUAL_FIRMWARE = re.compile(
    r"QEMU|KVM|OpenStack|KubeVirt|VMware|VMW|innotek GmbH|VirtualBox|Xen|Bochs|Parallels|BHYVE"
    r"|Virtual Machine|HVM domU|RHEV|oVirt|Apple Virtualization"
)
_FIRMWARE = ("product_name", "sys_vendor", "board_vendor", "bios_vendor")


def read_machine(root: Path = ROOT, cpus: Sequence[int] | None = None) -> dict[str, Any]:
    """What does not change by itself. cpus: those that may be measured on; None: all that this
    process may run on.
    """
    chosen = sorted(os.sched_getaffinity(0)) if cpus is None else list(cpus)
    folder = root / _CPUS
    return {
        "cpus": chosen,
        "virtual": _signs_of_virtual(root),
        "governors": _different(folder.glob("cpu[0-9]*/cpufreq/scaling_governor")),
        "no_turbo": subprocesses.value(folder / "intel_pstate/no_turbo"),
        "boost": subprocesses.value(folder / "cpufreq/boost"),
        "idle": _idle_states(folder, chosen),
        "smt_active": subprocesses.value(folder / "smt/active"),
        "siblings": _siblings(folder, chosen),
        "isolated": _isolated(root),
        "microcode": _microcode(root),
        "out_of_spec": _is_out_of_spec(root),
    }


def _different(paths: Iterable[Path]) -> list[str]:
    return sorted({text for path in paths if (text := subprocesses.value(path))})


def _signs_of_virtual(root: Path) -> list[str] | None:
    """Why this is no bare machine, as systemd-detect-virt finds it; None: nothing can be read."""
    cpuinfo = subprocesses.value(root / "proc/cpuinfo")
    if not cpuinfo:
        return None
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    signs = ["CPUID has the hypervisor bit"] if flags and "hypervisor" in flags[1].split() else []
    for name in _FIRMWARE:
        said = subprocesses.value(root / "sys/class/dmi/id" / name) or ""
        if found := _VIRTUAL_FIRMWARE.search(said):
            signs.append(f"firmware says {found[0]}")
            break
    if hypervisor := subprocesses.value(root / "sys/hypervisor/type"):
        signs.append(f"the kernel runs on {hypervisor}")
    return signs


def _idle_states(folder: Path, cpus: Sequence[int]) -> list[dict[str, Any]] | None:
    """Idle states that the chosen CPUs may enter, by name the longest exit; None: not told."""
    if not (folder / "cpuidle").is_dir():
        return None
    limit = _latency_limit(folder.parents[3] / "dev/cpu_dma_latency")
    found: dict[str, int] = {}
    for path in (path for cpu in cpus for path in folder.glob(f"cpu{cpu}/cpuidle/state[0-9]*")):
        name, exit_us = (subprocesses.value(path / one) for one in ("name", "latency"))
        if not name or not exit_us or subprocesses.value(path / "disable") == "1":
            continue
        if int(exit_us) <= limit:
            found[name] = max(int(exit_us), found.get(name, 0))
    return [{"name": name, "exit_us": exit_us} for name, exit_us in found.items()]


def _latency_limit(path: Path) -> float:
    """The longest exit of an idle state that programs ask for, in us, as `--tune` does."""
    try:
        with path.open("rb") as file:
            raw = file.read(4)
        limit = struct.unpack("i", raw)[0]
    except (OSError, struct.error):
        return float("inf")
    return float(limit) if limit >= 0 else float("inf")


def _siblings(folder: Path, cpus: Sequence[int]) -> dict[str, list[int]] | None:
    """CPUs that share a core with a chosen one, by that; None: not told."""
    found: dict[str, list[int]] = {}
    for cpu in cpus:
        text = subprocesses.value(folder / f"cpu{cpu}/topology/thread_siblings_list")
        if text is None:
            return None
        if others := [one for one in cpu_list(text) if one != cpu]:
            found[str(cpu)] = others
    return found


def _isolated(root: Path) -> list[int] | None:
    """CPUs that the scheduler leaves alone, by isolcpus= or an isolated partition of cgroups."""
    texts = [
        subprocesses.value(root / _CPUS / "isolated"),
        subprocesses.value(root / "sys/fs/cgroup/cpuset.cpus.isolated"),
    ]
    if texts == [None, None]:
        return None
    return sorted({cpu for text in texts if text for cpu in cpu_list(text)})


def _microcode(root: Path) -> list[str]:
    revisions = _different((root / _CPUS).glob("cpu[0-9]*/microcode/version"))
    if revisions:
        return revisions
    cpuinfo = subprocesses.value(root / "proc/cpuinfo") or ""
    return sorted(set(re.findall(r"^microcode\s*:\s*(\S+)", cpuinfo, re.MULTILINE)))


def _is_out_of_spec(root: Path) -> bool | None:
    tainted = subprocesses.value(root / "proc/sys/kernel/tainted")
    return None if tainted is None else bool(int(tainted) & _CPU_OUT_OF_SPEC)


def cpu_list(text: str) -> list[int]:
    """Numbers of CPUs as sysfs lists them: 0-2,5."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal():
            found += range(int(first), int(last or first) + 1)
    return found


def read_counters(root: Path, cpu: int) -> dict[str, Any]:
    """What counts up, or changes by itself, at this moment."""
    return {
        "smi": _smi_count(root, cpu),
        "throttled": _throttle_count(root),
        "temperature_c": _temperature(root),
    }


def _smi_count(root: Path, cpu: int) -> int | None:
    """Since the machine was switched on, by the MSR; None: it cannot be read, or there is none."""
    cpuinfo = subprocesses.value(root / "proc/cpuinfo") or ""
    if "GenuineIntel" not in cpuinfo:
        return None
    try:
        with (root / f"dev/cpu/{cpu}/msr").open("rb") as file:
            raw = os.pread(file.fileno(), 8, _MSR_SMI_COUNT)
    except OSError:
        return None
    return int(struct.unpack("<Q", raw)[0]) if len(raw) == 8 else None


def _throttle_count(root: Path) -> int | None:
    """How often cores and packages were too hot, all together; None: not counted here."""
    texts = [
        subprocesses.value(path)
        for path in (root / _CPUS).glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
    ]
    counts = [int(text) for text in texts if text and text.isdecimal()]
    return sum(counts) if counts else None


def _temperature(root: Path) -> float | None:
    """Of the hottest sensor in the CPU, in degrees Celsius; None: there is none."""
    found = []
    for folder in (root / "sys/class/hwmon").glob("hwmon*"):
        if subprocesses.value(folder / "name") in ("coretemp", "k10temp", "zenpower"):
            texts = [subprocesses.value(path) for path in folder.glob("temp*_input")]
            found += [int(text) / 1000 for text in texts if text]
    return max(found, default=None)


@dataclass(frozen=True)
class Moment:
    """CPU time until now, in seconds."""

    clock: float
    busy: float | None  # of all CPUs, whoever it was for; None: not told
    stolen: float | None  # by a hypervisor
    own: float  # of this process and of those that it has waited for
    timer: int | None  # interrupts of the local timer, on the first chosen CPU


def moment(root: Path, cpu: int) -> Moment:
    """This moment, below root."""
    ticks = float(os.sysconf("SC_CLK_TCK"))
    first = (subprocesses.value(root / "proc/stat") or "").partition("\n")[0].split()
    busy = stolen = None
    if len(first) > 8 and first[0] == "cpu":
        user, nice, system, _, _, irq, softirq, steal = (int(one) / ticks for one in first[1:9])
        busy, stolen = user + nice + system + irq + softirq, steal
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(one.ru_utime + one.ru_stime for one in usage)
    return Moment(time.monotonic(), busy, stolen, own, _timer_interrupts(root, cpu))


def _timer_interrupts(root: Path, cpu: int) -> int | None:
    lines = (subprocesses.value(root / "proc/interrupts") or "").splitlines()
    names = lines[0].split() if lines else []
    for words in map(str.split, lines):
        if words[:1] == ["LOC:"] and f"CPU{cpu}" in names:
            return int(words[1 + names.index(f"CPU{cpu}")])
    return None


def between(begin: Moment, end: Moment, cpus: int) -> dict[str, Any]:
    """What happened from one moment to another. cpus: that the machine has."""
    seconds = max(end.clock - begin.clock, 1e-9)
    own = end.own - begin.own
    other = stolen = None
    if begin.busy is not None and end.busy is not None:
        other = max(0.0, end.busy - begin.busy - own)
    if begin.stolen is not None and end.stolen is not None:
        stolen = max(0.0, end.stolen - begin.stolen)
    return {"seconds": seconds, "cpus": cpus, "other_s": other, "steal_s": stolen}


@dataclass
class Watch:
    """Looks at a machine from when it is made until end()."""

    level: str | None = None
    allowed: Sequence[str] = ()
    root: Path = ROOT
    now: Callable[[Path, int], Moment] = moment
    cpus: Sequence[int] | None = None  # measured on; None: all that this process may run on
    ended: dict[str, Any] | None = field(init=False, default=None)  # what end() said last
    _said: dict[str, Any] = field(init=False)
    _begin: Moment = field(init=False)

    def __post_init__(self) -> None:
        self._said = read_machine(self.root, self.cpus)
        self._cpu = self._said["cpus"][0]
        self._said["before"] = read_counters(self.root, self._cpu)
        self._begin = self.now(self.root, self._cpu)

    def widen(self) -> None:
        """What is measured from now on may run on all CPUs that this process may run on."""
        self.cpus = None
        self._said |= read_machine(self.root)

    def look(self) -> dict[str, Any]:
        """What is known so far, as before a run: without `after`."""
        end = self.now(self.root, self._cpu)
        watched = between(self._begin, end, os.cpu_count() or 1)
        rate = None
        if self._begin.timer is not None and end.timer is not None:
            rate = (end.timer - self._begin.timer) / watched["seconds"]
        asked = {"level": self.level, "allowed": list(self.allowed)}
        return {**asked, **self._said, "watched": watched, "timer_per_s": rate}

    def end(self) -> dict[str, Any]:
        """All of it, for environment.json."""
        self.ended = self.look() | {"after": read_counters(self.root, self._cpu)}
        return self.ended


def vulnerabilities(root: Path) -> dict[str, str | None]:
    """What the kernel says of each of its CPU's vulnerabilities."""
    folder = root / _CPUS / "vulnerabilities"
    return {path.name: subprocesses.value(path) for path in sorted(folder.glob("*"))}
