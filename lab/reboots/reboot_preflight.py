# SPDX-License-Identifier: Apache-2.0
"""All that can be said against a campaign over reboots before anything is written. Changes nothing.

Standard library only, for the launcher asks before anything is installed.
"""

import os
from collections.abc import Iterator

from formats.cache_folder import cache_path
from formats.conditions import PUBLISH
from lab.core.dirs import RESULTS, ROOT, build_dir
from lab.core.errors import KmapbenchError
from lab.host import level_check, running_kernel
from lab.host.tuning import tuned
from lab.reboots import boot_loader, kernel_choice, reboot_unit
from lab.reboots.boot_loader import Loader
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.real_machine import RealMachine, mount_of
from lab.reboots.reboot_plan import RebootPlan
from lab.run import preflight
from lab.workloads.fio import workload

# File systems that a reboot empties.
_IN_MEMORY = ("tmpfs", "ramfs")


def check_options(plan: RebootPlan) -> None:
    """A KmapbenchError where the options cannot be followed, whatever the machine is."""
    if plan.on:
        workload.preset_of(plan.preset, here=True)
    if plan.out:
        preflight.check_folder(plan.out)
    if plan.cases == "":
        raise KmapbenchError("--cases: give default, all or a glob such as 'kernel/*'")


def check_machine(plan: RebootPlan, machine: RealMachine = RealMachine()) -> None:
    """A KmapbenchError where this machine cannot make the campaign."""
    for problem in machine_problems(plan, machine):
        raise KmapbenchError(problem)


def machine_problems(plan: RebootPlan, machine: RealMachine = RealMachine()) -> Iterator[str]:
    """All that check_machine() would say, a line each."""
    root = machine.root
    if os.geteuid() != 0:
        yield "campaign boots kernels and loads a module, which takes root: use sudo"
    if not (root / "run/systemd/system").is_dir():
        yield "this system does not run systemd, which goes on with the campaign after each boot"
    if folder := reboot_unit.campaign_folder(root):
        yield (
            f"{folder}: a campaign is under way on this machine: wait for it, or end it:"
            " kmapbench campaign --cancel"
        )
    try:
        kernels = kernel_choice.choose(plan.kernels, root)
        for kernel in kernels:
            yield from kernel_choice.problems(kernel, root)
        yield from loader_of(plan, kernels, machine).problems()
    except KmapbenchError as error:
        yield str(error)
    yield from _said_by(lambda: running_kernel.needs(root, 0))
    if plan.tune:
        yield from _said_by(tuned.check_can_tune)
    if plan.level == PUBLISH:
        yield from _said_by(lambda: level_check.check_publishable(plan.allow, plan.tune))
    yield from _said_by(lambda: preflight.check_on(plan.on, root))
    for folder in (plan.out or RESULTS, cache_path(), ROOT, build_dir()):
        kind, _ = mount_of(folder.absolute(), root)
        if kind in _IN_MEMORY:
            yield f"{folder}: on {kind}, which a reboot empties: choose another folder"


def loader_of(plan: RebootPlan, kernels: list[InstalledKernel], machine: RealMachine) -> Loader:
    """What starts the plan's kernels; the machine comes back to the one that runs now."""
    return boot_loader.loader(plan.loader, kernels, machine.release(), machine)


def _said_by(check) -> Iterator[str]:
    try:
        check()
    except KmapbenchError as error:
        yield str(error)
