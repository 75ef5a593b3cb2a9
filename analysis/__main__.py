# SPDX-License-Identifier: Apache-2.0
"""python3 -m analysis report DIR; python3 -m analysis compare A B"""

import argparse
import sys
from pathlib import Path

from analysis import commands, options
from analysis.parser import OneLineParser


def main() -> int:
    arguments = _parser().parse_args()
    return commands.execute(_checked, arguments)


def _checked(arguments: argparse.Namespace) -> int:
    arguments.check(arguments)
    code: int = arguments.function(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="kmapbench", description="Reports on campaigns, and compares them.")
    names = parser.add_subparsers(required=True, metavar="COMMAND")
    write = names.add_parser("report", help="write the report of a campaign: text, page, charts")
    options.add_report(write)
    write.set_defaults(function=commands.report, check=lambda _: None)
    compare = names.add_parser("compare", help="say whether one side is slower than another")
    options.add_compare(compare)
    compare.set_defaults(function=commands.compare, check=options.check_history)
    predict = names.add_parser("predict", help="say what llvm-mca predicts, and how wrong it is")
    options.add_predict(predict)
    predict.set_defaults(function=commands.predict, check=lambda _: None)
    before = names.add_parser("forecast", help="say what a campaign could find")
    options.add_forecast(before)
    before.set_defaults(function=commands.forecast, check=lambda _: None)
    judge = names.add_parser("gate", help="judge what kmapbench gate has measured")
    judge.add_argument("folder", type=Path, metavar="DIR", help="of a gate")
    judge.set_defaults(function=commands.gate, check=lambda _: None)
    return parser


sys.exit(main())
