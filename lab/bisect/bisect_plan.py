# SPDX-License-Identifier: Apache-2.0
"""A search as it was asked for, its options, and the file in its folder that says it again.
Standard library only.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

from lab.core.dirs import RESULTS
from lab.core.errors import KmapbenchError
from lab.kernels import git_tree, image_check, variant_choice
from lab.kernels.variant import Variant
from lab.run import preflight

_FILE = "bisect.json"
_FORMAT = 1


@dataclass(frozen=True)
class BisectPlan:
    """A search for a commit."""

    tree: Path
    good: str  # full names of commits
    bad: str
    case: str
    like: Variant  # how kernels are built and booted
    folder: Path
    given: list[str]  # the command line


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bisect`."""
    parser.add_argument("good", nargs="?", metavar="GOOD", help="a commit that has the old figure")
    parser.add_argument("bad", nargs="?", metavar="BAD", help="a later one that has the new figure")
    parser.add_argument("--tree", type=Path, metavar="DIR", help="the git tree; it is only read")
    parser.add_argument("--case", metavar="CASE", help="whose instructions are compared")
    parser.add_argument(
        "--like",
        metavar="NAME",
        help="the variant whose configuration, patches, compiler and command line are used"
        " (default: plain)",
    )
    parser.add_argument(
        "--variants-file",
        type=Path,
        metavar="FILE",
        help="your own table of variants, for --like (default: kmapbench.toml in the current"
        " folder, if there is one)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to make (default: a new one in results/)"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with a search that was interrupted"
    )


def from_arguments(arguments: argparse.Namespace) -> BisectPlan:
    """The plan of a command line, or of the search that is to go on. A KmapbenchError where it
    cannot be followed.
    """
    if arguments.resume:
        names = ("good", "bad", "tree", "case", "like", "variants_file", "out")
        if any(getattr(arguments, name) for name in names):
            raise KmapbenchError(
                "--resume goes on with what was asked for then: leave out all else"
            )
        return _read(arguments.resume.absolute())
    for name in ("good", "bad", "tree", "case"):
        if not getattr(arguments, name):
            word = name.upper() if name in ("good", "bad") else f"--{name}"
            raise KmapbenchError(
                f"{word} is missing: kmapbench bisect GOOD BAD --tree DIR --case CASE"
            )
    folder = arguments.out or RESULTS / f"{time.strftime('%Y-%m-%dT%H%M')}-bisect"
    preflight.check_folder(folder.absolute())
    tree = arguments.tree.expanduser().absolute()
    file = arguments.variants_file.absolute() if arguments.variants_file else None
    return BisectPlan(
        tree,
        _commit(tree, "GOOD", arguments.good),
        _commit(tree, "BAD", arguments.bad),
        _case(arguments.case),
        _like(arguments.like or "plain", file),
        folder.absolute(),
        arguments.given,
    )


def write(plan: BisectPlan) -> None:
    """Makes the folder of a search, with all that is needed to go on."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    table = plan.like.table
    said = {
        "format": _FORMAT,
        "tree": str(plan.tree),
        "good": plan.good,
        "bad": plan.bad,
        "case": plan.case,
        "like": plan.like.name,
        "variants_file": str(table) if table else None,
        "arguments": plan.given,
    }
    (plan.folder / _FILE).write_text(json.dumps(said, indent=1) + "\n")


def _read(folder: Path) -> BisectPlan:
    try:
        said = json.loads((folder / _FILE).read_text())
        file = Path(said["variants_file"]) if said["variants_file"] else None
        tree = Path(said["tree"])
        good, bad, case, given = (said[name] for name in ("good", "bad", "case", "arguments"))
    except OSError as error:
        raise KmapbenchError(f"{folder}: no search of kmapbench bisect: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise KmapbenchError(f"{folder / _FILE}: not as kmapbench has written it") from None
    return BisectPlan(
        tree,
        _commit(tree, "GOOD", good),
        _commit(tree, "BAD", bad),
        case,
        _like(said["like"], file),
        folder,
        given,
    )


def _commit(tree: Path, what: str, commit: str) -> str:
    if not tree.is_dir():
        raise KmapbenchError(f"--tree {tree}: no such folder")
    try:
        git_tree.check(tree, commit)
        if commit == git_tree.WORK:
            raise KmapbenchError("what lies there is no commit")
        return git_tree.commit_of(tree, commit)
    except KmapbenchError as error:
        raise KmapbenchError(f"{what} {commit}: {error}") from None


def _case(case: str) -> str:
    if set(case) & set("*?[") or case in ("default", "all"):
        raise KmapbenchError(f"--case {case}: give one case; ./kmapbench cases lists them")
    return case


def _like(name: str, file: Path | None) -> Variant:
    (like,) = variant_choice.choose([name], file)
    if like.image is None:
        raise KmapbenchError(f"--like {name}: its kernel is not built by kmapbench")
    if like.image.table:
        image_check.check(like.image)
    return like
