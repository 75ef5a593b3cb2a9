# SPDX-License-Identifier: Apache-2.0
"""The options of `kmapbench campaign`. Standard library only, as long as nothing is run."""

import argparse
from collections.abc import Callable
from pathlib import Path

from formats.cache_folder import cache_path
from lab.core.errors import KmapbenchError
from lab.reboots import reboot_plan
from lab.run import option

_EXAMPLES = """\
examples:
  kmapbench campaign --kernels plain,off,protected --dry-run     what would be done, and how it ends
  kmapbench campaign --kernels plain,off,protected               ten boots of each, by itself
  kmapbench campaign --status                                    how far it is
  kmapbench campaign --cancel                                    ends it, and takes everything back
"""


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `campaign`. new_command: makes a command of a subparsers object, a name and a help."""
    campaign = new_command(
        commands,
        "campaign",
        help="measure kernels of this machine over reboots, by itself; as root",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option.add_options(campaign, reboot_plan.OPTIONS)
    campaign.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="read options from FILE (each campaign has a plan.toml); command-line options"
        " override it",
    )
    instead = campaign.add_mutually_exclusive_group()
    instead.add_argument(
        "--dry-run", action="store_true", help="print all that would be done; do nothing"
    )
    instead.add_argument(
        "--status", action="store_true", help="say how far the campaign of this machine is"
    )
    instead.add_argument(
        "--cancel",
        action="store_true",
        help="end the campaign of this machine now; what was measured is kept",
    )
    instead.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with a campaign that was cancelled"
    )
    instead.add_argument("--go-on", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    campaign.set_defaults(function=_run, check=_check, groups=_groups, is_built=_is_built)


def _asks_for_a_plan(arguments: argparse.Namespace) -> bool:
    return not (arguments.status or arguments.cancel or arguments.resume or arguments.go_on)


def _groups(arguments: argparse.Namespace) -> list[str]:
    if arguments.status or arguments.cancel:
        return []
    if arguments.go_on:
        return ["python"]  # all else was there when it was begun
    fio = ["fio"] if arguments.planned.on else []
    return ["python", "build", "module", *fio]


def _is_built(arguments: argparse.Namespace) -> bool:
    return not (arguments.status or arguments.cancel or arguments.go_on)


def _check(arguments: argparse.Namespace) -> None:
    if _asks_for_a_plan(arguments):
        from lab.reboots import reboot_preflight

        arguments.planned = reboot_plan.from_arguments(arguments)
        reboot_preflight.check_options(arguments.planned)
        if not arguments.dry_run:  # which tells all that is not met
            reboot_preflight.check_machine(arguments.planned)
        return
    given = option.given_options(arguments, reboot_plan.OPTIONS)
    given |= {"plan": arguments.plan} if arguments.plan else {}
    if given:
        names = ", ".join(option.flag(name) for name in given)
        raise KmapbenchError(
            f"{names}: of a new campaign; --status, --cancel and --resume take no other option"
        )
    if arguments.resume:
        file = arguments.resume.absolute() / "plan.toml"
        said = option.read_plan_file(file, reboot_plan.PLANNED)
        arguments.planned = reboot_plan.from_said(said)


def _run(arguments: argparse.Namespace) -> int:
    from lab.reboots import campaign_command

    if arguments.status:
        return campaign_command.status()
    if arguments.cancel:
        return campaign_command.cancel()
    if arguments.go_on:
        return campaign_command.go_on(arguments.go_on, cache_path())
    if arguments.resume:
        return campaign_command.resume(arguments.resume.absolute(), arguments.planned)
    if arguments.dry_run:
        return campaign_command.dry_run(arguments.planned)
    return campaign_command.start(arguments.planned)
