# SPDX-License-Identifier: Apache-2.0
"""Which CPUs there are, which ones SMT takes along, and which one measures."""

from dataclasses import dataclass

from lab.host.tuning import cpu_sets
from lab.host.tuning.machine import Machine

CPUS = "sys/devices/system/cpu"
SMT = f"{CPUS}/smt/control"

# The PMU of these cores, on CPUs that have cores of two kinds.
_PERFORMANCE_CORES = "sys/devices/cpu_core/cpus"


@dataclass(frozen=True)
class Topology:
    """The CPUs of a machine, before it is tuned."""

    online: frozenset[int]
    lost: frozenset[int]  # that go offline with SMT
    booted: frozenset[int]  # isolated since boot, by isolcpus=
    measuring: int | None  # the CPU for what is measured; None: there is no such CPU

    @property
    def others(self) -> frozenset[int]:
        """CPUs for all else, of those that stay online."""
        left = self.online - self.lost
        if self.measuring is None:
            return left
        left -= {self.measuring}
        return left - self.booted or left


def read_topology(machine: Machine, isolate: bool, without_smt: bool) -> Topology:
    """The CPUs of a machine. isolate: whether one of them is to measure. without_smt: whether SMT
    is going to be off.
    """
    online = cpu_sets.parse_list(machine.value(f"{CPUS}/online") or "0")
    lost = frozenset(
        cpu
        for cpu in online
        if without_smt and cpu != min(_siblings(machine, cpu) & online, default=cpu)
    )
    booted = cpu_sets.parse_list(machine.value(f"{CPUS}/isolated") or "") & online
    usable = (online - lost) & machine.allowed_cpus()
    measuring = None
    if isolate and usable and len(online - lost) > 1:
        # The first CPUs have most interrupts. One that was isolated at boot is still better.
        empty = usable & booted or usable
        fast = cpu_sets.parse_list(machine.value(_PERFORMANCE_CORES) or "")
        measuring = max(empty & fast or empty)
    return Topology(online, lost, booted, measuring)


def _siblings(machine: Machine, cpu: int) -> frozenset[int]:
    """The CPUs of a core."""
    text = machine.value(f"{CPUS}/cpu{cpu}/topology/thread_siblings_list")
    return cpu_sets.parse_list(text or str(cpu))
