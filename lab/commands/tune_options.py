# SPDX-License-Identifier: Apache-2.0
"""The options of `kmapbench tune`. Standard library only."""

import argparse
from collections.abc import Callable


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `tune`. new_command: makes a command of a subparsers object, a name and a help."""
    tune = new_command(
        commands,
        "tune",
        help="list what run --here --tune would set on this machine, or put back what one has left",
    )
    tune.add_argument(
        "--restore",
        action="store_true",
        help="put back what a run that was killed has left; needs root",
    )
    tune.set_defaults(function=_tune)


def _tune(arguments: argparse.Namespace) -> int:
    from lab.commands import tune

    return tune.restore() if arguments.restore else tune.show()
