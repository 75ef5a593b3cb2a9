# SPDX-License-Identifier: Apache-2.0
"""python3 -m analysis report DIR; python3 -m analysis compare A B"""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from analysis.errors import EXIT_BAD_DATA, EXIT_FAILED, EXIT_INTERRUPTED, BadData

_SIDES = """\
what a side is:
  FOLDER            a campaign: each variant with the one of the same name on the other side; where each side has but one
                    kernel, these two
  FOLDER:VARIANT    one variant of it
  FILE.json         what Google Benchmark or fio wrote; one launch, so its repetitions give no verdict
  FOLDER            of such files: each a launch
One campaign alone: its variants against --baseline. More than two sides: each against the first.

exit code: 0 good; 1 --fail-on met a slower; 2 sides that cannot be compared, or bad data; 3 --fail-on unresolved met one and nothing slower
"""


class _Parser(argparse.ArgumentParser):
    """One line for wrong use, and no usage text around it."""

    def error(self, message: str):
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(EXIT_BAD_DATA)


def main() -> int:
    arguments = _parser().parse_args()
    try:
        code = arguments.function(arguments)
        sys.stdout.flush()
        return code
    except BadData as error:
        print(f"kmapbench: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read has had enough; nor does Python's own flush at exit have anybody to write to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"kmapbench: {error.filename}: {error.strerror}", file=sys.stderr)
    return EXIT_BAD_DATA


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="kmapbench", description="Reports on campaigns, and compares them.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    write = commands.add_parser("report", help="write report.txt, report/index.html and charts/ of a campaign")
    write.add_argument("folder", type=Path, metavar="DIR")
    write.set_defaults(function=_report)
    compare = commands.add_parser(
        "compare", help="say whether one side is slower than another", epilog=_SIDES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    compare.add_argument("sides", nargs="+", metavar="SIDE", help="the old one, then the new; see below")
    compare.add_argument("--baseline", metavar="VARIANT", help="of one campaign: compare the others with this (default: the first unpatched)")
    compare.add_argument("--metric", action="append", default=[], metavar="NAME", help="cost, core_cycles, ns, real_time, iops, a counter, ... or all")
    compare.add_argument("--format", choices=("text", "md", "html", "json"), default="text")
    compare.add_argument("--fail-on", choices=("slower", "unresolved"), help="end with 1 where something is slower; unresolved: with 3 where something is not resolved, too")
    compare.add_argument("--allow", action="append", default=[], metavar="NAME", help="let the sides differ in this, as the refusal names it; is printed in the report")
    compare.set_defaults(function=_compare)
    return parser


def _report(arguments: argparse.Namespace) -> int:
    from analysis import report

    written = report.write(arguments.folder)
    print(written.text, end="")
    for problem in written.problems:
        print(f"kmapbench: {problem}", file=sys.stderr)
    return EXIT_FAILED if written.problems else 0


def _compare(arguments: argparse.Namespace) -> int:
    from analysis import compare, sides

    pairs, notes = sides.pairs(arguments.sides, arguments.baseline)
    groups = compare.compare(pairs, arguments.allow, arguments.metric)
    exporter = import_module(f"analysis.exports.{ {'md': 'markdown'}.get(arguments.format, arguments.format) }")
    print(exporter.export(groups, notes), end="")
    return compare.exit_code(groups, arguments.fail_on)


sys.exit(main())
