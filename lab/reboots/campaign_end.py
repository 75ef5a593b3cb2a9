# SPDX-License-Identifier: Apache-2.0
"""How a campaign over reboots ends, also where its folder cannot be read or written any more: what
it wrote outside is taken back in any case, and the machine goes back to its first kernel.
"""

import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

from formats import exit_codes
from lab.campaign import chown, store
from lab.core.errors import KmapbenchError
from lab.core.progress import Display
from lab.reboots import boot_loader, reboot_state, reboot_unit
from lab.reboots.boot_loader import ADDED, Loader
from lab.reboots.real_machine import RealMachine
from lab.reboots.reboot_steps import Reboots
from lab.run import runner

Say = Callable[[str], None]


def tried(say: Say, *steps: Callable[[], object]) -> bool:
    """Does all steps, also after one that fails, which is said; whether all went well."""
    is_good = True
    for step in steps:
        try:
            step()
        except Exception as error:
            say(describe(error))
            is_good = False
    return is_good


def describe(error: Exception) -> str:
    """In one line, or with all that helps to find a mistake of ours."""
    if isinstance(error, (KmapbenchError, OSError)):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


def take_back(loader: Loader, machine: RealMachine, say: Say) -> bool:
    """All that a campaign writes outside of its folder; whether all of it is gone."""
    return tried(say, loader.remove, lambda: reboot_unit.remove(machine))


def take_back_unread(machine: RealMachine, say: Say) -> bool:
    """The same without the campaign's files."""

    def remove_entries() -> None:
        boot_loader.loader(None, [], machine.release(), machine).remove()

    return tried(say, remove_entries, lambda: reboot_unit.remove(machine))


def stop(campaign: store.Campaign, reason: str, say: Say) -> bool:
    """Puts down that a campaign has ended before its time; whether that could be written."""

    def write() -> None:
        if boot := campaign.unfinished_boot():
            boot.interrupt(f"the campaign was ended in the middle of it: {reason}")
        campaign.header["reboots"]["stopped"] = reason
        campaign.end()

    return tried(say, write, lambda: reboot_state.forget(campaign.folder))


def abandon(machine: RealMachine, say: Say) -> int:
    """Ends a campaign of which nothing can be read, in a boot that its unit was started in. The
    exit code.
    """
    take_back_unread(machine, say)
    if set(ADDED.split()) <= set(machine.command_line().split()):
        say("the machine goes back to its default kernel")
        tried(say, machine.start_again)
    return exit_codes.FAILED


def give_up(reboots: Reboots, reason: str, machine: RealMachine, say: Say) -> bool:
    """Ends a campaign that cannot go on, as reboots.ask_for_next() does: True where the machine is
    to be left as it is. Where not even that can be written down, it goes back to its first kernel
    all the same.
    """
    try:
        reboots.stop(reason)
        return reboots.ask_for_next()
    except Exception as error:
        say(describe(error))

    def go_back() -> None:
        reboots.loader.choose(None)
        machine.start_again(reboots.loader.with_kexec)

    if machine.release() != reboots.state.first and tried(say, go_back):
        return False
    stop(reboots.campaign, reason, say)
    return True


def leave(reboots: Reboots, machine: RealMachine, display: Display) -> int:
    """Takes back all that was written outside of the campaign's folder, and writes the report; the
    exit code. The unit goes last: if the power goes before, the next boot does this again.
    """
    campaign = reboots.campaign
    is_good = tried(
        display.note,
        reboots.loader.remove,
        lambda: _write_report(campaign.folder, display),
        lambda: chown.hand_over(campaign.folder),
        lambda: reboot_state.forget(campaign.folder),
        lambda: reboot_unit.remove(machine),
    )
    stopped = campaign.header["reboots"].get("stopped")
    if stopped:
        display.note(f"stopped: {stopped}; campaign --resume {campaign.folder} goes on")
    return exit_codes.FAILED if stopped or not is_good else exit_codes.OK


def _write_report(folder: Path, display: Display) -> None:
    if not any(folder.glob("*/boot-*/micro.jsonl")):
        raise KmapbenchError(f"{folder}: nothing was measured: no report")
    reported: subprocess.CompletedProcess = runner.write_report(folder, whole=False)
    print(reported.stdout, end="", flush=True)
    if reported.returncode:
        raise KmapbenchError(reported.stderr.strip() or "the report failed")
