# SPDX-License-Identifier: Apache-2.0
"""The commands: their options, what can be said of them at once, and what they run.

Standard library only, as long as nothing is run: the launcher reads options before anything is
installed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from analysis import commands as analysis_commands
from analysis import options as analysis_options
from analysis.data.bad_data import BadData
from analysis.parser import OneLineParser
from formats import exit_codes
from lab import VERSION, help_texts, wrong_use
from lab.bisect import bisect_plan
from lab.commands import kernel_options, tests
from lab.configs import configs_plan
from lab.core import signals
from lab.core.errors import KmapbenchError
from lab.distributions import matrix
from lab.run import plan_options


def parser() -> argparse.ArgumentParser:
    """Of all commands."""
    return _parsers()[0]


def _parsers() -> tuple[OneLineParser, dict[str, OneLineParser]]:
    """Of all commands, and those of each."""
    top = OneLineParser(
        prog="kmapbench",
        description="What WRPKRS costs in kmap_local_page() and kunmap_local().",
        epilog=help_texts.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"kmapbench {VERSION}")
    _add_no_install(top)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_run(commands)
    for name, help, add_options, function, check in _OF_ANALYSIS:
        command = _command(commands, name, help=help)
        add_options(command)
        command.set_defaults(function=_of_analysis(function), check=check)
    _add_searches(commands)
    _add_looks(commands)
    _add_tests(commands)
    kernel_options.add(commands, _command)
    return top, commands.choices


def _no_check(_: argparse.Namespace) -> None:
    pass


# Commands that need the files of campaigns only: name, help, what adds its options, what runs it,
# and what looks at its options.
_OF_ANALYSIS = (
    (
        "report",
        "write the report of a campaign again: text, page, charts",
        analysis_options.add_report,
        analysis_commands.report,
        analysis_options.check_report,
    ),
    (
        "compare",
        "say whether one kernel is slower than another, and how sure that is",
        analysis_options.add_compare,
        analysis_commands.compare,
        analysis_options.check_compare,
    ),
    (
        "list",
        "list campaigns: date, kernels, what came out",
        analysis_options.add_list,
        analysis_commands.list_campaigns,
        _no_check,
    ),
    (
        "show",
        "show the records of one case: samples, cost, path",
        analysis_options.add_show,
        analysis_commands.show,
        analysis_options.check_report,
    ),
    (
        "calibrate",
        "simulate how often a verdict is wrong; cells that are there already are kept",
        analysis_options.add_calibrate,
        analysis_commands.calibrate,
        _no_check,
    ),
)


def _add_run(commands) -> None:
    run = _command(
        commands,
        "run",
        help="measure and report: kernel cases in the lab, user models on this machine",
        epilog=help_texts.EXAMPLES_OF_RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan_options.add_options(run)
    run.add_argument(
        "--dry-run",
        action="store_true",
        help="print what would be done: packages, kernels, every step; do nothing",
    )
    run.set_defaults(function=_run, check=_check_run)


def _add_searches(commands) -> None:
    """What builds and measures one kernel after another."""
    for name, help, plans, runner in (
        (
            "bisect",
            "find the commit that changed a case's instructions, one boot a step",
            bisect_plan,
            "lab.bisect.bisect_run",
        ),
        (
            "configs",
            "say what each symbol of a kernel configuration costs",
            configs_plan,
            "lab.configs.configs_run",
        ),
    ):
        search = _command(commands, name, help=help)
        plans.add_options(search)
        search.set_defaults(function=_run_by(runner), check=_planned_by(plans.from_arguments))


def _add_looks(commands) -> None:
    """What looks at this machine and this program, and changes nothing."""
    saying = "say what can be measured here, what disturbs it, and what to do; changes nothing"
    look = _command(commands, "check", help=saying)
    look.set_defaults(function=_look)
    cases = _command(commands, "cases", help="list what can be measured, and what it needs")
    cases.add_argument("glob", nargs="?", default="*", metavar="GLOB", help="default: all")
    cases.set_defaults(function=_cases)


def _add_tests(commands) -> None:
    test = _command(commands, "test", help="run all tests that need no kernel build, or more")
    tests.add_options(test)
    test.set_defaults(function=_test, check=_check_test, reach=tests.EVERYDAY)
    lint = _command(commands, "lint", help="run formatters, linters and type checkers")
    lint.set_defaults(function=_lint)


def _command(commands, name: str, **words) -> argparse.ArgumentParser:
    """A command; `check` looks at its options without running anything, `function` runs it."""
    parser = commands.add_parser(name, **words)
    _add_no_install(parser)
    parser.set_defaults(check=_no_check)
    return parser


def _add_no_install(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-install",
        action="store_true",
        default=argparse.SUPPRESS,  # it is an option of each command, and of none
        help="install nothing: list the packages that are missing, and end",
    )


def _check_run(arguments: argparse.Namespace) -> None:
    from lab.run import preflight

    arguments.planned = plan_options.from_arguments(arguments)
    preflight.check_options(arguments.planned)
    if not arguments.dry_run:  # which tells all that is not met
        preflight.check_machine(arguments.planned)


def _run(arguments: argparse.Namespace) -> int:
    from lab.run import dry_run, preflight

    if arguments.dry_run:
        print(dry_run.describe(arguments.planned), end="")
        return (
            exit_codes.UNMET
            if any(preflight.machine_problems(arguments.planned))
            else exit_codes.OK
        )
    from lab.run import runner  # jsonschema and rich, which the other commands can do without

    return runner.run(arguments.planned)


def _planned_by(read: Callable[[argparse.Namespace], object]):
    """A check that keeps what it has read of the options."""
    return lambda arguments: setattr(arguments, "planned", read(arguments))


def _run_by(module: str):
    """A command that a module runs, which needs jsonschema and rich, as run does."""
    return lambda arguments: import_module(module).run(arguments.planned)


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


def _of_analysis(command):
    """A command of analysis/, with what ends it as one line."""
    return lambda arguments: analysis_commands.execute(command, arguments)


def _cases(arguments: argparse.Namespace) -> int:
    from lab.commands import list_cases

    return list_cases.list_cases(arguments.glob)


def _look(_: argparse.Namespace) -> int:
    from lab.commands import check

    return check.run()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command, looked at as far as nothing has to be installed, built or started
    for it.

    Ends with SystemExit where the parser has had its say (--help, a typo), else with KmapbenchError
    or BadData.
    """
    top, commands = _parsers()
    words = list(arguments)
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    wrong_use.check_command(words, commands)
    parsed, unknown = top.parse_known_args(words)
    wrong_use.check_unrecognized(parsed, unknown)
    parsed.given = list(arguments)
    parsed.check(parsed)
    return parsed


def guarded(work: Callable[[], int]) -> int:
    """What work() returns, an exit code; whatever ends it is one line."""
    try:
        with signals.heeded():
            return work()
    except (KmapbenchError, BadData) as error:
        print(f"kmapbench: {error}", file=sys.stderr)
        return getattr(error, "exit_code", exit_codes.UNMET)
    except KeyboardInterrupt as error:
        print(f"kmapbench: ended by {signals.cause(error)}", file=sys.stderr)
        return signals.exit_code(error)
    except BrokenPipeError:
        return exit_codes.OK
    except OSError as error:
        print(f"kmapbench: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
        return exit_codes.UNMET
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("lab", "analysis"):
            raise
        print(
            f"kmapbench: {error}: start it as ./kmapbench, which installs what is missing",
            file=sys.stderr,
        )
        return exit_codes.UNMET


def main(arguments: Sequence[str] | None = None) -> int:
    """A command, on a machine that has all it needs."""

    def work() -> int:
        parsed = parse(sys.argv[1:] if arguments is None else arguments)
        return parsed.function(parsed)

    return guarded(work)
