# SPDX-License-Identifier: Apache-2.0
"""The options of `report` and `compare`, and what can be said of them before any figure is read.

Standard library only: the launcher reads them before numpy and the rest are there.
"""

import argparse
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from analysis.data.bad_data import BadData, no_campaign, no_side, no_such_file, no_such_folder
from analysis.parser import seed_number, whole_number
from analysis.site.site_folder import check_folder
from formats import config_table

FAIL_ON = ("slower", "differs", "unresolved")

_SIDES = """\
what a side is:
  FOLDER            a campaign: each variant is compared with the one of the same name on the
                    other side, or, if each side has only one kernel, these two
  FOLDER:VARIANT    one variant of it
  FOLDER:A,B        alone: its variant B, and any further one, against A
  FILE.json         written by Google Benchmark or fio: one launch, so no verdict is given
  FOLDER            of such files (*.json): each is a launch, all with the same settings
One campaign alone: its variants against --baseline. More than two sides: each against the first.
--history: of each case of each variant, all campaigns that were made on the same machine.

exit code: 0: --fail-on is not given, or all that was asked for was judged and nothing failed;
1: a case is slower, or an exact count is more (differs: also what is slower by an open size, or
differs within the margin); 2: bad data, or sides that cannot be compared; 3: nothing failed, and a
case could not be judged: no test, fewer than 8 pairs, no pairs, boots or cases of one side lost
(unresolved: also one that is unresolved)
"""


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if "" in names:
        raise argparse.ArgumentTypeError(f"'{text}': a name is empty; give names as in plain,off")
    return names


def add_report(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a campaign")
    parser.add_argument(
        "--print", action="store_true", help="print report.txt, not only where it is"
    )


def add_list(parser: argparse.ArgumentParser) -> None:
    """The options of `list`."""
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="DIR",
        default=Path(__file__).parents[1] / "results",
        help="where campaigns lie (default: results/)",
    )


def add_show(parser: argparse.ArgumentParser) -> None:
    """The options of `show`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a campaign")
    parser.add_argument("case", metavar="CASE", help="as `cases` lists it")
    parser.add_argument("--variant", metavar="NAME", help="of this kernel only")


def add_compare(parser: argparse.ArgumentParser) -> None:
    """The options of `compare`."""
    parser.epilog = _SIDES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "sides", nargs="*", metavar="SIDE", help="the old one, then the new; see below"
    )
    parser.add_argument(
        "--history",
        nargs="+",
        type=Path,
        default=[],
        metavar="DIR",
        help="in place of sides: say where a level moved in all campaigns of these folders",
    )
    _add_choice(parser)
    parser.add_argument("--format", choices=("text", "md", "html", "json", "ktap"), default="text")
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        help="end with 1 or 3 where something is slower or could not be judged; see below",
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="let the sides differ in this, as the refusal names it; is printed in the report",
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """What is compared of the sides."""
    parser.add_argument(
        "--baseline",
        metavar="VARIANT",
        help="of one campaign: compare the others with this (default: the first unpatched)",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME",
        help="cost, core_cycles, ns, real_time, iops, a counter, ... or all",
    )
    parser.add_argument(
        "--cases",
        action="append",
        default=[],
        metavar="GLOB",
        help="compare only these cases; may be given several times",
    )
    parser.add_argument(
        "--variants",
        type=_names,
        default=[],
        metavar="A,B",
        help="compare only these variants",
    )
    parser.add_argument(
        "--only-changed",
        action="store_true",
        help="leave out what is not known to have changed",
    )


def add_site(parser: argparse.ArgumentParser) -> None:
    """The options of `site`."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folders in which campaigns lie at any depth, and tables of configs and bisect"
        " --series; or archives of a campaign (.tar.xz)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("public"),
        metavar="DIR",
        help="an empty folder, or one with a site, of which what changed is written anew (default:"
        " %(default)s)",
    )
    parser.add_argument(
        "--url",
        default="",
        metavar="URL",
        help="where the site will be, for the links of its feed: without it these are relative",
    )


