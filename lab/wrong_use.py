# SPDX-License-Identifier: Apache-2.0
"""What is said of wrong command lines in more words than the parser has. Standard library only."""

import argparse
from collections.abc import Collection, Sequence

from lab.core.errors import KmapbenchError
from lab.core.suggestion import instead
from lab.kernels import variants


def check_command(words: Sequence[str], commands: Collection[str]) -> None:
    """A KmapbenchError where these words name no command."""
    named = [word for word in words if not word.startswith("-")]
    if not named and not {"-h", "--help", "--version"} & set(words):
        raise KmapbenchError(f"COMMAND is missing: {', '.join(commands)}; see kmapbench --help")
    if named and named[0] not in commands:
        raise KmapbenchError(
            f"{named[0]}: no such command; {instead(named[0], commands)}; see kmapbench --help"
        )


def check_empty(words: Sequence[str]) -> None:
    """A KmapbenchError where a value is empty: no option takes one, and a shell variable that is
    not set would mean the folder that one is in, or all there is.
    """
    for before, word in zip(["", *words], words):
        name = before if word == "" else word.removesuffix("=")
        if word == "" or (word.startswith("--") and word.endswith("=")):
            raise KmapbenchError(f"an empty value after {name}: is a shell variable not set?")


def check_unrecognized(parsed: argparse.Namespace, unknown: Sequence[str]) -> None:
    """A KmapbenchError where there are words that the command does not have."""
    if not unknown:
        return
    hint = ""
    if parsed.command == "run" and _mean_variants(unknown):
        meant = ",".join([*(parsed.variants or []), *unknown])
        hint = f"; variants are separated by commas: --variants {meant}"
    command = " ".join(filter(None, (parsed.command, getattr(parsed, "what", None))))
    raise KmapbenchError(
        f"unrecognized arguments: {' '.join(unknown)}{hint}; see kmapbench {command} --help"
    )


def _mean_variants(words: Sequence[str]) -> bool:
    return all(word.partition("=")[0] in variants.load() or "=" in word for word in words)
