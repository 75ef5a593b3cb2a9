# SPDX-License-Identifier: Apache-2.0
"""`report` and `compare`, with their options read."""

import argparse
import io
import os
import sys
from collections.abc import Callable
from importlib import import_module

from analysis.data.bad_data import BadData
from formats import exit_codes

# Formats whose module has another name.
_FORMATS = {"md": "markdown"}


def execute(function: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """The exit code of a command; what ends it is one line."""
    try:
        code = function(arguments)
        sys.stdout.flush()
        return code
    except BadData as error:
        print(f"kmapbench: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except (
        BrokenPipeError
    ):  # whoever read has had enough; nor does Python's own flush at exit have anybody to write to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"kmapbench: {error.filename}: {error.strerror}", file=sys.stderr)
    return exit_codes.UNMET


def report(arguments: argparse.Namespace) -> int:
    """Writes a campaign's report again, and says what it is; 1 where its figures are not valid."""
    from analysis.report import writer

    written = writer.write_report(arguments.folder)
    print(written.mail if arguments.print else written.summary, end="")
    for problem in written.problems:
        print(f"kmapbench: {problem}", file=sys.stderr)
    return exit_codes.FAILED if written.problems else exit_codes.OK


def compare(arguments: argparse.Namespace) -> int:
    """Prints a comparison. What the output's encoding lacks becomes '?': names are anybody's."""
    from analysis.compare import engine, inputs

    pairs, notes = inputs.pair_sources(arguments.sides, arguments.baseline)
    groups = engine.compare(pairs, arguments.allow, arguments.metric)
    exporter = import_module(
        f"analysis.report.comparison.as_{_FORMATS.get(arguments.format, arguments.format)}"
    )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    print(exporter.export(groups, notes), end="")
    return engine.exit_code(groups, arguments.fail_on)
