# SPDX-License-Identifier: Apache-2.0
"""`kmapbench campaign`: begun, gone on with after each boot, cancelled, resumed."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from formats import exit_codes
from lab.campaign import schedule, store
from lab.campaign.schedule import Step
from lab.core import bench_command
from lab.core.dirs import MODULE_SOURCE, RESULTS, cache_dir
from lab.core.errors import KmapbenchError
from lab.core.progress import Display
from lab.host import running_kernel
from lab.kernels import module_build
from lab.reboots import (
    boot_loader,
    boot_order,
    campaign_end,
    kernel_choice,
    reboot_plan,
    reboot_preflight,
    reboot_state,
    reboot_unit,
)
from lab.reboots.boot_measurement import BootMeasurement
from lab.reboots.campaign_text import describe_plan, describe_progress
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.real_machine import RealMachine
from lab.reboots.reboot_plan import RebootPlan
from lab.reboots.reboot_state import RebootState
from lab.reboots.reboot_steps import Reboots
from lab.run import campaign_name, manifest, option
from lab.workloads.fio import on_host


def dry_run(plan: RebootPlan, machine: RealMachine = RealMachine()) -> int:
    """Prints what a campaign would do; the exit code says whether it can."""
    problems = list(reboot_preflight.machine_problems(plan, machine))
    for problem in problems:
        print(f"kmapbench: {problem}", file=sys.stderr)
    if problems:
        return exit_codes.UNMET
    kernels = kernel_choice.choose(plan.kernels, machine.root)
    loader = reboot_preflight.loader_of(plan, kernels, machine)
    print(describe_plan(plan, _steps(plan, kernels, machine), kernels, loader, machine), end="")
    return exit_codes.OK


def start(plan: RebootPlan, machine: RealMachine = RealMachine()) -> int:
    """Begins a campaign, and asks for its first boot."""
    kernels = kernel_choice.choose(plan.kernels, machine.root)
    loader = reboot_preflight.loader_of(plan, kernels, machine)
    device = _confirmed(plan)
    with Display() as display:
        # Now, so that no compiler runs in a boot that is measured.
        for kernel in kernels:
            headers = machine.root / "lib/modules" / kernel.release / "build"
            built = running_kernel.RunningKernel(kernel.release, headers)
            module_build.build(built, MODULE_SOURCE, cache_dir(), display.say)
        names = "-".join(kernel.name for kernel in kernels)
        folder = plan.out or campaign_name.new_folder(RESULTS, names)
        described = _header(plan, kernels, loader.name, machine)
        campaign = store.Campaign.begin(folder, described, reboot_plan.write(plan))
        state = RebootState(machine.release(), loader.name, device)
        reboot_state.write(folder, state)
        display.note(f"campaign {folder}: {len(described['planned'])} boots; it goes on by itself")
        display.note("how far it is: kmapbench campaign --status; to end it: --cancel")
        return _begin(plan, kernels, campaign, state, machine, display)


def resume(folder: Path, plan: RebootPlan, machine: RealMachine = RealMachine()) -> int:
    """Goes on with a campaign that was cancelled, or that could not go on. plan: the campaign's."""
    reboot_preflight.check_machine(plan, machine)
    campaign = store.Campaign.reopen(folder)
    if "reboots" not in campaign.header:
        raise KmapbenchError(f"{folder}: not over reboots; go on with run --resume {folder}")
    kernels = kernel_choice.choose(plan.kernels, machine.root)
    _check_same(campaign.header)
    if boot := campaign.unfinished_boot():
        boot.interrupt("the campaign was cancelled in the middle of it")
    campaign.header["ended"] = None
    campaign.header["reboots"].pop("stopped", None)
    loader = reboot_preflight.loader_of(plan, kernels, machine)
    state = RebootState(machine.release(), loader.name, _confirmed(plan))
    reboot_state.write(folder, state)
    with Display() as display:
        return _begin(plan, kernels, campaign, state, machine, display)


def _begin(
    plan: RebootPlan,
    kernels: list[InstalledKernel],
    campaign: store.Campaign,
    state: RebootState,
    machine: RealMachine,
    display: Display,
) -> int:
    """Installs what goes on with a campaign, and asks for its first boot."""
    reboots = _reboots(plan, kernels, campaign, state, machine, display)
    try:
        reboots.loader.install()
        reboot_unit.install(campaign.folder, machine)
        is_done = reboots.ask_for_next()
    except BaseException as error:  # the next reboot, whoever asks for it, would begin the campaign
        campaign_end.take_back(reboots.loader, machine, display.note)
        campaign_end.stop(campaign, f"not begun: {error or 'interrupted'}", display.note)
        raise
    return campaign_end.leave(reboots, machine, display) if is_done else exit_codes.OK


