# SPDX-License-Identifier: Apache-2.0
"""The main job: a campaign from plan to records, then the report."""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lab import campaign, here, local_boot, order, ownership, ready, side_by_side, source_kernel
from lab.errors import EXIT_FAILED, EXIT_OK, KmapbenchError
from lab.header import header
from lab.lab_boot import LabBoot, no_case
from lab.paths import RESULTS, ROOT, build_dir, cache_dir
from lab.plan import Plan
from lab.progress import Display
from lab.ready import Prepared


def run(plan: Plan) -> int:
    """Measures, reports, and returns the exit code."""
    cache = cache_dir()
    kmap_bench = build_dir() / "bench" / "kmap_bench"
    if not kmap_bench.is_file():
        raise KmapbenchError(f"{kmap_bench}: not built; run ./kmapbench, or: cmake --preset release && cmake --build build")

    with tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch_name, Display() as display, ExitStack() as leaving:
        scratch = Path(scratch_name)
        loading = leaving.enter_context(ExitStack())
        prepared, running, here_cases = [], None, []
        if plan.only != "user" and plan.label:
            running = here.prepare(cache, display.say)
            loading.enter_context(here.loaded(running.module))
            here_cases = here.matching(kmap_bench, plan.cases)
            if not here_cases:
                raise no_case(plan.cases)
        elif plan.only != "user":
            source_kernel.provide([variant.image for variant in plan.variants if variant.image], cache, display)
            prepared = [ready.prepare(variant, plan.series, kmap_bench, cache, scratch, display.say) for variant in plan.variants]
        by_name = {one.variant.name: one for one in prepared}
        steps = order.steps(list(by_name), plan.boots, plan.seed, _baseline(prepared))
        host_work = local_boot.LAUNCHES * local_boot.LAUNCH_WORK if plan.only != "micro" else 0
        display.plan(len(steps) + (local_boot.HERE_WORK if running else 0) + host_work)

        planned = [*steps, *([order.Step(plan.label, 1)] if running else []), *([order.Step(local_boot.HOST, 1)] if plan.only != "micro" else [])]
        name = plan.label if running else "-".join([one.variant.name for one in prepared] or [local_boot.HOST])
        kept = campaign.Campaign(plan.out or campaign.new_folder(RESULTS, name), header(plan, prepared, running, planned))
        leaving.callback(ownership.hand_over, kept.folder)
        display.note(f"campaign {kept.folder}")
        plugin = ready.observer_plugin() if steps else None

        def begin(step: order.Step) -> LabBoot:
            return LabBoot(kept.begin_boot(step.variant, step.boot), by_name[step.variant], plan.cases, plugin, scratch, display)

        problems = side_by_side.boot_all([partial(begin, step) for step in steps], side_by_side.places([one.variant for one in prepared]))
        if running:
            problems.append(local_boot.measure_here(kept.begin_boot(plan.label, 1), here_cases, running, kmap_bench, display))
            loading.close()  # user models need no module
        if plan.only != "micro":
            problems.append(local_boot.measure_user(kept.begin_boot(local_boot.HOST, 1), kmap_bench, display))
        kept.end()
        display.say("writing the report")
        report = subprocess.run([sys.executable, "-m", "analysis", "report", str(kept.folder)], cwd=ROOT, capture_output=True, text=True)

    print(report.stdout, end="")
    failures = [f"kmapbench: {problem}" for problem in problems if problem]
    if report.returncode != 0:
        failures.append(report.stderr.strip() or "kmapbench: the report failed")
    for failure in failures:
        print(failure, file=sys.stderr)
    return report.returncode or (EXIT_FAILED if failures else EXIT_OK)


def _baseline(prepared: list[Prepared]) -> str | None:
    """Whose boots the A/A row is made of: the first unpatched variant, else the first."""
    names = [one.variant.name for one in sorted(prepared, key=lambda one: one.patched)]
    return names[0] if names else None
