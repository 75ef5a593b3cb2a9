# SPDX-License-Identifier: Apache-2.0
"""`run --dry-run`: what a run would install, build and measure, in words. Changes nothing."""

from formats.cache_folder import cache_path
from formats.campaign_format import USER_SPACE
from lab.campaign import schedule
from lab.campaign.schedule import Step
from lab.core import bench_command, requirements
from lab.core.dirs import RESULTS, build_dir
from lab.host.tuning import tuning_plan
from lab.host.tuning.machine import Machine
from lab.kernels import debian_kernels, kernel_cache
from lab.run import disk_space, expectation, preflight, selection
from lab.run.plan import Plan


def describe(plan: Plan) -> str:
    """What run() would do, a line for each thing."""
    if preflight.is_complete(plan):
        return f"{plan.resume}: nothing is left to measure\nreport\n"
    lines = [_packages_line(plan), *_kernel_lines(plan)]
    lines += [_room_line(room) for room in disk_space.rooms(plan)]
    lines += [f"not met: {problem}" for problem in preflight.machine_problems(plan)]
    if plan.tune:
        lines += tuning_plan.describe_plan(
            tuning_plan.plan_tuning(Machine(), isolate=plan.only != "dax")
        )
    lines += _step_lines(plan)
    if not plan.resume and (
        expected := expectation.sentence(plan, plan.out.parent if plan.out else RESULTS)
    ):
        lines.append(expected)
    return "\n".join(lines) + "\n"


def _room_line(room: disk_space.Room) -> str:
    free = "" if room.free_mib is None else f", {room.free_mib:,d} MiB free"
    return f"room: {room.mib:,d} MiB for {room.why} in {room.folder}{free}"


def _packages_line(plan: Plan) -> str:
    from lab.setup import interpreter

    wanted = requirements.needs(preflight.groups(plan), requirements.distribution())
    lacking = requirements.names(requirements.missing(wanted, interpreter.has_module(wanted)))
    return f"packages to install: {' '.join(lacking) or 'none'}"


def _kernel_lines(plan: Plan) -> list[str]:
    if not selection.asks_lab(plan):
        return []
    folder = cache_path()
    missing = [image.name for image in disk_space.images_to_build(plan)]
    lines = []
    for image in {
        variant.image.name: variant.image for variant in plan.variants if variant.image
    }.values():
        took = kernel_cache.last_seconds(image, folder)
        before = (
            f", {took / 60:.0f} minutes the last time" if took else ", about 20 minutes on two CPUs"
        )
        lines.append(
            f"kernel {image.name}: {f'to be built{before}' if image.name in missing else 'built'}"
        )
    lines += [f"kernel {one.name}: {one.built}" for one in plan.variants if one.built]
    if disk_space.takes_packages(plan):
        there = "fetched" if debian_kernels.fetched(folder) else "to be fetched"
        lines.append(f"kernel of the distribution, {plan.kernel or 'the newest known'}: {there}")
    return lines


def _step_lines(plan: Plan) -> list[str]:
    if not bench_command.built().is_file():
        cases = (
            ""
            if plan.cases in ("default", "all")
            else f"; which cases '{plan.cases}' means is known after that"
        )
        lines = [
            f"to build first: {bench_command.built().name} and the programs beside it, in"
            f" {build_dir()}{cases}"
        ]
        planned = _steps_unbuilt(plan)
    else:
        lines, planned = [], _left(plan)
    lines += [f"seed {plan.seed}", *_guests_line(plan, planned)]
    for step in planned:
        half = f" ({step.half} of the A/A row)" if step.half else ""
        lines.append(f"{step.variant}, boot {step.boot}{half}")
    return [*lines, "report"]


def _steps_unbuilt(plan: Plan) -> list[Step]:
    """The same where nobody can say yet whether a glob means a user model."""
    if plan.resume:
        return _left(plan)
    known = plan.cases in ("default", "all") or plan.cases.startswith("user/")
    kernels = (
        [Step(plan.label, 1)]
        if plan.here
        else schedule.steps(
            [variant.name for variant in plan.variants],
            plan.boots,
            plan.seed,
            selection.baseline(plan),
        )
    )
    host_step = (
        [Step(USER_SPACE, 1)] if plan.only == "user" or (plan.only is None and known) else []
    )
    return (kernels if selection.asks_kernel(plan) else []) + host_step


def _left(plan: Plan) -> list[Step]:
    from lab.campaign import rounds, store

    return rounds.left(store.peek(plan.resume)) if plan.resume else selection.steps(plan)


def _guests_line(plan: Plan, planned: list[Step]) -> list[str]:
    if plan.here or all(step.variant == USER_SPACE for step in planned):
        return []
    from lab.run import parallel

    chosen = selection.workload(plan)
    places = parallel.places([chosen.variant(variant) for variant in plan.variants])
    return [f"up to {places} guests at once"]