def go_on(folder: Path, cache: Path, machine: RealMachine = RealMachine()) -> int:
    """What each boot calls; the last one writes the report. Whatever goes wrong: nobody is there to
    mend it, and the machine is wanted back.
    """
    with Display() as display:
        try:
            reboots = _read(folder, machine, display)
        except Exception as error:
            display.note(f"the campaign cannot go on: {campaign_end.describe(error)}")
            return campaign_end.abandon(machine, display.note)
        try:
            if not reboots.state.is_ending:
                _check_same(reboots.campaign.header)
            is_done = reboots.go_on()
        except Exception as error:
            display.note(f"the campaign cannot go on: {campaign_end.describe(error)}")
            is_done = campaign_end.give_up(reboots, str(error), machine, display.note)
        return campaign_end.leave(reboots, machine, display) if is_done else exit_codes.OK


def _read(folder: Path, machine: RealMachine, display: Display) -> Reboots:
    """A campaign that was begun in an earlier boot."""
    plan = reboot_plan.from_said(option.read_plan_file(folder / "plan.toml", reboot_plan.PLANNED))
    state = reboot_state.read(folder)
    campaign = store.Campaign.reopen(folder)
    kernels = [
        InstalledKernel(name, described["release"])
        for name, described in campaign.header["variants"].items()
    ]
    return _reboots(plan, kernels, campaign, state, machine, display)


def cancel(machine: RealMachine = RealMachine()) -> int:
    """Ends the campaign of this machine, whatever it is doing."""
    folder = reboot_unit.campaign_folder(machine.root)
    if folder is None:
        raise KmapbenchError("no campaign is under way on this machine")
    reboot_unit.stop()
    say = partial(print, "kmapbench:", file=sys.stderr)
    try:
        state = reboot_state.read(folder)
        campaign = store.Campaign.reopen(folder)
    except KmapbenchError as error:  # what it wrote outside goes, whatever became of its folder
        say(str(error))
        campaign_end.take_back_unread(machine, say)
        return exit_codes.FAILED
    # First what is outside: the disk of the campaign may be full.
    loader = boot_loader.loader(state.loader, [], state.first, machine)
    is_good = campaign_end.take_back(loader, machine, say)
    is_good &= campaign_end.stop(campaign, "cancelled", say)
    print(f"{folder}: cancelled; what was measured is kept, and campaign --resume {folder} goes on")
    if machine.release() != state.first:
        print(f"the machine runs Linux {machine.release()}; a reboot takes it to its default")
    return exit_codes.OK if is_good else exit_codes.FAILED


def status(machine: RealMachine = RealMachine()) -> int:
    """Prints how far the campaign of this machine is."""
    folder = reboot_unit.campaign_folder(machine.root)
    if folder is None:
        print("no campaign is under way on this machine")
        return exit_codes.OK
    header = store.peek(folder)
    left_out = boot_order.left_out(header)
    coming = boot_order.next_step(header, left_out)
    print(describe_progress(folder, header, left_out, coming), end="")
    return exit_codes.OK


def _reboots(
    plan: RebootPlan,
    kernels: list[InstalledKernel],
    campaign: store.Campaign,
    state: RebootState,
    machine: RealMachine,
    display: Display,
) -> Reboots:
    loader = boot_loader.loader(state.loader, kernels, state.first, machine)
    measure = BootMeasurement(plan, state.device, cache_dir(), display, machine)
    return Reboots(machine, campaign, loader, kernels, state, measure, display.note)


def _header(
    plan: RebootPlan, kernels: list[InstalledKernel], loader: str, machine: RealMachine
) -> dict:
    described = running_kernel.manifest()
    return {
        "asked": plan.asked(),
        "seed": plan.seed,
        "variants": {
            kernel.name: described
            | {
                "what": f"Linux {kernel.release} of this machine",
                "release": kernel.release,
                "patched": kernel_choice.is_patched(kernel, machine.root),
            }
            for kernel in kernels
        },
        "tools": {"qemu": None} | manifest.tools_of_host(has_fio=bool(plan.on)),
        "kmapbench": manifest.program(bench_command.built()),
        **manifest.schedule_fields(_steps(plan, kernels, machine)),
        "reboots": {"loader": loader, "first": machine.release(), "left_out": {}},
    }


def _steps(
    plan: RebootPlan, kernels: Sequence[InstalledKernel], machine: RealMachine
) -> list[Step]:
    """All boots in the order in which they are made."""
    unpatched = [one for one in kernels if not kernel_choice.is_patched(one, machine.root)]
    baseline = (unpatched or list(kernels))[0].name
    return schedule.steps([one.name for one in kernels], plan.boots, plan.seed, baseline)


def _check_same(header: dict) -> None:
    """A KmapbenchError where kmap_bench is not the one that a campaign was begun with."""
    if header["kmapbench"]["kmap_bench"] != manifest.program(bench_command.built())["kmap_bench"]:
        raise KmapbenchError(
            f"{bench_command.built()}: built anew since the campaign began, which would compare two"
            " programs: begin a new campaign"
        )


def _confirmed(plan: RebootPlan) -> str | None:
    """The identity of the device that is formatted in each boot, which the user has to name
    once.
    """
    if not plan.on:
        return None
    named = on_host.look(Path(plan.on))
    on_host.confirm(named, on_host.ask)
    return None if named.kind else on_host.identity(named.path)
