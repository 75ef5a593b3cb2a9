# SPDX-License-Identifier: Apache-2.0
"""The table of knobs: what disturbs a measurement, and can be set for a while.

Settings are made in the order of the table, and put back in the reverse order. A setting that
changes with another one (`follows`) comes before that one, so that it is put back after it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.host.tuning import cpu_knobs
from lab.host.tuning.machine import Machine
from lab.host.tuning.settings import Setting
from lab.host.tuning.topology import CPUS, Topology

_POLICIES = f"{CPUS}/cpufreq/policy*"
_GOVERNORS = ("schedutil", "ondemand", "conservative")


@dataclass(frozen=True)
class Knob:
    """A row of the table."""

    name: str
    disturbs: str  # what it does to figures as it is on most machines
    wanted: str  # in words, for campaigns and people
    files: tuple[tuple[str, str], ...] = ()  # globs of files with one value, and that value
    # Files that change with this knob, and what they become; None: that is not known before.
    followers: tuple[tuple[str, str | None], ...] = ()
    # In place of files: finds settings of any kind.
    find: Callable[[Machine, Topology], Iterator[Setting]] | None = None
    # Why it is left alone on this machine, if so.
    refuse: Callable[[Machine, Topology], str | None] = lambda _, __: None


KNOBS: tuple[Knob, ...] = (
    Knob(
        "interrupts",
        "interrupts of devices evict the path from the caches, and samples are thrown away",
        "on the other CPUs",
        find=cpu_knobs.find_interrupts,
        refuse=cpu_knobs.refuse_interrupts,
    ),
    Knob(
        "workqueues",
        "work that the kernel puts off runs on the measuring CPU",
        "on the other CPUs",
        find=cpu_knobs.find_workqueues,
    ),
    Knob(
        "SMT",
        "a sibling shares the units and caches of the core",
        "off",
        find=cpu_knobs.find_smt,
        refuse=cpu_knobs.refuse_smt,
    ),
    Knob(
        "governor",
        "the clock of the core changes with the load",
        "performance",
        files=((f"{_POLICIES}/scaling_governor", "performance"),),
        followers=(
            *((f"{_POLICIES}/{name}/*", None) for name in _GOVERNORS),
            *((f"{CPUS}/cpufreq/{name}/*", None) for name in _GOVERNORS),
            (f"{_POLICIES}/scaling_setspeed", None),
            (f"{_POLICIES}/energy_performance_preference", "performance"),
        ),
    ),
    Knob(
        "turbo",
        "the clock of the core changes with its temperature and with what other cores do",
        "off",
        files=((f"{CPUS}/intel_pstate/no_turbo", "1"), (f"{CPUS}/cpufreq/boost", "0")),
        followers=(
            (f"{_POLICIES}/scaling_min_freq", None),
            (f"{_POLICIES}/scaling_max_freq", None),
            (f"{CPUS}/intel_pstate/min_perf_pct", None),
            (f"{_POLICIES}/boost", None),
        ),
    ),
    Knob(
        "NMI watchdog",
        "it takes a counter of the PMU, and its NMIs arrive where interrupts are off",
        "off",
        files=(("proc/sys/kernel/nmi_watchdog", "0"),),
    ),
    Knob(
        "NUMA balancing",
        "it unmaps pages of programs to see who uses them, which costs page faults",
        "off",
        files=(("proc/sys/kernel/numa_balancing", "0"),),
    ),
    Knob(
        "isolation",
        "other programs run on the measuring CPU",
        "a CPU for what is measured alone",
        find=cpu_knobs.find_isolation,
        refuse=cpu_knobs.refuse_isolation,
    ),
    Knob(
        "C-states",
        "deep idle states empty caches and stop the clock, and to leave one takes many"
        " microseconds",
        "none that takes more than a microsecond to leave",
        find=cpu_knobs.find_latency,
    ),
)


def find_settings(machine: Machine, topology: Topology, knob: Knob) -> list[Setting]:
    """The settings of a knob on a machine, after those that follow it; none where the machine has
    no such knob.
    """
    if knob.find:
        return list(knob.find(machine, topology))
    leading = [
        _setting(machine, topology, knob, path, value)
        for pattern, value in knob.files
        for path in machine.find(pattern)
    ]
    found = [setting for setting in leading if setting]
    following = [
        _setting(machine, topology, knob, path, value, follows=knob.name)
        for pattern, value in knob.followers
        for path in (machine.find(pattern) if found else [])
    ]
    return [setting for setting in following if setting] + found


def _setting(
    machine: Machine,
    topology: Topology,
    knob: Knob,
    path: str,
    value: str | None,
    follows: str = "",
) -> Setting | None:
    """A file as a setting; None where there is nothing in it that could be put back."""
    before = machine.value(path)
    if not before or before.startswith("<"):  # as <unsupported>
        return None
    if cpu_knobs.goes_with_smt(machine, topology, path):
        return Setting(knob.name, path, before, None, follows="SMT")
    return Setting(knob.name, path, before, value, follows=follows)
