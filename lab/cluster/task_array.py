# SPDX-License-Identifier: Apache-2.0
"""What has to be done, whoever does it: arrays of tasks that depend on each other. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TaskArray:
    """Tasks that may run at the same time, each a command of kmapbench."""

    name: str  # letters only: it becomes a variable of the shell
    command: tuple[str, ...]  # what the commands have in common
    tasks: Sequence[tuple[str, ...]]  # the words that each has behind that
    after: tuple[str, ...] = ()  # arrays of which all tasks have to end well before
    memory_mib: int = 0  # of a task; 0: as the cluster has it
    whole_machine: bool = False  # a task uses all CPUs that there are


def split(arrays: Sequence[TaskArray], most: int) -> list[TaskArray]:
    """The same work in arrays of so many tasks at most. Whatever depends on one that was split
    depends on all its parts.
    """
    parts: dict[str, list[TaskArray]] = {}
    for array in arrays:
        after = tuple(part.name for name in array.after for part in parts[name])
        starts = range(0, len(array.tasks), most)
        parts[array.name] = [
            TaskArray(
                array.name if len(starts) == 1 else f"{array.name}{number}",
                array.command,
                array.tasks[start : start + most],
                after,
                array.memory_mib,
                array.whole_machine,
            )
            for number, start in enumerate(starts, 1)
        ]
    return [part for array in arrays for part in parts[array.name]]


def chunks(names: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Names, so many to a task, in their order."""
    return [tuple(names[start : start + size]) for start in range(0, len(names), size)]
