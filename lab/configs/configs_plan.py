# SPDX-License-Identifier: Apache-2.0
"""A table of configurations as it was asked for, its options, and the file in its folder that says
it again. Standard library only.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

from lab.configs import symbol_list
from lab.configs.symbol_list import Change
from lab.core.dirs import RESULTS
from lab.core.errors import KmapbenchError
from lab.kernels import variant_choice
from lab.kernels.variant import Variant
from lab.run import preflight

FILE = "plan.json"
_FORMAT = 1
_LIKE = "small"


@dataclass(frozen=True)
class ConfigsPlan:
    """Which changes of which configuration."""

    like: Variant  # whose kernel is the base
    changes: list[Change]
    booted: bool  # whether kernels are booted; False: the path is counted in its code alone
    folder: Path
    given: list[str]  # the command line


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `configs`."""
    parser.add_argument(
        "--like",
        metavar="NAME",
        help=f"the variant whose kernel and configuration are the base (default: {_LIKE})",
    )
    variant_choice.add_table_option(parser)
    parser.add_argument(
        "--symbols",
        type=Path,
        metavar="FILE",
        help="your own list of symbols (default: kernels/configs/symbols.toml)",
    )
    parser.add_argument(
        "--only",
        metavar="LIST",
        help="these of the list, separated by commas; A+B is both at once (default: all)",
    )
    parser.add_argument(
        "--static",
        action="store_true",
        help="build and boot no kernel: count the path in its code, where that is a straight line",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to make (default: a new one in results/)"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with a table that was interrupted"
    )


def from_arguments(arguments: argparse.Namespace) -> ConfigsPlan:
    """The plan of a command line, or of the table that is to go on. A KmapbenchError where it
    cannot be followed.
    """
    if arguments.resume:
        names = ("like", "variants_file", "symbols", "only", "static", "out")
        if any(getattr(arguments, name) for name in names):
            raise KmapbenchError(
                "--resume goes on with what was asked for then: leave out all else"
            )
        return read(arguments.resume.absolute())
    folder = arguments.out or RESULTS / f"{time.strftime('%Y-%m-%dT%H%M')}-configs"
    preflight.check_folder(folder.absolute())
    known = symbol_list.read((arguments.symbols or symbol_list.OURS).absolute())
    names = arguments.only.split(",") if arguments.only else list(known)
    file = arguments.variants_file.absolute() if arguments.variants_file else None
    return ConfigsPlan(
        _like(arguments.like or _LIKE, file),
        symbol_list.choose(names, known),
        not arguments.static,
        folder.absolute(),
        arguments.given,
    )


def write(plan: ConfigsPlan) -> None:
    """Makes the folder of a table, with all that is needed to go on."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    (plan.folder / FILE).write_text(text(plan))


def text(plan: ConfigsPlan) -> str:
    """What the plan's file says."""
    said = {
        "format": _FORMAT,
        "like": plan.like.name,
        "variants_file": str(plan.like.table) if plan.like.table else None,
        "changes": [vars(change) for change in plan.changes],
        "booted": plan.booted,
        "arguments": plan.given,
    }
    return json.dumps(said, indent=1) + "\n"


def read(folder: Path) -> ConfigsPlan:
    """The plan that a folder has. A KmapbenchError: it has none."""
    try:
        said = json.loads((folder / FILE).read_text())
        file = Path(said["variants_file"]) if said["variants_file"] else None
        changes = [Change(**row | {"lines": tuple(row["lines"])}) for row in said["changes"]]
        like, booted, given = said["like"], said["booted"], said["arguments"]
    except OSError as error:
        raise KmapbenchError(f"{folder}: no table of kmapbench configs: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise KmapbenchError(f"{folder / FILE}: not as kmapbench has written it") from None
    return ConfigsPlan(_like(like, file), changes, booted, folder, given)


def _like(name: str, file: Path | None) -> Variant:
    (like,) = variant_choice.choose([name], file)
    if like.image is None:
        raise KmapbenchError(f"--like {name}: its kernel is not built by kmapbench")
    return like
