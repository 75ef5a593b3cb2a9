# SPDX-License-Identifier: Apache-2.0
"""The command line: parsed, with what can be said of it at once, and a command run.

Standard library only, as long as nothing is run: the launcher reads options before anything is
installed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from analysis import streams
from analysis.data.bad_data import BadData
from analysis.parser import OneLineParser
from formats import exit_codes
from lab import VERSION, command_table, help_texts, wrong_use
from lab.core import signals
from lab.core.errors import KmapbenchError


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
    command_table.add_no_install(top)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command_table.add_commands(commands)
    return top, commands.choices


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
    wrong_use.check_empty(words)
    return parsed


def guarded(work: Callable[[], int]) -> int:
    """What work() returns, an exit code; whatever ends it is one line."""
    streams.make_usable()
    try:
        with signals.heeded():
            return work()
    except (KmapbenchError, BadData) as error:
        streams.complain(f"kmapbench: {error}")
        return getattr(error, "exit_code", exit_codes.UNMET)
    except KeyboardInterrupt as error:
        streams.complain(f"kmapbench: ended by {signals.cause(error)}")
        return signals.exit_code(error)
    except BrokenPipeError:
        return exit_codes.OK
    except OSError as error:
        streams.complain(f"kmapbench: {error.filename or 'system'}: {error.strerror}")
        return exit_codes.UNMET
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("lab", "analysis"):
            raise
        streams.complain(
            f"kmapbench: {error}: start it as ./kmapbench, which installs what is missing"
        )
        return exit_codes.UNMET


def main(arguments: Sequence[str] | None = None) -> int:
    """A command, on a machine that has all it needs."""

    def work() -> int:
        parsed = parse(sys.argv[1:] if arguments is None else arguments)
        return parsed.function(parsed)

    return guarded(work)
