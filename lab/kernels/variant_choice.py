# SPDX-License-Identifier: Apache-2.0
"""Variants as a command line names them: kmapbench's own, those of the user's table, and kernels
that the user has built. Standard library only.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.kernels import bases, built_kernel, image_check, variant_table, variants
from lab.kernels.variant import Variant

# The user's table, where none is named: in the current folder.
OWN_TABLE = Path("kmapbench.toml")

BASE_HELP = (
    f"the Linux that our kernels are built from: {' or '.join(bases.load())} (default:"
    f" {bases.default()})"
)


def add_table_option(parser: argparse.ArgumentParser) -> None:
    """--variants-file, for a command in which --like names a variant."""
    parser.add_argument(
        "--variants-file",
        type=Path,
        metavar="FILE",
        help="your own table of variants, for --like (default: kmapbench.toml in the current"
        " folder, if there is one)",
    )


def add_base_option(parser: argparse.ArgumentParser) -> None:
    """--base, for a command that builds kernels."""
    parser.add_argument(
        "--base",
        type=base,
        default=argparse.SUPPRESS,  # it may be an option of a command and of those below it
        metavar="VERSION",
        help=BASE_HELP,
    )


def base(text: str) -> str:
    """The name of a base, as an argparse type."""
    try:
        return bases.find(text).name
    except KmapbenchError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def table_of(file: Path | None, of_base: str | None = None) -> Mapping[str, Variant]:
    """kmapbench's own variants and those of the user's table. file: that table; None: OWN_TABLE, if
    there is one. of_base: what all are built from, unless they say it; None: the default.
    """
    ours = variants.load(of_base)
    own = file or (OWN_TABLE.absolute() if OWN_TABLE.is_file() else None)
    return {**ours, **(variant_table.read(own, bases.find(of_base), ours) if own else {})}


def choose(words: Sequence[str], file: Path | None, of_base: str | None = None) -> list[Variant]:
    """The variants that are meant: a name, or NAME=PATH for a kernel that is built already. A
    KmapbenchError says which word means none, or what is wrong with the kernel. of_base: as for
    table_of().

    The user's table is read only where it is named or a word is none of kmapbench's own.
    """
    names = {word for word in words if "=" not in word}
    ours = variants.load(of_base)
    needs_own = file is not None or not names <= set(ours)
    table = table_of(file, of_base) if needs_own else ours
    chosen = [_built(word) if "=" in word else variants.find(word, table) for word in words]
    taken = [variant.name for variant in chosen]
    if twice := next((name for name in taken if taken.count(name) > 1), None):
        raise KmapbenchError(f"--variants {','.join(words)}: {twice} is named twice")
    for variant in chosen:
        if variant.built:
            _check_built(variant, variant.built)
        if variant.image and variant.image.table:
            image_check.check(variant.image)
    return chosen


def _built(word: str) -> Variant:
    """A kernel that is built already, named on the command line."""
    name, _, path = word.partition("=")
    if why := variant_table.check_name(name):
        raise KmapbenchError(f"--variants {word}: {why}")
    if name in variants.load():
        raise KmapbenchError(
            f"--variants {word}: kmapbench has a variant {name}: choose another name"
        )
    if not path:
        raise KmapbenchError(f"--variants {word}: give the folder of a kernel behind {name}=")
    return variant_table.of_built(name, Path(path).expanduser().absolute())


def _check_built(variant: Variant, path: Path) -> None:
    try:
        built_kernel.check(path)
    except KmapbenchError as error:
        where = f"{variant.table}: variants.{variant.name}.built" if variant.table else variant.name
        raise KmapbenchError(f"{where}: {error}") from None
