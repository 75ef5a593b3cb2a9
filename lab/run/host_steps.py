# SPDX-License-Identifier: Apache-2.0
"""What is measured on this machine itself: the running kernel's cases, and user models."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from formats.case_names import parse_fio
from formats.conditions import PUBLISH, SMOKE
from lab.campaign import store
from lab.core import signals
from lab.core.bench_command import BenchCommand
from lab.core.errors import KmapbenchError
from lab.core.event_stream import Line
from lab.core.progress import Display
from lab.host import bench_program, level_check, running_kernel
from lab.host.bench_program import Place
from lab.host.machine_state import Watch
from lab.workloads.fio import on_host, workload
from lab.workloads.fio.on_host import Named
from lab.workloads.fio.presets import Job, Preset

LAUNCHES = 10
SMOKE_LAUNCHES, SMOKE_REPETITIONS = 2, 1

# For the progress display, in boots of the lab.
MODEL_WORK = 0.03
HERE_WORK = 1


def measure_here(
    kept: store.Boot,
    names: list[str],
    running: running_kernel.Prepared,
    kmap_bench: Path,
    display: Display,
    place: Place,
) -> str | None:
    """Kernel cases on the running kernel, whose module is loaded; what went wrong, in one line, or
    None.
    """
    making: list[str] = []
    follow = follower(making, kept.variant, HERE_WORK / len(names), display)
    display.say(
        f"{kept.variant}: {len(names)} kernel cases on Linux {running.kernel.release}, the running"
        " kernel"
    )
    repetitions = SMOKE_REPETITIONS if place.watch.level == SMOKE else None
    command = BenchCommand(
        kmap_bench, names=names, clock="tsc", events=True, repetitions=repetitions
    )
    problem = run_step(
        kept,
        kept.variant,
        making,
        lambda: bench_program.measure(kept, [(command, 1)], follow, place),
    )
    if problem:
        return problem
    for line in running_kernel.skipped(
        [record for record in kept.records if "known" not in record]
    ):
        display.note(line)
    return wrong_figures(kept) or level_problem(kept.variant, place.watch)


def measure_user(
    kept: store.Boot, names: list[str], kmap_bench: Path, display: Display, place: Place
) -> str | None:
    """User models; what went wrong, in one line, or None. Never beside QEMU: its load would be in
    the figures.
    """
    display.say(f"{len(names)} user models on this machine")
    # one repetition a launch, since a launch is their unit of randomness
    command = BenchCommand(kmap_bench, names=names, repetitions=1, events=True)
    launches = SMOKE_LAUNCHES if place.watch.level == SMOKE else LAUNCHES
    follow = follower([], "user models", MODEL_WORK / launches, display)
    # without the case that a launch ended in: those before have its records
    problem = run_step(
        kept,
        "user models",
        [],
        lambda: bench_program.measure(kept, [(command, launches)], follow, place),
    )
    return problem or _control(kept, "user models") or level_problem("user models", place.watch)


def level_problem(name: str, watch: Watch) -> str | None:
    """What keeps a step that was measured from being publishable, where it has to be, or None."""
    if watch.level != PUBLISH or watch.ended is None:
        return None
    lacking = level_check.not_allowed(level_check.judge(watch.ended), watch.allowed)
    said = "; ".join(map(level_check.sentence, lacking))
    return f"{name}: measured, and not publishable: {said}" if lacking else None


def wrong_figures(kept: store.Boot) -> str | None:
    """Why figures of a boot that was measured are not true, in one line, or None."""
    if failed := kept.failed_oracles():
        return f"{kept.variant}: the oracle failed for {', '.join(failed)}"
    return _control(kept, kept.variant)


def _control(kept: store.Boot, name: str) -> str | None:
    """What is wrong with a case of known length, in one line, or None."""
    reason = kept.failed_control()
    return f"{name}: {reason}" if reason else None


def measure_dax(
    kept: store.Boot,
    named: Named,
    preset: Preset,
    kmap_bench: Path,
    display: Display,
    place: Place,
) -> str | None:
    """fio on what the user named; what went wrong, in one line, or None."""
    making: list[str] = []

    def measure() -> None:
        bench_program.describe(kept, kmap_bench, place)
        run_fio(kept, named, preset, making, display)
        bench_program.describe(kept, kmap_bench, place)  # once more: with what happened meanwhile

    problem = run_step(kept, kept.variant, making, measure)
    return problem or level_problem(kept.variant, place.watch)


def run_fio(
    kept: store.Boot, named: Named, preset: Preset, making: list[str], display: Display
) -> None:
    """Runs the jobs of a preset on what the user named, into a boot that goes on afterwards.

    making: holds the job's case while it runs. A KmapbenchError where one fails.
    """
    chosen = replace(preset, jobs=tuple(job for job in preset.jobs if named.measures(job)))

    def on_job(job: Job) -> None:
        making[:] = [job.case]
        display.detail(f"{kept.variant}: {job.case}")

    def on_end(job: Job, text: str) -> None:
        kept.append(workload.record(job, kept.variant, kept.number, text, "wall"))
        making.clear()
        display.advance(HERE_WORK / len(chosen.jobs))

    display.say(
        f"{kept.variant}: {len(chosen.jobs)} jobs of fio on {named.path},"
        f" {chosen.seconds / 60:.0f} minutes at least"
    )
    output = kept.folder / "dax"
    output.mkdir()
    on_host.measure(named, chosen, output, on_job, on_end)


def follower(making: list[str], what: str, work: float, display: Display) -> Callable[[Line], None]:
    """Of kmap_bench's lines, each by itself: making is the case being measured, if any, and work
    what the display counts for one.
    """

    def follow(line: Line) -> None:
        if line.record:
            making.clear()
            if "known" not in line.record:  # controls are no part of what was planned
                display.advance(work)
        elif line.event and line.event["event"] == "case":
            making[:] = [line.event["name"]]
            display.detail(f"{what}: {line.event['name']}")

    return follow


def clock_of(case: str) -> str:
    """The clock by which a case is measured on this machine."""
    return "wall" if parse_fio(case) else "tsc"


def run_step(
    kept: store.Boot, name: str, making: list[str], measure: Callable[[], None]
) -> str | None:
    """Measures a step and ends it, however that comes; what went wrong, in one line, or None.

    making: the case being measured, if any.
    """
    try:
        measure()
    except KeyboardInterrupt as error:
        kept.interrupt(signals.cause(error))
        raise
    except KmapbenchError as error:
        if making:
            kept.append_crashed(making[0], clock_of(making[0]), str(error), [])
        kept.end(str(error))
        return f"{name}: {error}"
    kept.end()
    return None
