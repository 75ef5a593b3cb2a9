# SPDX-License-Identifier: Apache-2.0
"""A search as it was asked for, its options, and the file in its folder that says it again: for a
commit of a tree, or along the patches of a series. Standard library only.
"""

import argparse
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

from lab.core import text_file
from lab.core.dirs import RESULTS
from lab.core.errors import KmapbenchError
from lab.kernels import git_tree, image_check, variant_choice
from lab.kernels.variant import Variant
from lab.run import preflight
from lab.trace.static_tier import BODIES

FILE = "bisect.json"
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
    static: bool = False  # whether kernels are not booted: their code is counted


@dataclass(frozen=True)
class SeriesPlan:
    """The cost of each patch of a series."""

    patches: Path  # a folder or a mailbox
    case: str
    like: Variant  # how kernels are built and booted; its own patches are not applied
    folder: Path
    given: list[str]
    static: bool = False


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bisect`."""
    parser.add_argument("good", nargs="?", metavar="GOOD", help="a commit that has the old figure")
    parser.add_argument("bad", nargs="?", metavar="BAD", help="a later one that has the new figure")
    parser.add_argument(
        "--series",
        type=Path,
        metavar="DIR",
        help="in place of commits: a folder of *.patch, or a mailbox; say what each patch costs",
    )
    parser.add_argument(
        "--static",
        action="store_true",
        help="build and boot no kernel: count the path in its code, where that is a straight line",
    )
    parser.add_argument("--tree", type=Path, metavar="DIR", help="the git tree; it is only read")
    parser.add_argument("--case", metavar="CASE", help="whose instructions are compared")
    parser.add_argument(
        "--like",
        metavar="NAME",
        help="the variant whose configuration, patches, compiler and command line are used"
        " (default: plain)",
    )
    variant_choice.add_table_option(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to make (default: a new one in results/)"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with a search that was interrupted"
    )


def from_arguments(arguments: argparse.Namespace) -> BisectPlan | SeriesPlan:
    """The plan of a command line, or of the search that is to go on. A KmapbenchError where it
    cannot be followed.
    """
    if arguments.resume:
        names = ("good", "bad", "series", "static", "tree", "case", "like", "variants_file", "out")
        if any(getattr(arguments, name) for name in names):
            raise KmapbenchError(
                "--resume goes on with what was asked for then: leave out all else"
            )
        return read(arguments.resume.absolute())
    _check_given(arguments)
    folder = (arguments.out or RESULTS / f"{time.strftime('%Y-%m-%dT%H%M')}-bisect").absolute()
    preflight.check_folder(folder)
    file = arguments.variants_file.absolute() if arguments.variants_file else None
    case = _case(arguments.case, arguments.static)
    like = _like(arguments.like or "plain", file)
    if arguments.series:
        patches = arguments.series.expanduser().absolute()
        return _checked(SeriesPlan(patches, case, like, folder, arguments.given, arguments.static))
    tree = arguments.tree.expanduser().absolute()
    good, bad = _commit(tree, "GOOD", arguments.good), _commit(tree, "BAD", arguments.bad)
    return BisectPlan(tree, good, bad, case, like, folder, arguments.given, arguments.static)


def _check_given(arguments: argparse.Namespace) -> None:
    """What has to be given, and what may not."""
    usage = "kmapbench bisect GOOD BAD --tree DIR --case CASE"
    wanted = ["good", "bad", "tree", "case"]
    if arguments.series:
        usage = "kmapbench bisect --series DIR --case CASE"
        wanted = ["case"]
        for name in ("good", "bad", "tree"):
            if given := getattr(arguments, name):
                raise KmapbenchError(f"{given}: not with --series: {usage}")
    for name in wanted:
        if not getattr(arguments, name):
            word = name.upper() if name in ("good", "bad") else f"--{name}"
            raise KmapbenchError(f"{word} is missing: {usage}")


def write(plan: BisectPlan | SeriesPlan) -> None:
    """Makes the folder of a search, with all that is needed to go on."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    (plan.folder / FILE).write_text(text(plan))


def text(plan: BisectPlan | SeriesPlan) -> str:
    """What the plan's file says."""
    table = plan.like.table
    said = {
        "format": _FORMAT,
        "case": plan.case,
        "like": plan.like.name,
        "variants_file": str(table) if table else None,
        "arguments": plan.given,
        "static": plan.static,
    }
    if isinstance(plan, SeriesPlan):
        said["series"] = str(plan.patches)
    else:
        said |= {"tree": str(plan.tree), "good": plan.good, "bad": plan.bad}
    return json.dumps(said, indent=1) + "\n"


def read(folder: Path) -> BisectPlan | SeriesPlan:
    """The plan that a folder has. A KmapbenchError: it has none."""
    try:
        said = json.loads((folder / FILE).read_text())
        file = Path(said["variants_file"]) if said["variants_file"] else None
        series = Path(said["series"]) if "series" in said else None
        case, given, static = (said[name] for name in ("case", "arguments", "static"))
        tree, good, bad = (
            ("", "", "") if series else (said[name] for name in ("tree", "good", "bad"))
        )
        like = said["like"]
    except OSError as error:
        raise KmapbenchError(f"{folder}: no search of kmapbench bisect: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise KmapbenchError(f"{folder / FILE}: not as kmapbench has written it") from None
    if series:
        return _checked(SeriesPlan(series, case, _like(like, file), folder, given, static))
    good, bad = _commit(Path(tree), "GOOD", good), _commit(Path(tree), "BAD", bad)
    return BisectPlan(Path(tree), good, bad, case, _like(like, file), folder, given, static)


def _checked(plan: SeriesPlan) -> SeriesPlan:
    found = list(plan.patches.glob("*.patch")) if plan.patches.is_dir() else [plan.patches]
    if not found or not plan.patches.exists():
        raise KmapbenchError(f"--series {plan.patches}: no *.patch there, and no mailbox")
    for path in found:
        try:
            content = text_file.read(path, errors="replace")
        except OSError as error:
            raise KmapbenchError(f"--series: {path}: {error.strerror}") from None
        if not _MAIL.match(content) and not _CHANGES.search(content):
            raise KmapbenchError(f"--series: {path}: neither a patch nor a mailbox of them")
    return plan


_MAIL = re.compile(r"From |(From|Date|Subject): ")  # one, or a mailbox
_CHANGES = re.compile(r"^--- .*\n\+\+\+ ", re.MULTILINE)


def _commit(tree: Path, what: str, commit: str) -> str:
    if commit == git_tree.WORK:
        raise KmapbenchError(f"{what} {commit}: what lies there is no commit")
    return git_tree.find_commit(tree, what, commit)


def _case(case: str, static: bool) -> str:
    if set(case) & set("*?[") or case in ("default", "all"):
        raise KmapbenchError(f"--case {case}: give one case; ./kmapbench cases lists them")
    if static and case not in BODIES:
        raise KmapbenchError(f"--case {case}: --static counts one of {', '.join(BODIES)}")
    return case


def _like(name: str, file: Path | None) -> Variant:
    (like,) = variant_choice.choose([name], file)
    if like.image is None:
        raise KmapbenchError(f"--like {name}: its kernel is not built by kmapbench")
    if like.image.table:
        image_check.check(like.image)
    return like
