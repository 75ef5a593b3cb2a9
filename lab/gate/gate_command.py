# SPDX-License-Identifier: Apache-2.0
"""The command `kmapbench gate`. Standard library only, as long as nothing is run."""

import argparse
from collections.abc import Callable

from lab.gate import gate_options, gate_plan


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `gate`. new_command: makes a command of a subparsers object, a name and a help."""
    gate = new_command(
        commands, "gate", help="say whether a commit makes any case slower: for the CI of a tree"
    )
    gate_options.add_options(gate)
    gate.set_defaults(
        function=_run,
        check=lambda arguments: setattr(arguments, "planned", gate_plan.from_arguments(arguments)),
        groups=lambda arguments: gate_plan.groups(arguments.planned),
        is_built=lambda arguments: arguments.planned.run is not None,
    )


def _run(arguments: argparse.Namespace) -> int:
    from lab.gate import gate_run

    return gate_run.run(arguments.planned)
