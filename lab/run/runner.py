# SPDX-License-Identifier: Apache-2.0
"""The main job: a campaign from plan to records, then the report."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lab.campaign import chown, store
from lab.campaign.schedule import Step
from lab.core.dirs import RESULTS, ROOT, cache_dir
from lab.core.errors import EXIT_FAILED, EXIT_OK, KmapbenchError
from lab.core.progress import Display
from lab.host import bench_program, running_kernel
from lab.kernels import source_build
from lab.run import host_steps, parallel, preflight
from lab.run.guest_boot import LabBoot
from lab.run.manifest import header
from lab.run.plan import HOST, Plan, write
from lab.run.preflight import steps
from lab.vm import image
from lab.workloads import micro_script
from lab.workloads.fio import on_host
from lab.workloads.fio.workload import Dax, preset_of
from lab.workloads.micro import KernelCases, Work, no_case


def run(plan: Plan) -> int:
    """Measures, reports, and returns the exit code."""
    cache = cache_dir()
    kmap_bench = preflight.kmap_bench()
    if not kmap_bench.is_file():
        raise KmapbenchError(
            f"{kmap_bench}: not built; run ./kmapbench, or: cmake --preset release && cmake --build"
            " build"
        )
    preflight.check_options(plan)

    with (
        tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch_name,
        Display() as display,
        ExitStack() as leaving,
    ):
        scratch = Path(scratch_name)
        kept = store.Campaign.reopen(plan.resume) if plan.resume else None
        if kept:
            leaving.callback(kept.release)
        loading = leaving.enter_context(ExitStack())
        work = _work(plan, kmap_bench)
        variants = [work.variant(variant) for variant in plan.variants]
        prepared, running, here_cases, named = [], None, [], None
        models = preflight.models(plan)
        if plan.only == "dax" and plan.label:
            named = on_host.look(Path(plan.on))
            on_host.confirm(named, on_host.ask)
        elif preflight.asks_kernel(plan) and plan.label:
            running = running_kernel.prepare(cache, display.say)
            loading.enter_context(running_kernel.loaded(running.module))
            here_cases = bench_program.matching(kmap_bench, plan.cases, micro_script.KERNEL)
            if not here_cases:
                raise no_case(plan.cases, "kernel case")
        elif preflight.asks_kernel(plan):
            source_build.provide(
                [variant.image for variant in variants if variant.image], cache, display
            )
            prepared = [
                image.prepare(variant, plan.series, work.content(), cache, scratch, display.say)
                for variant in variants
            ]
        planned = steps(plan)
        refusals: list[str] = []
        plugin = image.observer_plugin(refusals.append) if prepared and work.observed else None
        for refusal in refusals:
            display.note(refusal)
        described = header(plan, prepared, planned, kmap_bench, refusals)
        if kept is None:
            kept = store.Campaign.begin(
                plan.out or store.new_folder(RESULTS, _name(plan)), described, write(plan)
            )
            leaving.callback(kept.release)
        else:
            kept.go_on(described)
        leaving.callback(chown.hand_over, kept.folder)
        left = kept.left()
        display.note(
            f"campaign {kept.folder}"
            + (f": {len(left)} of {len(planned)} steps left" if plan.resume else "")
        )
        display.plan(
            sum(len(models) * host_steps.MODEL_WORK if step.variant == HOST else 1 for step in left)
        )
        by_name = {one.variant.name: one for one in prepared}

        def begin(step: Step) -> LabBoot:
            return LabBoot(
                kept.begin_boot(step.variant, step.boot),
                by_name[step.variant],
                work,
                plugin,
                scratch,
                display,
            )

        problems = parallel.boot_all(
            [step for step in left if step.variant in by_name],
            begin,
            parallel.places(variants),
            display.say,
        )
        for step in left:
            if step.variant == plan.label:
                if named:
                    measure = partial(
                        host_steps.measure_dax,
                        named=named,
                        preset=preset_of(plan.preset, here=True),
                        kmap_bench=kmap_bench,
                        display=display,
                    )
                else:
                    measure = partial(
                        host_steps.measure_here,
                        names=here_cases,
                        running=running,
                        kmap_bench=kmap_bench,
                        display=display,
                    )
                problems += _twice(kept, step, measure)
        loading.close()  # user models need no module
        for step in left:
            if step.variant == HOST:
                problems += _twice(
                    kept,
                    step,
                    partial(
                        host_steps.measure_user,
                        names=models,
                        kmap_bench=kmap_bench,
                        display=display,
                    ),
                )
        kept.end()
        for line in kept.differences():
            display.note(f"not the same as in the variant's other boots: {line}")
        display.say("writing the report")
        # Where every boot crashed before its first record there is nothing to report, and what went
        # wrong is said already.
        reported = _report(kept.folder) if any(kept.folder.glob("*/boot-*/micro.jsonl")) else None

    failures = [f"kmapbench: {problem}" for problem in problems]
    code = EXIT_FAILED if failures else EXIT_OK
    if reported:
        print(reported.stdout, end="")
        if reported.returncode != 0:
            failures.append(reported.stderr.strip() or "kmapbench: the report failed")
            code = code or reported.returncode
    for failure in failures:
        print(failure, file=sys.stderr)
    return code


def _work(plan: Plan, kmap_bench: Path) -> Work:
    """What the lab's boots do."""
    return (
        Dax(preset_of(plan.preset, here=bool(plan.label)), kmap_bench)
        if plan.only == "dax"
        else KernelCases(plan.cases, kmap_bench)
    )


def _name(plan: Plan) -> str:
    """What the folder of a campaign is called after the time."""
    if plan.only == "user":
        return HOST
    return plan.label or "-".join(variant.name for variant in plan.variants)


def _twice(
    kept: store.Campaign, step: Step, measure: Callable[[store.Boot], str | None]
) -> list[str]:
    """A step on this machine, made once again where it crashed; what went wrong, a line or none."""
    boot = kept.begin_boot(step.variant, step.boot)
    problem = measure(boot)
    if problem and boot.crashed:
        again = kept.begin_boot(step.variant, step.boot)
        second = measure(again)
        problem = second or f"{problem}; made again, the first try is in {boot.set_aside}"
    return [problem] if problem else []


def _report(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "analysis", "report", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
