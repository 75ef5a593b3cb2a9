# SPDX-License-Identifier: Apache-2.0
"""What `kmapbench campaign` prints of a plan, and of how far a campaign is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from lab.campaign.schedule import Step
from lab.core import subprocesses
from lab.reboots import boot_loader, reboot_unit
from lab.reboots.boot_loader import Loader
from lab.reboots.boot_order import MOST_LOST, MOST_NOT_UP
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.real_machine import RealMachine
from lab.reboots.reboot_plan import RebootPlan

# Watchdogs that go on counting while the machine restarts, by what they call themselves.
_OUTLIVE_A_RESET = ("IPMI",)


def describe_plan(
    plan: RebootPlan,
    steps: Sequence[Step],
    kernels: Sequence[InstalledKernel],
    loader: Loader,
    machine: RealMachine,
) -> str:
    """All that a campaign would do, as lines of text."""
    width = max(len(kernel.name) for kernel in kernels)
    lines = ["kernels"]
    lines += [f"  {kernel.name:{width}}  Linux {kernel.release}" for kernel in kernels]
    lines += ["", f"boots: {len(steps)}, in this order (seed {plan.seed})"]
    for number, steps_of_round in groupby(steps, lambda step: step.round):
        names = ", ".join(step.variant for step in steps_of_round)
        lines.append(f"  round {number:2d}: {names}")
    lines += ["", "in each boot", *(f"  {line}" for line in _of_a_boot(plan))]
    lines += ["", f"restarts by {loader.name}", *(f"  {line}" for line in loader.describe())]
    lines += ["", "written until the end", f"  {reboot_unit.path(machine.root)}: goes on"]
    lines += ["", "what can happen", *(f"  {line}" for line in _of_trouble(machine))]
    lines += ["", f"at the end: Linux {machine.release()} again, and nothing of the above is left"]
    return "\n".join(lines) + "\n"


def _of_a_boot(plan: RebootPlan) -> Iterator[str]:
    yield f"wait until the machine is quiet, {plan.settle} s at most"
    if plan.tune:
        yield "set what `kmapbench tune` lists, and put it back"
    yield f"kernel cases and user models: {plan.cases}"
    if plan.on:
        yield f"fio on {plan.on}, preset {plan.preset}; a device is formatted"
    yield f"for {plan.limit} s at most; then the boot is lost"


def _of_trouble(machine: RealMachine) -> Iterator[str]:
    yield f"a panic: the machine restarts after {boot_loader.PANIC_SECONDS} s, and goes on"
    yield (
        f"a kernel that does not come up {MOST_NOT_UP} times in a row, or loses {MOST_LOST} boots"
        " in a row, is left out"
    )
    yield f"a hang: {_watchdog(machine.root)}"
    yield "to end it at any moment: kmapbench campaign --cancel"


def _watchdog(root: Path) -> str:
    """What restarts a machine that hangs."""
    found = []
    for folder in sorted((root / "sys/class/watchdog").glob("watchdog*")):
        identity = subprocesses.value(folder / "identity") or "unknown"
        state = subprocesses.value(folder / "state") or "unknown"
        if state == "active":
            found.append(f"{folder.name} ({identity})")
            if any(word in identity for word in _OUTLIVE_A_RESET):
                return f"{folder.name} ({identity}) is armed, and restarts it, also while it boots"
    if found:
        return (
            f"{', '.join(found)} is armed by this system; a kernel that hangs before it arms it"
            " again needs somebody who resets the machine"
        )
    return "no watchdog is armed: somebody has to reset the machine; it goes on after that"


def describe_progress(
    folder: Path,
    header: Mapping[str, Any],
    left_out: Mapping[str, str],
    coming: Step | None,
) -> str:
    """How far a campaign is, as lines of text."""
    last = {(entry["variant"], entry["boot"]): entry["status"] for entry in header["order"]}
    made = Counter(variant for (variant, _), status in last.items() if status == "ok")
    planned = Counter(step["variant"] for step in header["planned"])
    lost = Counter(
        entry["variant"] for entry in header["order"] if entry["status"] not in ("ok", "running")
    )
    to_make = sum(made[one] if one in left_out else planned[one] for one in planned)
    lines = [f"{folder}: {made.total()} of {to_make} boots made"]
    for variant, number in planned.items():
        words = [f"{made[variant]} of {number}"]
        words += [f"{lost[variant]} lost"] * bool(lost[variant])
        words += [f"left out: {left_out[variant]}"] if variant in left_out else []
        lines.append(f"  {variant}: {', '.join(words)}")
    running = [entry for entry in header["order"] if entry["status"] == "running"]
    if running:
        lines.append(f"now: {running[-1]['variant']}, boot {running[-1]['boot']}")
    elif coming:
        lines.append(f"next: {coming.variant}, boot {coming.boot}")
    else:
        lines.append("all boots are made")
    return "\n".join(lines) + "\n"