def check_site(arguments: argparse.Namespace) -> None:
    """BadData where there is nothing to make a site of, or something else lies in its place."""
    for path in arguments.folders:
        if not path.is_dir() and not (path.is_file() and path.name.endswith(".tar.xz")):
            raise BadData(
                f"{path}: no folder and no archive of a campaign (.tar.xz); give folders in which"
                " campaigns lie"
                if path.exists()
                else no_such_folder(path)
            )
    check_folder(arguments.out)
    if arguments.url and not arguments.url.startswith(("https://", "http://")):
        raise BadData(f"--url {arguments.url}: give an address that begins with https://")


def add_forecast(parser: argparse.ArgumentParser) -> None:
    """The options of `forecast`, which the lab calls before a run."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="where campaigns lie")
    parser.add_argument("--pairs", type=int, required=True, metavar="N")
    parser.add_argument("--alpha", type=float, required=True, metavar="P", help="to be spent")
    parser.add_argument("--variants", required=True, metavar="A,B")
    parser.add_argument("--cases", default="*", metavar="GLOB")
    parser.add_argument("--base", default="", metavar="VERSION")


def add_predict(parser: argparse.ArgumentParser) -> None:
    """The options of `predict`, which the lab calls when it has asked llvm-mca."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="of the prediction")
    parser.add_argument("campaign", type=Path, metavar="CAMPAIGN", help="of the user models")
    parser.add_argument("--format", choices=("text", "md", "json"), default="text")


def add_calibrate(parser: argparse.ArgumentParser) -> None:
    """The options of `calibrate`."""
    parser.add_argument(
        "--quick", action="store_true", help="ten cells only, of 500 campaigns, and keep nothing"
    )
    parser.add_argument(
        "--cells",
        metavar="WORDS",
        default="",
        help="only cells with all of these, as in 'pairs=10,cases=12,normal'",
    )
    parser.add_argument(
        "--seed", type=seed_number, default=1, metavar="S", help="default: %(default)s"
    )
    parser.add_argument(
        "--jobs",
        type=whole_number(1, 1024),
        metavar="N",
        help="cells at a time (default: one a core)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where cells are kept and their table is written (default: results/calibration)",
    )


def check_report(arguments: argparse.Namespace) -> None:
    """BadData where there is no campaign to report on."""
    if not (arguments.folder / "campaign.json").exists():
        raise BadData(no_campaign(arguments.folder))


def check_compare(arguments: argparse.Namespace) -> None:
    """BadData where a side is nothing that can be compared, by its name alone."""
    check_history(arguments)
    for text in arguments.sides:
        path = Path(text)
        if meant := _variant_meant(text, arguments.sides):
            raise BadData(f"{text}: a variant is given as {meant}")
        if path.exists() or path.is_symlink():
            is_campaign = (path / "campaign.json").exists()
            has_files = any(path.glob("*.json")) and not (path / config_table.FILE).exists()
            if path.is_dir() and not is_campaign and not has_files:
                raise BadData(no_side(path))
            continue
        folder = Path(text.rpartition(":")[0]) if ":" in text else path
        if not folder.exists():
            raise BadData(no_such_file(path))
        if not (folder / "campaign.json").exists():
            raise BadData(no_campaign(folder))


def _variant_meant(text: str, sides: Sequence[str]) -> str:
    """How to give what is meant by FOLDER/VARIANT, or by a variant's name beside its folder; empty
    where a side is neither.
    """
    path = Path(text)
    if path.name in _variants(path.parent) and not (path / "campaign.json").exists():
        return f"{path.parent}:{path.name}"
    folders = [other for other in sides if text in _variants(Path(other))]
    return f"{folders[0]}:{text}" if folders and not path.exists() else ""


def _variants(folder: Path) -> Collection[str]:
    """Those of a campaign; none where there is none, or it cannot be read: that is told later."""
    try:
        header = json.loads((folder / "campaign.json").read_text())
    except (OSError, ValueError):
        return ()
    variants = header.get("variants") if isinstance(header, dict) else None
    return variants if isinstance(variants, dict) else ()


def check_history(arguments: argparse.Namespace) -> None:
    """BadData where sides and --history do not go together."""
    if bool(arguments.sides) == bool(arguments.history):
        raise BadData("compare: give sides, or --history and folders in which campaigns lie")
    for name in ("allow", "baseline") if arguments.history else ():
        if getattr(arguments, name):
            raise BadData(f"--{name}: of sides; with --history nothing is compared with another")
    for folder in arguments.history:
        if not folder.is_dir():
            raise BadData(no_such_folder(folder))
