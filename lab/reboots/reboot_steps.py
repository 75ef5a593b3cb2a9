# SPDX-License-Identifier: Apache-2.0
"""A campaign over reboots, from one boot to the next.

Each boot of the machine calls go_on(), which accounts for the boot that was asked for, measures it,
and asks for the next one. Whatever ends a boot in the middle, the next call finds it in the files.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.campaign.store import Boot, Campaign
from lab.reboots import boot_order, crash_evidence, reboot_state
from lab.reboots.boot_loader import ADDED, Loader
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.real_machine import RealMachine
from lab.reboots.reboot_state import NextBoot, RebootState
from lab.run import host_steps

_KILLED = "kmapbench was ended in the middle of it"
_WITHOUT_A_WORD = "the machine went down without a word: a hang, a reset, or no power"


@dataclass
class Reboots:
    """A campaign that is under way on a machine."""

    machine: RealMachine
    campaign: Campaign
    loader: Loader
    kernels: list[InstalledKernel]
    state: RebootState
    # Measures a boot that has begun, and ends it; what went wrong, in one line, or None. Calls its
    # second argument with the cases in the order in which they will be measured.
    measure: Callable[[Boot, Callable[[list[str]], None]], str | None]
    say: Callable[[str], None]

    def go_on(self) -> bool:
        """Does what is to be done in this boot. True: the campaign is at its end, and the machine
        on its first kernel; False: a reboot has been asked for.
        """
        if not self.state.is_ending:
            self._account()
            if self._came_up():
                self._measure()
        return self.ask_for_next()

    def ask_for_next(self) -> bool:
        """Asks for the next boot; what it returns is what go_on() does."""
        left_out = boot_order.left_out(self.campaign.header)
        for variant, why in left_out.items():
            if variant not in self.campaign.header["reboots"]["left_out"]:
                self.say(f"{variant}: left out from here on: {why}")
        self.campaign.header["reboots"]["left_out"] = left_out
        step = None
        if not self.state.is_ending:
            step = boot_order.next_step(self.campaign.header, left_out)
        self.campaign.save()
        if step is None:
            return self._end()
        coming = NextBoot(
            step.variant,
            step.boot,
            step.attempt,
            self._tries(step.variant, step.boot),
            self.machine.boot_id(),
            time.time(),
        )
        # In this order: if the power goes in between, the kernel comes up and is asked for again.
        self.loader.choose(step.variant)
        self._keep(next_boot=coming)
        self.say(f"next: {step.variant}, boot {step.boot}")
        self.machine.start_again(self.loader.with_kexec)
        return False

    def stop(self, reason: str) -> None:
        """Measures nothing any more; the next call of ask_for_next() ends the campaign."""
        self._keep(is_ending=True, next_boot=None, stopped=reason)

    def _account(self) -> None:
        """Ends the boot that was begun last, if it has not ended, by what is known of it."""
        boot = self.campaign.unfinished_boot()
        if boot is None:
            return
        if self.state.measured_in == self.machine.boot_id():
            boot.interrupt(_KILLED)
            return
        said = crash_evidence.keep(
            self.machine, self.state.measured_in, boot.folder, self.state.measured_at
        )
        problem = crash_evidence.cause(said) or _WITHOUT_A_WORD
        done = {record["case"] for record in boot.records}
        if at := next((case for case in self.state.cases if case not in done), None):
            boot.append_crashed(
                at, host_steps.clock_of(at), problem, crash_evidence.last_lines(said)
            )
        boot.end(problem)
        self.say(f"{boot.variant}, boot {boot.number}: {problem}")

    def _came_up(self) -> bool:
        """Whether this is the boot that was asked for. One that did not come up is put down as
        lost.
        """
        coming = self.state.next_boot
        if coming is None or self._tries(coming.variant, coming.boot) > coming.tries:
            return False  # it was begun, and is accounted for
        if coming.from_boot_id == self.machine.boot_id():
            return False  # the reboot did not happen yet: it is asked for again
        wanted = next(one.release for one in self.kernels if one.name == coming.variant)
        is_ours = set(ADDED.split()) <= set(self.machine.command_line().split())
        if is_ours and self.machine.release() == wanted:
            return True
        boot = self._begin(coming)
        problem = f"Linux {wanted} did not come up: the machine came back on its first kernel"
        said = crash_evidence.keep(self.machine, None, boot.folder, coming.asked_at)
        if known := crash_evidence.cause(said):
            problem = f"{problem}; {known}"
        boot.end_not_up(problem)
        self.say(f"{boot.variant}, boot {boot.number}: {problem}")
        return False

    def _begin(self, coming: NextBoot) -> Boot:
        self._keep(measured_in=self.machine.boot_id(), measured_at=time.time(), cases=[])
        return self.campaign.begin_boot(coming.variant, coming.boot, coming.attempt)

    def _tries(self, variant: str, boot: int) -> int:
        """How often a boot was begun."""
        order = self.campaign.header["order"]
        return sum((entry["variant"], entry["boot"]) == (variant, boot) for entry in order)

    def _measure(self) -> None:
        coming = self.state.next_boot
        assert coming, "_came_up() comes first"
        boot = self._begin(coming)
        if problem := self.measure(boot, lambda cases: self._keep(cases=cases)):
            self.say(problem)

    def _end(self) -> bool:
        """Goes back to the first kernel; True where the machine is on it."""
        self._keep(is_ending=True, next_boot=None)
        if self.machine.release() == self.state.first:
            if self.state.stopped:
                self.campaign.header["reboots"]["stopped"] = self.state.stopped
            self.campaign.end()
            return True
        self.loader.choose(None)
        self.say(f"back to Linux {self.state.first}")
        self.machine.start_again(self.loader.with_kexec)
        return False

    def _keep(self, **fields: object) -> None:
        self.state = self.state.changed(**fields)
        reboot_state.write(self.campaign.folder, self.state)
