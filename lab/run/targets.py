# SPDX-License-Identifier: Apache-2.0
"""What a campaign is measured on: QEMU guests, the running kernel, and user space.

Each target takes the steps of its own variants. What is measured there, kernel cases or fio, is its
workload.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from formats.campaign_format import USER_SPACE
from lab.campaign import schedule
from lab.campaign.schedule import Step
from lab.campaign.store import Boot, Campaign
from lab.core.bench_command import KERNEL
from lab.core.progress import Display
from lab.core.time_left import TimeLeft
from lab.host import bench_program, running_kernel
from lab.host.bench_program import Place
from lab.host.machine_state import Watch
from lab.kernels import build_record, module_build, source_build, variants
from lab.kernels.variant import Variant
from lab.run import host_steps, parallel, selection
from lab.run.guest_boot import LabBoot
from lab.run.plan import Plan
from lab.vm import image
from lab.workloads.fio import on_host
from lab.workloads.fio.workload import preset_of
from lab.workloads.micro import no_case


@dataclass(frozen=True)
class Context:
    """What all targets of a run share."""

    plan: Plan
    kmap_bench: Path
    cache: Path
    scratch: Path  # gone after the run
    display: Display
    times: TimeLeft
    place: Place = field(default_factory=Place)  # where programs run on this machine


class Target(Protocol):
    """A place to measure on. Steps of a campaign belong to the target that takes their variant."""

    refusals: list[str]  # why nothing is counted from outside, if so

    def takes(self, step: Step) -> bool:
        """Whether a step is measured here."""

    def prepare(self, leaving: ExitStack) -> None:
        """Makes ready, or raises KmapbenchError. leaving: undone when the whole run ends."""

    def manifest(self) -> dict[str, dict]:
        """The variants as campaign.json describes them."""

    def work(self, steps: Sequence[Step]) -> float:
        """How much work steps are, for the progress display; a boot in the lab is 1."""

    def measure(self, campaign: Campaign, steps: Sequence[Step]) -> list[str]:
        """Measures steps into the campaign; what went wrong, a line each."""


class Guests:
    """Variants booted under QEMU, several at once."""

    def __init__(self, context: Context):
        self._context = context
        self._workload = selection.workload(context.plan)
        self._variants = [self._workload.variant(variant) for variant in context.plan.variants]
        self._prepared: dict[str, image.Prepared] = {}
        self._plugin: Path | None = None
        self.refusals: list[str] = []

    def takes(self, step: Step) -> bool:
        return step.variant in {variant.name for variant in self._variants}

    def prepare(self, leaving: ExitStack) -> None:
        context = self._context
        images = [variant.image for variant in self._variants if variant.image]
        # Kernels of the user's first: what is wrong with them is known before a build.
        self._prepare([variant for variant in self._variants if variant.built])
        source_build.provide(images, context.cache, context.display)
        self._prepare([variant for variant in self._variants if not variant.built])
        if self._workload.observed:
            self._plugin = image.observer_plugin(self.refusals.append)

    def _prepare(self, chosen: Sequence[Variant]) -> None:
        context = self._context
        for variant in chosen:
            self._prepared[variant.name] = image.prepare(
                variant,
                context.plan.kernel,
                self._workload.content(),
                context.cache,
                context.scratch,
                context.display.say,
            )

    def manifest(self) -> dict[str, dict]:
        described = {}
        for variant in self._variants:
            described[variant.name] = _describe(self._prepared[variant.name])
            if baseline := variants.baseline(variant, self._variants):
                described[variant.name]["baseline"] = baseline
        return described

    def work(self, steps: Sequence[Step]) -> float:
        return len(steps)

    def measure(self, campaign: Campaign, steps: Sequence[Step]) -> list[str]:
        def begin(step: Step) -> LabBoot:
            return self.boot(campaign.begin_boot(step.variant, step.boot, step.attempt))

        def again(steps: Sequence[Step]) -> list[Step]:
            return schedule.repeated(steps, campaign.header["seed"], steps[0].attempt + 1)

        at_once = parallel.places(self._variants)
        return parallel.boot_all(steps, begin, again, at_once, self._context.display.say)

    def boot(self, kept: Boot) -> LabBoot:
        """Begins a boot of a variant that is prepared."""
        context = self._context
        return LabBoot(
            kept,
            self._prepared[kept.variant],
            self._workload,
            self._plugin,
            context.scratch,
            context.display,
        )


def _describe(prepared: image.Prepared) -> dict:
    own = prepared.variant.image
    return {
        "what": prepared.variant.what,
        "release": prepared.kernel.release,
        "packages": prepared.kernel.packages,
        "kernel": prepared.kernel.key,
        "module": prepared.module.parent.name,
        **module_build.describe(prepared.kernel.headers, image.MODULE_SOURCE),
        "patched": prepared.variant.patched,
        "cpu": prepared.variant.cpu,
        "cmdline": prepared.variant.cmdline,
        "regions": prepared.variant.regions,
        **({"built": str(prepared.variant.built)} if prepared.variant.built else {}),
        **(
            {"built_from": build_record.describe(own, prepared.kernel)} if own and own.table else {}
        ),
    }


class RunningKernel:
    """The running kernel of this machine: its module's cases, or fio on what the user names."""

    def __init__(self, context: Context):
        self._context = context
        self._measure: Callable[[Boot], str | None] | None = None
        self._loaded = ExitStack()
        self.refusals: list[str] = []

    def takes(self, step: Step) -> bool:
        return step.variant == self._context.plan.label

    def prepare(self, leaving: ExitStack) -> None:
        leaving.enter_context(self._loaded)
        self._measure = self._fio() if self._context.plan.only == "dax" else self._kernel_cases()

    def _fio(self) -> Callable[[Boot], str | None]:
        context = self._context
        named = on_host.look(Path(context.plan.on or ""))
        on_host.confirm(named, on_host.ask)
        preset = preset_of(context.plan.preset, here=True)
        return lambda boot: host_steps.measure_dax(
            boot, named, preset, context.kmap_bench, context.display, _place(context)
        )

    def _kernel_cases(self) -> Callable[[Boot], str | None]:
        context = self._context
        running = running_kernel.prepare(context.cache, context.display.say)
        self._loaded.enter_context(running_kernel.loaded(running.module))
        names = bench_program.matching(context.kmap_bench, context.plan.cases, KERNEL)
        if not names:
            raise no_case(context.plan.cases, "kernel case")
        return lambda boot: host_steps.measure_here(
            boot, names, running, context.kmap_bench, context.display, _place(context)
        )

    def manifest(self) -> dict[str, dict]:
        return {self._context.plan.label: running_kernel.manifest()}

    def work(self, steps: Sequence[Step]) -> float:
        return len(steps) * host_steps.HERE_WORK

    def measure(self, campaign: Campaign, steps: Sequence[Step]) -> list[str]:
        assert self._measure is not None, "prepare() comes first"
        problems = [
            line for step in steps for line in _twice(self._context, campaign, step, self._measure)
        ]
        self._loaded.close()  # user models need no module
        return problems


