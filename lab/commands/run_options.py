# SPDX-License-Identifier: Apache-2.0
"""The command `run`: its options, what looks at them, and which of its ways is taken. Standard
library only, as long as nothing is run.
"""

import argparse
from collections.abc import Callable

from formats import exit_codes
from lab.cluster import slurm_options
from lab.run import cluster_plan, plan_options

_EXAMPLES = """\
examples:
  kmapbench run                                    the distribution's kernel, one minute
  kmapbench run --variants plain,off,protected     our PKS kernels, built where they are not
  kmapbench run --variants plain,protected --cases 'elsewhere/*'    interrupts, switches, ...
  kmapbench run --only dax --variants off,protected                 fio on DAX files
  kmapbench run --here --label spr                 this machine's kernel, in cycles; as root
"""


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `run`. new_command: makes a command of a subparsers object, a name and a help."""
    run = new_command(
        commands,
        "run",
        help="measure and report: kernel cases in the lab, user models on this machine",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan_options.add_options(run)
    run.add_argument(
        "--dry-run",
        action="store_true",
        help="print what would be done: packages, kernels, every step; with --slurm the scripts; do"
        " nothing",
    )
    slurm_options.add_options(run, has_dry_run=True)
    run.set_defaults(function=_run, check=_check_run, groups=_groups_of_run, is_built=_is_run_built)


def _check_run(arguments: argparse.Namespace) -> None:
    from lab.run import preflight

    slurm_options.check(arguments)
    if arguments.resume:
        cluster_plan.check_has_begun(arguments.resume.absolute())
    arguments.planned = plan_options.from_arguments(arguments)
    if arguments.sbatch is not None:
        _adapt_to_cluster(arguments)
    elif resumed := arguments.planned.resume:
        cluster_plan.check_no_jobs(resumed)
    preflight.check_options(arguments.planned)
    if not arguments.dry_run:  # which tells all that is not met
        preflight.check_machine(arguments.planned)


def _adapt_to_cluster(arguments: argparse.Namespace) -> None:
    plan = arguments.planned
    arguments.planned = cluster_plan.adapted(plan)
    arguments.leaves_out = plan.only is None and not plan.resume


def _groups_of_run(arguments: argparse.Namespace) -> list[str]:
    from lab.run import preflight

    if arguments.sbatch is not None:
        return ["python", "build"]  # the rest is for the machines of the cluster
    return preflight.groups(arguments.planned)


def _is_run_built(arguments: argparse.Namespace) -> bool:
    from lab.run import preflight

    return not preflight.is_complete(arguments.planned)


def _run_on_cluster(arguments: argparse.Namespace) -> int:
    plan, options = arguments.planned, arguments.sbatch
    if arguments.dry_run:
        print(cluster_plan.scripts(plan, options), end="")
        return exit_codes.OK
    from lab.run import cluster_run

    return cluster_run.run(plan, options, arguments.leaves_out)


def _run(arguments: argparse.Namespace) -> int:
    from lab.run import dry_run, preflight

    if arguments.sbatch is not None:
        return _run_on_cluster(arguments)
    if arguments.dry_run:
        print(dry_run.describe(arguments.planned), end="")
        return (
            exit_codes.UNMET
            if any(preflight.machine_problems(arguments.planned))
            else exit_codes.OK
        )
    from lab.run import runner  # jsonschema and rich, which the other commands can do without

    if arguments.resume:
        from lab.run import cluster_run

        cluster_run.take_in(arguments.planned.resume)
    return runner.run(arguments.planned)
