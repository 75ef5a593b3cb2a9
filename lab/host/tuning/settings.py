# SPDX-License-Identifier: Apache-2.0
"""One setting of a machine: read, written, and compared, by its kind."""

import errno
import time
from dataclasses import asdict, dataclass
from typing import Any

from lab.host.tuning import cpu_sets
from lab.host.tuning.machine import Machine, started

# Kinds of settings.
VALUE = "value"  # a file with one value
LIST = "list"  # a file with a list of CPUs
MASK = "mask"  # a file with a mask of CPUs
TASK = "task"  # the CPUs that a task may run on
CONTROLLER = "controller"  # whether children of a cgroup have a controller
PARTITION = "partition"  # a cgroup of ours with CPUs to itself
HELD = "held"  # a request that ends with the process that made it

ANY = "any"  # as the knob that a setting follows: each of them

ABSENT = "none"  # what PARTITION is before
ISOLATED = "isolated"
CPUSET = "cpuset"

# Some values arrive a moment after the write that sets them.
_SETTLE_SECONDS = 2.0
_STEP_SECONDS = 0.02


@dataclass(frozen=True)
class Setting:
    """A setting as it is before a run, and as the run wants it."""

    knob: str
    path: str  # below the root of the machine
    before: str
    wanted: str | None  # None: what becomes of it is not known before
    kind: str = VALUE
    follows: str = ""  # a knob that changes this setting, too: it is put back, and never set
    start: str = ""  # of a task: when it began

    @property
    def is_set(self) -> bool:
        """Whether the run has to write it."""
        return not self.follows and not is_same(self, self.wanted, self.before)

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def is_same(setting: Setting, one: str | None, other: str | None) -> bool:
    """Whether two values of a setting mean the same."""
    if one is None or other is None:
        return one is other
    try:
        if setting.kind == MASK:
            return cpu_sets.parse_mask(one) == cpu_sets.parse_mask(other)
        if setting.kind in (LIST, TASK):
            return cpu_sets.parse_list(one) == cpu_sets.parse_list(other)
    except ValueError:
        pass
    return one == other


def current(machine: Machine, setting: Setting) -> str | None:
    """What a setting is now; None: there is no such setting any more, or it cannot be read."""
    try:
        return _READERS.get(setting.kind, _read_value)(machine, setting)
    except (OSError, ValueError, IndexError):
        return None


def write(machine: Machine, setting: Setting, value: str) -> None:
    """Sets it to a value; an OSError where it is refused."""
    _WRITERS.get(setting.kind, _write_value)(machine, setting, value)


def settle(machine: Machine, setting: Setting, value: str | None, deadline: float) -> str | None:
    """What a setting is once it is that value, or once it is too late (by time.monotonic())."""
    while not is_same(setting, now := current(machine, setting), value):
        if now is None or time.monotonic() > deadline:
            break
        time.sleep(_STEP_SECONDS)
    return now


def patience() -> float:
    """The deadline for what is written now."""
    return time.monotonic() + _SETTLE_SECONDS


def _read_value(machine: Machine, setting: Setting) -> str:
    return machine.read(setting.path)


def _write_value(machine: Machine, setting: Setting, value: str) -> None:
    machine.write(setting.path, value)


def _read_task(machine: Machine, setting: Setting) -> str | None:
    if started(machine.read(f"{setting.path}/stat")) != setting.start:
        return None  # another task has its number
    return allowed_list(machine.read(f"{setting.path}/status"))


def allowed_list(status: str) -> str:
    """The CPUs that a task may run on, from the text of its status file."""
    return status.partition("Cpus_allowed_list:")[2].splitlines()[0].strip()


def _write_task(machine: Machine, setting: Setting, value: str) -> None:
    machine.set_affinity(int(setting.path.rpartition("/")[2]), cpu_sets.parse_list(value))


def _read_controller(machine: Machine, setting: Setting) -> str:
    return "on" if CPUSET in machine.read(setting.path).split() else "off"


def _write_controller(machine: Machine, setting: Setting, value: str) -> None:
    machine.write(setting.path, f"{'+' if value == 'on' else '-'}{CPUSET}")


def _read_partition(machine: Machine, setting: Setting) -> str:
    if not machine.has(setting.path):
        return ABSENT
    state = machine.value(f"{setting.path}/cpuset.cpus.partition")
    return f"{state} {machine.value(f'{setting.path}/cpuset.cpus')}"


def _write_partition(machine: Machine, setting: Setting, value: str) -> None:
    state, _, cpus = value.partition(" ")
    if value != ABSENT:
        machine.make_folder(setting.path)
        machine.write(f"{setting.path}/cpuset.cpus", cpus)
        machine.write(f"{setting.path}/cpuset.cpus.partition", state)
        return
    if not machine.has(setting.path):
        return
    # What is left in it of a run that was killed goes on outside.
    for pid in (machine.value(f"{setting.path}/cgroup.procs") or "").split():
        try:
            machine.write("sys/fs/cgroup/cgroup.procs", pid)
        except ProcessLookupError:
            pass
    deadline = patience()
    while True:
        try:
            machine.remove_folder(setting.path)
            return
        except OSError as error:  # a process that is ending is in it until it has ended
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(_STEP_SECONDS)


def _read_held(machine: Machine, setting: Setting) -> str:
    return machine.latency(setting.path)


def _write_held(machine: Machine, setting: Setting, value: str) -> None:
    if value == setting.wanted:
        machine.hold_latency(setting.path, value)
    else:
        machine.release(setting.path)


_READERS = {
    TASK: _read_task,
    CONTROLLER: _read_controller,
    PARTITION: _read_partition,
    HELD: _read_held,
}
_WRITERS = {
    TASK: _write_task,
    CONTROLLER: _write_controller,
    PARTITION: _write_partition,
    HELD: _write_held,
}
