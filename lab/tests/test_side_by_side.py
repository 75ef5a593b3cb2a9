# SPDX-License-Identifier: Apache-2.0
import os
from dataclasses import dataclass, field

import pytest

from lab.campaign import schedule
from lab.campaign.schedule import Step
from lab.kernels import variants
from lab.run import parallel


@pytest.mark.parametrize(
    ("available_mib", "guests"), [(100_000, 3), (2000, 2), (1000, 1), (100, 1)]
)
def test_as_many_guests_as_cpus_and_memory_allow(tmp_path, monkeypatch, available_mib, guests):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 1 kB\nMemFree: 2 kB\nMemAvailable: {available_mib * 1024} kB\n")
    assert parallel.places([variants.find("stock")], meminfo) == guests


class Guest:
    """A guest that has ended as soon as somebody looks."""

    def __init__(self):
        self._read, write = os.pipe()
        os.close(write)

    def fileno(self) -> int:
        return self._read

    def read(self) -> bool:
        return False

    def end_if_hung(self) -> None:
        pass


@dataclass
class StandIn:
    """A boot that crashes if it is told to."""

    name: str
    crash: str | None
    guest: Guest = field(default_factory=Guest)
    console: str = "console.log"
    set_aside: str = "aside"
    failed_oracles: list = field(default_factory=list)
    failed_control: None = None

    def end(self) -> str | None:
        os.close(self.guest.fileno())
        return self.crash


def booted(steps: list[Step], crashes: set[tuple[str, int, int]], at_once: int):
    """The boots that were begun, in their order, and what went wrong. crashes: variant, boot and
    attempt of those that do.
    """
    begun: list[Step] = []

    def begin(step: Step) -> StandIn:
        begun.append(step)
        key = step.variant, step.boot, step.attempt
        return StandIn(f"{step.variant} {step.boot}", "hung" if key in crashes else None)

    def again(lost: list[Step]) -> list[Step]:
        return schedule.repeated(lost, 1, lost[0].attempt + 1)

    return begun, parallel.boot_all(steps, begin, again, at_once, lambda _: None)


@pytest.mark.parametrize("at_once", [1, 2, 3])
@pytest.mark.parametrize("lost", ["off", "idle", "protected"])
def test_a_round_that_loses_a_boot_is_made_again_whole(at_once, lost):
    names = ["off", "idle", "protected"]
    steps = schedule.steps(names, 3, 1)
    begun, problems = booted(steps, {(lost, 2, 1)}, at_once)
    again = [step for step in begun if step.attempt == 2]
    assert again == schedule.repeated([step for step in steps if step.round == 2], 1, 2)
    # no boot of another round among them, so that the boots of each pair are neighbours
    first = begun.index(again[0])
    assert begun[first : first + 3] == again
    assert {
        (step.variant, step.boot) for step in begun if step.attempt == 1 and step.round != 2
    } == {(name, boot) for name in names for boot in (1, 3)}
    assert len(problems) == 1 and problems[0].startswith(f"{lost} 2: hung; made again")


def test_a_round_is_made_again_once():
    steps = schedule.steps(["off", "idle"], 2, 1)
    begun, problems = booted(steps, {("off", 1, 1), ("off", 1, 2)}, 2)
    assert max(step.attempt for step in begun) == 2 and len(begun) == 6
    assert [problem for problem in problems if "crashed twice: hung" in problem]
