# SPDX-License-Identifier: Apache-2.0
"""What is measured in one boot of a campaign over reboots: kernel cases, user models, and fio where
a target is named.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from lab.campaign.store import Boot
from lab.core import bench_command
from lab.core.bench_command import BenchCommand
from lab.core.errors import KmapbenchError
from lab.core.progress import Display
from lab.host import bench_program, running_kernel
from lab.host.bench_program import Place
from lab.host.machine_state import Watch
from lab.reboots.real_machine import RealMachine
from lab.reboots.reboot_plan import RebootPlan
from lab.run import host_steps, tuned_run
from lab.workloads.fio import on_host
from lab.workloads.fio.on_host import Named
from lab.workloads.fio.presets import Preset
from lab.workloads.fio.workload import preset_of

# A machine is quiet when its CPUs do nothing for this share of this many seconds.
_QUIET_SHARE, _QUIET_SECONDS = 0.05, 5.0


@dataclass(frozen=True)
class BootMeasurement:
    """Measures a boot of the running kernel."""

    plan: RebootPlan
    device: str | None  # identity of the device that may be formatted
    cache: Path
    display: Display
    machine: RealMachine

    def __call__(self, boot: Boot, note_cases: Callable[[list[str]], None]) -> str | None:
        """Measures and ends a boot; what went wrong, in one line, or None.

        note_cases: gets the cases in the order in which they will be measured.
        """
        making: list[str] = []
        name = f"{boot.variant}, boot {boot.number}"
        problems: list[str] = []

        def measure() -> None:
            place = Place()
            tuned: AbstractContextManager[list[str]] = nullcontext([])
            if self.plan.tune:
                tuned = tuned_run.tuned_place(place, self.display, isolate=True)
            with _limited(self.plan.limit):
                self._settle()
                with tuned as said:
                    place.watch = Watch(self.plan.level, self.plan.allow, cpus=place.cpus)
                    self._measure(boot, making, note_cases, place)
            problems.extend([*said, *filter(None, [host_steps.level_problem(name, place.watch)])])

        tuned_run.restore_first(self.display)
        problem = host_steps.run_step(boot, name, making, measure)
        return problem or host_steps.wrong_figures(boot) or "; ".join(problems) or None

    def _settle(self) -> None:
        """Waits until the machine has started everything and is quiet, or for as long as the plan
        lets it.
        """
        deadline = time.monotonic() + self.plan.settle
        self.display.say(f"waiting until the machine is quiet, {self.plan.settle} s at most")
        _, before = self.machine.busy_share(None)
        share = 1.0
        while share > _QUIET_SHARE and time.monotonic() < deadline:
            time.sleep(min(_QUIET_SECONDS, max(0.0, deadline - time.monotonic())))
            share, before = self.machine.busy_share(before)
        if share > _QUIET_SHARE and self.plan.settle:
            self.display.note(
                f"not quiet after {self.plan.settle} s: {share:.0%} of the CPUs' time is spent"
            )

    def _measure(
        self,
        boot: Boot,
        making: list[str],
        note_cases: Callable[[list[str]], None],
        place: Place,
    ) -> None:
        kmap_bench, cases = bench_command.built(), self.plan.cases
        follow = host_steps.follower(making, boot.variant, 0, self.display)
        running = running_kernel.prepare(self.cache, self.display.say)
        fio = self._fio()
        jobs = [job.case for job in fio[1].jobs if fio[0].measures(job)] if fio else []
        models = bench_program.matching(kmap_bench, cases, bench_command.USER)
        with running_kernel.loaded(running.module):
            names = bench_program.matching(kmap_bench, cases, bench_command.KERNEL)
            note_cases([*names, *models, *jobs])
            # one repetition a launch, since a launch is the models' unit of randomness
            runs = [
                (BenchCommand(kmap_bench, names=names, clock="tsc", events=True), 1),
                (
                    BenchCommand(kmap_bench, names=models, repetitions=1, events=True),
                    host_steps.LAUNCHES,
                ),
            ]
            runs = [run for run in runs if run[0].names]
            if not runs:
                raise KmapbenchError(f"--cases {cases}: no case of this kernel has such a name")
            bench_program.measure(boot, runs, follow, place)
        if fio:
            host_steps.run_fio(boot, *fio, making, self.display)
            bench_program.describe(boot, kmap_bench, place)  # with what happened meanwhile

    def _fio(self) -> tuple[Named, Preset] | None:
        if not self.plan.on:
            return None
        named = on_host.look(Path(self.plan.on))
        if named.kind is None and on_host.identity(named.path) != self.device:
            raise KmapbenchError(
                f"{named.path}: under this kernel another device than the one that may be"
                " formatted: left as it is"
            )
        return named, preset_of(self.plan.preset, here=True)


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """A KmapbenchError where what is inside takes longer."""

    def late(_: int, __: FrameType | None) -> None:
        raise KmapbenchError(f"took longer than {seconds} s (--limit)")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
