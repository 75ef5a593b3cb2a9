# SPDX-License-Identifier: Apache-2.0
"""The table of commands: their options, what checks these, what runs them, and what they need.

Standard library only, as long as nothing is run. What a command sets as defaults of its parser:
`check` looks at the options without running anything, `function` runs the command, `groups` names
the groups of requirements.toml that it needs, and `is_built` says whether it needs kmap_bench and
the programs beside it. Each is called with the parsed options.
"""

import argparse
from collections.abc import Callable, Sequence

from analysis import commands as analysis_commands
from analysis import options as analysis_options
from analysis.sharing import pack_options
from lab import search_options
from lab.commands import (
    fleet_options,
    kernel_options,
    look_options,
    run_options,
    task_options,
    tests,
    tune_options,
)
from lab.core.errors import KmapbenchError
from lab.distributions import matrix
from lab.gate import gate_command
from lab.predict import predict_plan
from lab.reboots import campaign_options


def add_commands(commands) -> None:
    """Adds all commands to the top parser's subparsers, in the order in which --help lists them."""
    run_options.add(commands, new_command)
    _add_analysis(commands)
    search_options.add_calibrate(commands, new_command)
    search_options.add_searches(commands, new_command)
    _add_tests(commands)
    for add in _IN_MODULES:
        add(commands, new_command)


# What adds a command, or several, from a module of its own: add(commands, new_command).
_IN_MODULES = (
    look_options.add,
    kernel_options.add,
    campaign_options.add,
    predict_plan.add,
    tune_options.add,
    gate_command.add,
    fleet_options.add,
    task_options.add,
)


def new_command(commands, name: str, **words) -> argparse.ArgumentParser:
    """A command that needs nothing, and whose options need no check, unless its defaults say so."""
    parser = commands.add_parser(name, **words)
    add_no_install(parser)
    parser.set_defaults(check=_no_check, groups=needing(), is_built=lambda _: False)
    return parser


def add_no_install(parser: argparse.ArgumentParser) -> None:
    """Adds --no-install."""
    parser.add_argument(
        "--no-install",
        action="store_true",
        default=argparse.SUPPRESS,  # it is an option of each command, and of none
        help="install nothing: list the packages that are missing, and end",
    )


def needing(*groups: str) -> Callable[[argparse.Namespace], list[str]]:
    """The `groups` of a command that needs the same whatever its options are."""
    return lambda _: list(groups)


def _no_check(_: argparse.Namespace) -> None:
    pass


# Commands that need the files of campaigns only: name, help, what adds its options, what runs it,
# what looks at its options, and groups of packages.
_OF_ANALYSIS: Sequence[tuple[str, str, Callable, Callable, Callable, tuple[str, ...]]] = (
    (
        "report",
        "write the report of a campaign again: text, page, charts",
        analysis_options.add_report,
        analysis_commands.report,
        analysis_options.check_report,
        ("python",),
    ),
    (
        "compare",
        "say whether one kernel is slower than another, and how sure that is",
        analysis_options.add_compare,
        analysis_commands.compare,
        analysis_options.check_compare,
        ("python",),
    ),
    (
        "site",
        "make a web site of many campaigns, of files that need no server",
        analysis_options.add_site,
        analysis_commands.site,
        analysis_options.check_site,
        ("python",),
    ),
    (
        "list",
        "list campaigns: date, kernels, what came out",
        analysis_options.add_list,
        analysis_commands.list_campaigns,
        _no_check,
        (),
    ),
    (
        "show",
        "show the records of one case: samples, cost, path",
        analysis_options.add_show,
        analysis_commands.show,
        analysis_options.check_report,
        ("python",),
    ),
    (
        "pack",
        "make one small archive of a campaign, for others to check",
        pack_options.add_pack,
        analysis_commands.pack,
        pack_options.check_pack,
        ("python",),
    ),
)


def _add_analysis(commands) -> None:
    for name, help, add_options, function, check, groups in _OF_ANALYSIS:
        command = new_command(commands, name, help=help)
        add_options(command)
        command.set_defaults(function=_of_analysis(function), check=check, groups=needing(*groups))


def _of_analysis(command):
    """A command of analysis/, with what ends it as one line."""
    return lambda arguments: analysis_commands.execute(command, arguments)


def _add_tests(commands) -> None:
    test = new_command(commands, "test", help="run all tests that need no kernel build, or more")
    tests.add_options(test)
    test.set_defaults(
        function=_test,
        check=_check_test,
        reach=tests.EVERYDAY,
        groups=tests.groups,
        is_built=lambda arguments: not arguments.distributions,
    )
    lint = new_command(commands, "lint", help="run formatters, linters and type checkers")
    lint.set_defaults(function=_lint, groups=needing("python", "lint"))


def _check_test(arguments: argparse.Namespace) -> None:
    for name in ("suites", "steps", "fresh"):
        if getattr(arguments, name) and not arguments.distributions:
            raise KmapbenchError(f"--{name} goes with --distributions")
    if arguments.distributions:
        matrix.check_user()


def _test(arguments: argparse.Namespace) -> int:
    if arguments.distributions:
        return matrix.run(arguments.suites, arguments.steps, arguments.fresh)
    return tests.run(arguments.reach)


def _lint(_: argparse.Namespace) -> int:
    from lab.commands import lint

    return lint.run()
