# SPDX-License-Identifier: Apache-2.0
"""A prediction as it was asked for, and its options. Standard library only."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.data.bad_data import no_campaign
from formats import prediction_file
from lab.core.errors import KmapbenchError
from lab.kernels import variant_choice
from lab.run import preflight
from lab.run.plan import Plan

DEFAULT_CPU = "sapphirerapids"
_MEASURED = "user/*/alone*"


@dataclass(frozen=True)
class PredictPlan:
    """What is predicted, for which CPUs, and beside which measurement."""

    boots: Plan  # whose variants are booted
    cases: str  # a glob, or default
    cpus: tuple[str, ...]  # as llvm-mca calls them; this machine's comes on top
    measured: Path | None  # a campaign of user models; None: measure them first
    out: Path | None
    format: str
    given: list[str]  # the command line

    def measurement(self) -> Plan:
        """The campaign that measures the user models of this machine."""
        return Plan(
            variants=[],
            only="user",
            cases=_MEASURED,
            seed=self.boots.seed,
            arguments=self.given,
        )


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `predict`. new_command: makes a command of a subparsers object, a name and a help."""
    predict = new_command(
        commands, "predict", help="predict cycles by llvm-mca, and say how wrong that is here"
    )
    _add_options(predict)
    predict.set_defaults(function=_predict, check=_check, groups=_groups, is_built=lambda _: True)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="a campaign of this machine with user/.../alone, to compare with (default: measure"
        " them first)",
    )
    parser.add_argument(
        "--variants",
        metavar="A,NAME=DIR",
        default="stock",
        help="kernels whose cases are predicted, as for run (default: stock)",
    )
    parser.add_argument(
        "--cases",
        metavar="GLOB",
        default="default",
        help="these kernel cases only (default: the map/unmap pairs that run measures)",
    )
    parser.add_argument(
        "--cpu",
        metavar="A,B",
        default=DEFAULT_CPU,
        help="CPUs by their names in llvm-mca, beside this machine's (default: %(default)s)",
    )
    parser.add_argument("--format", choices=("text", "md", "json"), default="text")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder to make for text, tables and chart (default: {prediction_file.FOLDER}/ in the"
        " campaign)",
    )


def from_arguments(arguments: argparse.Namespace) -> PredictPlan:
    """The plan of a command line; a KmapbenchError where it cannot be followed."""
    cpus = tuple(dict.fromkeys(name.strip() for name in arguments.cpu.split(",")))
    if not all(name.replace("-", "").isalnum() for name in cpus):
        raise KmapbenchError(
            f"--cpu {arguments.cpu}: give names with commas between, such as {DEFAULT_CPU},znver4"
        )
    if not arguments.cases:
        raise KmapbenchError("--cases: give a glob such as 'model/*', or leave it out")
    folder = arguments.folder.absolute() if arguments.folder else None
    if folder and not (folder / "campaign.json").is_file():
        raise KmapbenchError(no_campaign(folder))
    out = arguments.out.absolute() if arguments.out else None
    if out:
        preflight.check_folder(out)
    names = [name.strip() for name in arguments.variants.split(",")]
    boots = Plan(
        variants=variant_choice.choose(names, None),
        boots=1,
        only="micro",
        cases=arguments.cases,
        arguments=arguments.given,
    )
    return PredictPlan(boots, arguments.cases, cpus, folder, out, arguments.format, arguments.given)


def _check(arguments: argparse.Namespace) -> None:
    arguments.planned = plan = from_arguments(arguments)
    if plan.cases != "default":
        preflight.check_options(plan.boots)
    preflight.check_machine(plan.boots)
    if plan.measured is None:
        preflight.check_machine(plan.measurement())


def _groups(arguments: argparse.Namespace) -> list[str]:
    return [*preflight.groups(arguments.planned.boots), "predict"]


def _predict(arguments: argparse.Namespace) -> int:
    from lab.predict import predict_run  # jsonschema and rich, which other commands do without

    return predict_run.run(arguments.planned)
