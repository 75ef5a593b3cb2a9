# SPDX-License-Identifier: Apache-2.0
"""The options of `pack`, and what can be said of them before any file is read. Standard library
only: the launcher reads them before numpy and the rest are there.
"""

import argparse
from pathlib import Path

from analysis.data.bad_data import BadData, no_campaign

_SUFFIX = ".tar.xz"


def add_pack(parser: argparse.ArgumentParser) -> None:
    """The options of `pack`."""
    parser.add_argument(
        "path", type=Path, metavar="DIR|FILE", help="a campaign; with --check what pack has made"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"the archive to write (default: NAME{_SUFFIX} next to the campaign)",
    )
    parser.add_argument(
        "--anonymize",
        action="store_true",
        help="hide what names the machine, its users and its network in the archive; the campaign"
        " stays as it is",
    )
    parser.add_argument(
        "--with-names", action="store_true", help="pack a campaign though it has such names"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        dest="check_only",
        help="write nothing: say whether FILE would be taken into results/contributed/",
    )


def check_pack(arguments: argparse.Namespace) -> None:
    """BadData where there is nothing to pack, or options contradict each other."""
    if not arguments.path.exists():
        raise BadData(
            f"{arguments.path}: no such file or folder; give a campaign's folder, or with"
            " --check an archive that pack has made"
        )
    for name in ("out", "anonymize", "with_names") if arguments.check_only else ():
        if getattr(arguments, name):
            raise BadData(f"--{name.replace('_', '-')}: of packing, and --check packs nothing")
    if arguments.check_only:
        return
    if arguments.anonymize and arguments.with_names:
        raise BadData("--anonymize hides names and --with-names keeps them: give one of the two")
    if not (arguments.path / "campaign.json").exists():
        raise BadData(no_campaign(arguments.path))
    if arguments.out and not arguments.out.name.endswith(_SUFFIX):
        raise BadData(f"{arguments.out}: the archive is a {_SUFFIX}: give --out FILE{_SUFFIX}")
    if arguments.out and not arguments.out.absolute().parent.is_dir():
        raise BadData(f"{arguments.out}: there is no folder {arguments.out.parent}")
