# SPDX-License-Identifier: Apache-2.0
"""What a plan measures: which targets, boots and cases. Standard library only, for the launcher
asks before anything is installed.
"""

from typing import TYPE_CHECKING

from formats.campaign_format import USER_SPACE
from lab.campaign import schedule
from lab.campaign.schedule import Step
from lab.core import bench_command, kernel_cases
from lab.core.errors import CommandFailed, KmapbenchError
from lab.host import bench_program
from lab.run.plan import Plan
from lab.workloads.fio.presets import Preset

if TYPE_CHECKING:
    from lab.workloads.micro import Work


def asks_kernel(plan: Plan) -> bool:
    """Whether anything is asked of a kernel; before the build, whether it may be."""
    if plan.only == "user" or plan.cases.startswith("user/"):
        return False
    return _has_kernel_case(plan) is not False


def asks_lab(plan: Plan) -> bool:
    """Whether the emulator is needed."""
    return asks_kernel(plan) and not plan.here


def models(plan: Plan) -> list[str]:
    """Names of the user models that are asked for; kmap_bench has to be built."""
    return (
        bench_program.matching(bench_command.built(), plan.cases, bench_command.USER)
        if plan.only in (None, "user")
        else []
    )


def _has_kernel_case(plan: Plan) -> bool | None:
    """Whether --cases means any kernel case, the module's or kmap_bench's own; None: it is not
    built.
    """
    if plan.only == "dax" or plan.cases in ("default", "all"):
        return True
    try:
        names = [case.name for case in kernel_cases.listed()]
        return bool(
            bench_command.matching(names, plan.cases)
            or bench_program.matching(bench_command.built(), plan.cases, bench_command.KERNEL)
        )
    except (CommandFailed, OSError):
        return None  # nor does a program run here that was built elsewhere


def steps(plan: Plan) -> list[Step]:
    """All steps of a plan, in the order in which they begin: the lab's, the running kernel's, user
    models.
    """
    planned = []
    if asks_kernel(plan) and plan.here:
        planned.append(Step(plan.label, 1))
    elif asks_kernel(plan):
        planned += schedule.steps(
            [variant.name for variant in plan.variants], plan.boots, plan.seed, baseline(plan)
        )
    if models(plan):
        planned.append(Step(USER_SPACE, 1))
    if not planned:
        raise no_case(plan)
    return planned


def workload(plan: Plan) -> "Work":
    """What boots of the lab measure."""
    from lab.workloads.fio.workload import Dax
    from lab.workloads.micro import KernelCases

    if plan.only == "dax":
        return Dax(preset(plan), bench_command.built())
    return KernelCases(plan.cases, bench_command.built())


def no_case(plan: Plan) -> KmapbenchError:
    """What is said where --cases means nothing that the plan can measure."""
    from lab.workloads import micro

    kinds = {"user": "user model", "micro": "kernel case"}
    return micro.no_case(plan.cases, kinds.get(plan.only or "", "case"))


def baseline(plan: Plan) -> str | None:
    """Whose boots the A/A row is made of: the first unpatched variant, else the first."""
    names = [variant.name for variant in sorted(plan.variants, key=lambda variant: variant.patched)]
    return names[0] if names else None


def preset(plan: Plan) -> Preset:
    """What fio measures."""
    from lab.workloads.fio.workload import preset_of

    return preset_of(plan.preset, here=plan.here)
