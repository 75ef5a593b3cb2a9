# SPDX-License-Identifier: Apache-2.0
"""Completion of the command line by a shell, with argcomplete: commands and options as the parsers
have them, names of variants and cases from where they are kept.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator

from formats import exit_codes


def is_asked_for() -> bool:
    """Whether a shell runs us to learn what a word may become."""
    return "_ARGCOMPLETE" in os.environ


def answer(parser: argparse.ArgumentParser) -> None:
    """Answers the shell, and ends."""
    try:
        import argcomplete
    except ModuleNotFoundError:  # the shell has it, and this Python has not
        sys.exit(exit_codes.UNMET)
    for action in _actions(parser):
        if action.dest in _NAMES:
            action.completer = _completer(_NAMES[action.dest])  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of the parser and all commands below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _completer(names: Callable[[], list[str]]) -> Callable[..., list[str]]:
    """Of a name, or of the last one in a list with commas."""

    def complete(prefix: str, **_: object) -> list[str]:
        before, comma, _last = prefix.rpartition(",")
        return [f"{before}{comma}{name}" for name in names()]

    return complete


def _variants() -> list[str]:
    from lab.core.errors import KmapbenchError
    from lab.kernels import variant_choice, variants

    try:
        return list(variant_choice.table_of(None))
    except KmapbenchError:  # the user's own table is wrong, which the command will say
        return list(variants.load())


def _cases() -> list[str]:
    """None where the lists are not built yet."""
    from lab.core.errors import KmapbenchError
    from lab.host import case_list

    try:
        return [case.name for case in case_list.all_cases()]
    except KmapbenchError:
        return []


_NAMES = {
    "variants": _variants,
    "variant": _variants,
    "names": _variants,
    "like": _variants,
    "cases": _cases,
    "case": _cases,
    "glob": _cases,
}
