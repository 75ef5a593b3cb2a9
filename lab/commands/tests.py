# SPDX-License-Identifier: Apache-2.0
"""`kmapbench test`: ctest for the C++ half, pytest for the rest, the lab included."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable

from formats import exit_codes
from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir
from lab.distributions import steps

# How far a run reaches: pytest's marker expressions, over the markers of pytest.ini.
UNIT = "not guest and not program and not kernels and not checkers and not all"
EVERYDAY = "not kernels and not checkers and not all"
KERNELS = "not checkers and not all"
CHECKERS = "checkers"
ALL = ""

MOST_AT_ONCE = 4  # files of tests: each may boot guests, of up to 2 GiB


def _names_of(known: Iterable[str]):
    """The type of an option that takes some of these names, by comma; they keep the order that they
    are known in.
    """
    names = list(known)

    def taken(text: str) -> list[str]:
        for name in text.split(","):
            if name not in names:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(names)}")
        return [name for name in names if name in text.split(",")]

    return taken


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `test`."""
    more = parser.add_mutually_exclusive_group()
    more.add_argument(
        "--unit",
        action="store_const",
        dest="reach",
        const=UNIT,
        help="only those that take no emulator, no root and little time",
    )
    more.add_argument(
        "--kernels",
        action="store_const",
        dest="reach",
        const=KERNELS,
        help="also those that build kernels",
    )
    more.add_argument(
        "--checkers",
        action="store_const",
        dest="reach",
        const=CHECKERS,
        help="only sanitizers, valgrind and clang-tidy, on all C++ code",
    )
    more.add_argument(
        "--all",
        action="store_const",
        dest="reach",
        const=ALL,
        help="all: debug, the distribution's other kernels, long runs",
    )
    more.add_argument(
        "--distributions",
        action="store_true",
        help=(
            "in place of all that: run and test on Debian 12, 13 and testing, made of nothing;"
            " takes root"
        ),
    )
    _add_distributions(parser)


def _add_distributions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--suites",
        type=_names_of(steps.SUITES),
        metavar="A,B",
        help="with --distributions: which (default: bookworm,trixie,testing)",
    )
    parser.add_argument(
        "--steps",
        type=_names_of(step.name for step in steps.STEPS),
        metavar="A,B",
        help=(
            "with --distributions: what is done there: root/run, root/test, user/run, user/test,"
            " readonly/test (default: all)"
        ),
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="with --distributions: keep nothing of what was finished earlier",
    )


def groups(arguments: argparse.Namespace) -> list[str]:
    """The groups of requirements.toml that the tests need which the options ask for."""
    if arguments.distributions:
        return ["distributions"]  # each installs the rest itself
    if arguments.reach == UNIT:
        return ["python", "build", "test"]
    if arguments.reach == CHECKERS:
        return ["python", "build", "test", "checkers"]
    needed = ["python", "build", "module", "lab", "fio", "predict", "test"]
    if arguments.reach != EVERYDAY:
        needed.append("kernel-build")
    return needed + (["checkers", "deb-build", "all-tests"] if arguments.reach == ALL else [])


def run(reach: str = EVERYDAY) -> int:
    """Both, even where the first fails, so that one run shows everything."""
    ctest = [
        subprocesses.find("ctest", "cmake"),
        "--test-dir",
        str(build_dir()),
        "--output-on-failure",
        "--no-tests=error",
    ]
    # A file's tests share what is slow to make, so they stay together.
    at_once = ["-n", str(min(len(os.sched_getaffinity(0)), MOST_AT_ONCE)), "--dist", "loadfile"]
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *at_once,
        "--durations=20",
        "-m",
        reach,
        "formats",
        "lab",
        "analysis",
    ]
    # Tests start our programs a thousand times: without compiled modules each compiles them anew.
    variables = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    codes = [
        subprocess.run(command, cwd=ROOT, env=variables).returncode for command in (ctest, pytest)
    ]
    return exit_codes.FAILED if any(codes) else exit_codes.OK
