# SPDX-License-Identifier: Apache-2.0
"""The commands `bisect`, `configs` and `calibrate`, which a cluster can do, too. Standard library
only, as long as nothing is run.
"""

import argparse
from collections.abc import Callable
from importlib import import_module

from analysis import commands as analysis_commands
from analysis import options as analysis_options
from formats import exit_codes
from lab.bisect import bisect_plan
from lab.cluster import slurm_options
from lab.configs import configs_plan
from lab.core.errors import KmapbenchError


def add_searches(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds what builds and measures one kernel after another. new_command: makes a command of a
    subparsers object, a name and a help.
    """
    for name, help, plans, here, on_cluster in (
        (
            "bisect",
            "find the commit that changed a case's instructions, one boot a step",
            bisect_plan,
            "lab.bisect.bisect_run",
            "lab.bisect.cluster_figures",
        ),
        (
            "configs",
            "say what each symbol of a kernel configuration costs",
            configs_plan,
            "lab.configs.configs_run",
            "lab.configs.cluster_configs",
        ),
    ):
        search = new_command(commands, name, help=help)
        plans.add_options(search)
        slurm_options.add_options(search)
        search.set_defaults(
            function=_run_by(here, on_cluster),
            check=_planned_by(plans.from_arguments),
            groups=_groups,
            is_built=lambda _: True,
        )


def add_calibrate(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `calibrate`."""
    calibrate = new_command(
        commands,
        "calibrate",
        help="simulate how often a verdict is wrong; cells that are there already are kept",
    )
    analysis_options.add_calibrate(calibrate)
    slurm_options.add_options(calibrate)
    calibrate.set_defaults(function=_calibrate, check=_check_calibrate, groups=lambda _: ["python"])


def _planned_by(read: Callable[[argparse.Namespace], object]):
    """A check that keeps what it has read of the options."""

    def check(arguments: argparse.Namespace) -> None:
        slurm_options.check(arguments)
        if arguments.sbatch is not None:  # the same is found as without
            arguments.given = slurm_options.without(arguments.given)
        arguments.planned = read(arguments)

    return check


def _groups(arguments: argparse.Namespace) -> list[str]:
    if arguments.sbatch is not None:
        return ["python", "build"]  # the rest is for the machines of the cluster
    return ["python", "build", "module", "lab", "kernel-build"]


def _run_by(here: str, on_cluster: str):
    """A command that a module runs, which needs jsonschema and rich, as run does."""

    def run(arguments: argparse.Namespace) -> int:
        if arguments.sbatch is None:
            return import_module(here).run(arguments.planned)
        if arguments.dry_run:
            print(import_module(on_cluster).scripts(arguments.planned, arguments.sbatch), end="")
            return exit_codes.OK
        return import_module(on_cluster).run(arguments.planned, arguments.sbatch)

    return run


def _check_calibrate(arguments: argparse.Namespace) -> None:
    slurm_options.check(arguments)
    if arguments.sbatch is not None and arguments.quick:
        raise KmapbenchError(
            "--quick keeps nothing, so that there is nothing to collect: leave out"
            " one of --quick and --slurm"
        )


def _calibrate(arguments: argparse.Namespace) -> int:
    if arguments.sbatch is None:
        return analysis_commands.execute(analysis_commands.calibrate, arguments)
    from lab.commands import cluster_cells  # numpy and scipy, which other commands can do without

    if arguments.dry_run:
        print(cluster_cells.scripts(arguments, arguments.sbatch), end="")
        return exit_codes.OK
    return cluster_cells.run(arguments, arguments.sbatch)
