# SPDX-License-Identifier: Apache-2.0
"""python3 -m analysis report DIR"""

import argparse
import sys
from pathlib import Path

from analysis import report
from analysis.errors import EXIT_BAD_DATA, BadData


def main() -> int:
    parser = argparse.ArgumentParser(prog="analysis", description="Reports on campaigns.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    write = commands.add_parser("report", help="write report.txt, report/index.html and charts/ of a campaign")
    write.add_argument("folder", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    try:
        print(report.write(arguments.folder), end="")
    except BadData as error:
        print(f"kmapbench: {error}", file=sys.stderr)
        return EXIT_BAD_DATA
    except OSError as error:
        print(f"kmapbench: {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_BAD_DATA
    return 0


sys.exit(main())
