# SPDX-License-Identifier: Apache-2.0
"""The options of `kmapbench gate`, and what goes with what. Standard library only."""

import argparse
import re
from pathlib import Path

from analysis.options import FAIL_ON
from lab.core.errors import KmapbenchError
from lab.run import plan

USAGE = "kmapbench gate --tree DIR BASE HEAD"
# The name of a CI system in KCIDB.
_ORIGIN = re.compile(r"[a-z0-9_]+")

_EPILOG = """\
exit code: 0: all that was asked for was judged, and nothing failed; 1: a case takes more, or HEAD
does not build, does not boot, crashes or protects nothing; 2: wrong use, or this machine cannot do
it; 3: nothing failed, and something could not be judged: BASE does not build or boot, a control is
off, a case has no figure on one side. The comment, and what is printed at the end, say why.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `gate`."""
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "base",
        nargs="?",
        metavar="BASE",
        help="the commit that HEAD is held against; without --tree, a kernel that is built: a"
        " folder or package as of run --variants NAME=DIR",
    )
    parser.add_argument(
        "head",
        nargs="?",
        metavar="HEAD",
        help="the commit to be judged, or 'work': what lies in the tree; likewise (default with"
        " --patches: BASE)",
    )
    parser.add_argument("--tree", type=Path, metavar="DIR", help="the git tree; it is only read")
    parser.add_argument(
        "--patches",
        type=Path,
        metavar="DIR|MBOX",
        help="a folder of *.patch, or a mailbox, that HEAD has on top",
    )
    parser.add_argument(
        "--config",
        metavar="NAME|FILE",
        help="configuration of both, as a table of variants has it (default: lab)",
    )
    parser.add_argument("--toolchain", metavar="NAME", help="gcc, gcc-14, llvm, llvm-19")
    parser.add_argument("--cmdline", metavar="TEXT", help="added to the kernel command line")
    _add_measuring(parser)


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cases",
        metavar="default|all|GLOB",
        help="kernel cases: default (about a dozen), all, or a glob such as 'kernel/*'",
    )
    parser.add_argument(
        "--boots",
        type=plan.count,
        metavar="N",
        help=f"of each kernel (default: {plan.EXACT_BOOTS}; what is not exact is judged from 8 on)",
    )
    parser.add_argument("--fail-on", choices=FAIL_ON, help=f"as of compare (default: {FAIL_ON[0]})")
    parser.add_argument(
        "--origin",
        type=_origin,
        metavar="NAME",
        help="the CI system, in kcidb.json (default: kmapbench)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to make (default: a new one in results/)"
    )
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on after an interruption")


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not of a-z, 0-9 and _ alone")
    return text


def check_given(arguments: argparse.Namespace) -> None:
    """A KmapbenchError where options are missing, or do not go with each other."""
    if arguments.resume:
        others = [name for name in _NAMES if getattr(arguments, name) is not None]
        if others:
            raise KmapbenchError(
                "--resume goes on with what was asked for then: leave out all else"
            )
        return
    if not arguments.base:
        raise KmapbenchError(f"BASE is missing: {USAGE}")
    if not arguments.head and not arguments.patches:
        raise KmapbenchError(f"HEAD is missing: {USAGE}")
    if not arguments.tree:
        for name in ("patches", "config", "toolchain"):
            if getattr(arguments, name) is not None:
                raise KmapbenchError(
                    f"--{name} says how a commit is built: give --tree DIR and a commit"
                )
    for name in ("config", "toolchain", "cases"):
        if getattr(arguments, name) == "":
            raise KmapbenchError(f"--{name}: is empty")


_NAMES = (
    *("base", "head", "tree", "patches", "config", "toolchain", "cmdline", "cases", "boots"),
    *("fail_on", "origin", "out"),
)
