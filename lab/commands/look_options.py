# SPDX-License-Identifier: Apache-2.0
"""The options of `check` and `cases`, which look at this machine and this program, and change
nothing. Standard library only.
"""

import argparse
from collections.abc import Callable

from formats.conditions import LEVELS


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `check` and `cases`. new_command: makes a command of a subparsers object, a name and a
    help.
    """
    saying = "say what can be measured here, what disturbs it, and what to do; changes nothing"
    look = new_command(commands, "check", help=saying)
    look.add_argument(
        "--level",
        choices=LEVELS,
        help="publish: also each condition of times that are to be published, and exit code 1 where"
        " one is not met; compare: the same with exit code 0; smoke: only what can be measured",
    )
    look.add_argument(
        "--format", choices=("text", "json"), default="text", help="json: for programs"
    )
    look.set_defaults(function=_look, groups=lambda _: ["build"], is_built=lambda _: True)
    cases = new_command(commands, "cases", help="list what can be measured, and what it needs")
    cases.add_argument("glob", nargs="?", default="*", metavar="GLOB", help="default: all")
    cases.set_defaults(function=_cases, groups=lambda _: ["build"], is_built=lambda _: True)


def _cases(arguments: argparse.Namespace) -> int:
    from lab.commands import list_cases

    return list_cases.list_cases(arguments.glob)


def _look(arguments: argparse.Namespace) -> int:
    from lab.commands import check

    return check.run(arguments.level, as_json=arguments.format == "json")