class UserSpace:
    """User models, in processes of this machine."""

    def __init__(self, context: Context):
        self._context = context
        self._models = selection.models(context.plan)
        self.refusals: list[str] = []

    def takes(self, step: Step) -> bool:
        return step.variant == USER_SPACE

    def prepare(self, leaving: ExitStack) -> None:
        """Nothing to do: kmap_bench is there."""

    def manifest(self) -> dict[str, dict]:
        return {}

    def work(self, steps: Sequence[Step]) -> float:
        return len(steps) * len(self._models) * host_steps.MODEL_WORK

    def measure(self, campaign: Campaign, steps: Sequence[Step]) -> list[str]:
        context = self._context
        # Fewer than before where --tune has taken CPUs offline: threads need one each.
        models = selection.models(context.plan)

        def measure(boot: Boot) -> str | None:
            return host_steps.measure_user(
                boot, models, context.kmap_bench, context.display, _place(context)
            )

        return [line for step in steps for line in _twice(context, campaign, step, measure)]


def _place(context: Context) -> Place:
    """Where programs run, with a watch of this machine from now on."""
    place = context.place
    return replace(place, watch=Watch(context.plan.level, context.plan.allow, cpus=place.cpus))


def targets(context: Context) -> list[Target]:
    """The targets of a plan, in the order in which they are measured."""
    chosen: list[Target] = []
    if selection.asks_kernel(context.plan):
        place: type[RunningKernel] | type[Guests] = RunningKernel if context.plan.here else Guests
        chosen.append(place(context))
    return [*chosen, UserSpace(context)]


def _twice(
    context: Context, campaign: Campaign, step: Step, measure: Callable[[Boot], str | None]
) -> list[str]:
    """Measures a step on this machine, and once more if it crashed; what went wrong, if so."""
    boot = campaign.begin_boot(step.variant, step.boot)
    context.display.begin(step.variant)
    problem = measure(boot)
    context.display.end(step.variant, keep=not problem)
    if problem and boot.crashed:
        again = campaign.begin_boot(step.variant, step.boot)
        second = measure(again)
        problem = second or f"{problem}; made again, the first try is in {boot.set_aside}"
    return [problem] if problem else []
