# SPDX-License-Identifier: Apache-2.0
"""The options of `kmapbench kernels` and the commands below it. Standard library only."""

import argparse
from collections.abc import Callable
from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.kernels import variant_choice


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `kernels`. new_command: makes a command of a subparsers object, a name and a help."""
    kernels = new_command(commands, "kernels", help="list the variants and what is built, or build")
    kernels.set_defaults(function=_show, check=_check)
    _add_options(kernels)
    below = kernels.add_subparsers(dest="what", metavar="COMMAND")
    build = new_command(below, "build", help="build the kernels of variants")
    build.add_argument("names", nargs="+", metavar="NAME", help="a variant")
    _add_options(build)
    _add_package_options(build)
    build.set_defaults(function=_build, check=_check_build, groups=_groups_of_build)
    needs = new_command(
        below, "needs", help="list what a kernel needs to be measured in the lab, and why"
    )
    needs.set_defaults(function=_show_needs)


def _add_options(parser: argparse.ArgumentParser) -> None:
    variant_choice.add_base_option(parser)
    parser.add_argument(
        "--variants-file",
        type=Path,
        default=argparse.SUPPRESS,  # it is an option of the command and of those below it
        metavar="FILE",
        help="your own table of variants (default: kmapbench.toml in the current folder, if there"
        " is one)",
    )


def _add_package_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--deb",
        action="store_true",
        help="as packages that are installed on a Debian: linux-image and linux-headers",
    )
    parser.add_argument(
        "--config",
        metavar="CONFIG",
        help="of the packages: debian (the distribution's own, with all its modules), systemd, lab"
        " or a .config, under what the variants differ in (default: as the variants say)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="put the packages there (default: into the cache)"
    )


def _groups_of_build(arguments: argparse.Namespace) -> list[str]:
    return ["python", "kernel-build", *(["deb-build"] if arguments.deb else [])]


def _check_build(arguments: argparse.Namespace) -> None:
    from lab.commands import kernel_packages

    _check(arguments)
    for option in ("config", "out"):
        if getattr(arguments, option) is not None and not arguments.deb:
            raise KmapbenchError(f"--{option} goes with --deb")
    if arguments.deb:
        kernel_packages.check_out(arguments.out)
        arguments.images = kernel_packages.plan(
            arguments.chosen, arguments.config, arguments.of_base
        )


def _check(arguments: argparse.Namespace) -> None:
    file = getattr(arguments, "variants_file", None)
    arguments.table = file.absolute() if file else None
    arguments.of_base = getattr(arguments, "base", None)
    names = getattr(arguments, "names", [])
    arguments.chosen = variant_choice.choose(names, arguments.table, arguments.of_base)


def _show(arguments: argparse.Namespace) -> int:
    from lab.commands import kernels

    return kernels.show(arguments.table, arguments.of_base)


def _build(arguments: argparse.Namespace) -> int:
    from lab.commands import kernel_packages, kernels

    if arguments.deb:
        return kernel_packages.build(arguments.images, arguments.out)
    return kernels.build(arguments.chosen, arguments.table, arguments.of_base)


def _show_needs(_: argparse.Namespace) -> int:
    from lab.commands import kernels

    return kernels.show_needs()
