# SPDX-License-Identifier: Apache-2.0
"""Knobs that say what runs on which CPU, and how deep CPUs sleep: what finds their settings, and
what speaks against them.
"""

import re
from collections.abc import Iterator

from lab.host.tuning import cpu_sets, settings
from lab.host.tuning.machine import Machine, flags, started
from lab.host.tuning.settings import Setting
from lab.host.tuning.topology import CPUS, SMT, Topology

CGROUPS = "sys/fs/cgroup"
PARTITION = f"{CGROUPS}/kmapbench-measuring"

_WORKQUEUES = "sys/devices/virtual/workqueue/cpumask"
_LATENCY = "dev/cpu_dma_latency"
_LONGEST_WAKE_UP = "1"  # microsecond: that of C1 on Intel's and AMD's CPUs
_UNREADABLE = "?"
_PF_NO_SETAFFINITY = 0x04000000  # linux/sched.h: of a thread that stays where the kernel put it


def find_interrupts(machine: Machine, topology: Topology) -> Iterator[Setting]:
    """The CPUs of each interrupt, without the one that measures and those that go with SMT. Where
    an interrupt stays although all its CPUs go, the kernel moves it.
    """
    for path in machine.find("proc/irq/[0-9]*/smp_affinity_list"):
        before = machine.value(path)
        if before:
            if cpu_sets.parse_list(before) <= topology.lost:
                yield Setting("interrupts", path, before, None, settings.LIST, follows="SMT")
            left = cpu_sets.parse_list(before) & topology.others or topology.others
            wanted = cpu_sets.format_list(left)
            yield Setting("interrupts", path, before, wanted, settings.LIST)


def refuse_interrupts(machine: Machine, _: Topology) -> str | None:
    """irqbalance moves interrupts as it likes."""
    if any(machine.value(path) == "irqbalance" for path in machine.find("proc/[0-9]*/comm")):
        return "irqbalance runs and would move them again: systemctl stop irqbalance"
    return None


def find_workqueues(machine: Machine, topology: Topology) -> Iterator[Setting]:
    """The CPUs for work that is bound to none."""
    before = machine.value(_WORKQUEUES)
    if before:
        left = cpu_sets.parse_mask(before) & topology.others or topology.others
        wanted = cpu_sets.format_mask(left)
        yield Setting("workqueues", _WORKQUEUES, before, wanted, settings.MASK)


def find_smt(machine: Machine, topology: Topology) -> Iterator[Setting]:
    """SMT, after the CPUs that go with it, and those that its return would bring up."""
    control = machine.value(SMT)
    if control not in ("on", "off"):  # forceoff, notsupported and others cannot be set
        return
    for path in machine.find(f"{CPUS}/cpu[0-9]*/online") if topology.lost else []:
        cpu, before = _cpu_of(path), machine.value(path)
        if before and (cpu in topology.lost or before == "0"):
            yield Setting("SMT", path, before, None, follows="SMT")
    yield Setting("SMT", SMT, control, "off")


def refuse_smt(machine: Machine, topology: Topology) -> str | None:
    """Cpusets of cgroup v1 lose for good what goes offline."""
    for path in machine.find(f"{CGROUPS}/cpuset/*/**/cpuset.cpus"):
        cpus = cpu_sets.parse_list(machine.value(path) or "")
        if cpus & topology.lost:
            return f"/{path} has {cpu_sets.format_list(cpus)}, and would lose CPUs for good"
    return None


def goes_with_smt(machine: Machine, topology: Topology, path: str) -> bool:
    """Whether a file belongs to a cpufreq policy of CPUs that go with SMT."""
    policy = re.match(r".*/policy\d+/", path)
    if not policy or not topology.lost:
        return False
    cpus = (machine.value(f"{policy[0]}affected_cpus") or "").split()
    return bool(cpus) and {int(cpu) for cpu in cpus} <= topology.lost


def find_isolation(machine: Machine, topology: Topology) -> Iterator[Setting]:
    """A cgroup whose CPU no other program runs on, after the controller that it takes."""
    measuring = topology.measuring
    controllers = machine.value(f"{CGROUPS}/cgroup.controllers") or ""
    if measuring is None or measuring in topology.booted or settings.CPUSET not in controllers:
        return
    children = f"{CGROUPS}/cgroup.subtree_control"
    has = settings.CPUSET in (machine.value(children) or "").split()
    before = "on" if has else "off"
    yield Setting("isolation", children, before, "on", settings.CONTROLLER)
    wanted = f"{settings.ISOLATED} {measuring}"
    yield Setting("isolation", PARTITION, settings.ABSENT, wanted, settings.PARTITION)


def refuse_isolation(machine: Machine, _: Topology) -> str | None:
    """What is there without a journal is not known to be ours."""
    return f"/{PARTITION} is there already: rmdir it" if machine.has(PARTITION) else None


def find_latency(machine: Machine, _: Topology) -> Iterator[Setting]:
    """The longest wake-up from an idle state."""
    if machine.has(_LATENCY):
        try:
            before = machine.latency(_LATENCY)
        except OSError:  # only root can read it
            before = _UNREADABLE
        wanted = "0" if before == "0" else _LONGEST_WAKE_UP
        yield Setting("C-states", _LATENCY, before, wanted, settings.HELD)


def find_affinities(machine: Machine, topology: Topology) -> Iterator[Setting]:
    """The affinity of each task that may not run everywhere. The kernel forgets it where its last
    CPU goes offline, and Linux before 6.2 where a CPU is isolated.
    """
    for task in machine.find("proc/[0-9]*/task/[0-9]*"):
        try:
            stat = machine.read(f"{task}/stat")
            before = settings.allowed_list(machine.read(f"{task}/status"))
            if cpu_sets.parse_list(before) >= topology.online or flags(stat) & _PF_NO_SETAFFINITY:
                continue
            start = started(stat)
        except (OSError, ValueError, IndexError):  # it has ended
            continue
        yield Setting(
            "affinity", task, before, None, settings.TASK, follows=settings.ANY, start=start
        )


def _cpu_of(path: str) -> int:
    return int(path.split("/cpu")[-1].partition("/")[0])
