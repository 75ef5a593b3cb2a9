# SPDX-License-Identifier: Apache-2.0
"""An option as the field of a plan, and the plan file (TOML) that keeps options.

Standard library only, since options are read before anything is installed.
"""

import argparse
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lab.core import text_file
from lab.core.errors import KmapbenchError


@dataclass(frozen=True)
class Option:
    """One option of a command: all that the parser, plan files and campaign.json need to know."""

    help: str
    kind: type = str  # of its value in a plan file
    metavar: str | None = None
    parse: Callable[[str], Any] = str  # raises argparse.ArgumentTypeError
    planned: bool = True  # part of plan files, so that the campaign can be repeated
    asked: bool = False  # part of campaign.json's "asked"
    in_lab_only: bool = False  # chooses among kernels and boots; --here has one of each


def option_field(default: Any, option: Option) -> Any:
    """A dataclass field that is an option."""
    return field(default=default, metadata={"option": option})


def options_of(plan: type) -> dict[str, Option]:
    """The options of a dataclass, by the name of the field."""
    return {one.name: one.metadata["option"] for one in fields(plan) if "option" in one.metadata}


def planned_options(options: Mapping[str, Option]) -> dict[str, Option]:
    """Those that plan files have."""
    return {name: option for name, option in options.items() if option.planned}


def flag(name: str) -> str:
    """A field as the command line has it."""
    return f"--{name.replace('_', '-')}"


def add_options(parser: argparse.ArgumentParser, options: Mapping[str, Option]) -> None:
    """Adds options to a parser."""
    for name, option in options.items():
        if option.kind is bool:
            parser.add_argument(flag(name), action="store_true", help=option.help)
        else:
            parser.add_argument(
                flag(name), type=option.parse, metavar=option.metavar, help=option.help
            )


def given_options(arguments: argparse.Namespace, planned: Mapping[str, Option]) -> dict[str, Any]:
    """The options that a command line has, by name."""
    return {name: value for name in planned if _is_given(value := getattr(arguments, name))}


def _is_given(value: Any) -> bool:
    """0 is."""
    return value is not None and value is not False


def check_values(given: Mapping[str, Any], options: Mapping[str, Option]) -> None:
    """A KmapbenchError where a plan file's value would be none on a command line."""
    for name, option in options.items():
        if name in given and option.kind in (str, int, list):
            value = given[name]
            try:
                option.parse(",".join(value) if isinstance(value, list) else str(value))
            except argparse.ArgumentTypeError as error:
                raise KmapbenchError(f"{name}: {error}") from None


def read_plan_file(path: Path, planned: Mapping[str, Option]) -> dict[str, Any]:
    """The options in a plan file, by name; a KmapbenchError names what is wrong with it.

    planned: those that it can have.
    """
    try:
        said = tomllib.loads(text_file.read(path))
    except OSError as error:
        raise KmapbenchError(
            f"{path}: {error.strerror}; give a plan file: each campaign has one (plan.toml)"
        ) from None
    except ValueError as error:
        raise KmapbenchError(f"{path}: not valid TOML ({error})") from None
    for name, value in said.items():
        if name not in planned:
            raise KmapbenchError(
                f"{path}: {name} is not known; a plan can have {', '.join(planned)}"
            )
        kind = planned[name].kind
        if type(value) is not kind or (
            isinstance(value, list) and {type(one) for one in value} - {str}
        ):
            raise KmapbenchError(f"{path}: {name} must be {_KIND_NAMES[kind]}")
    return said


_KIND_NAMES = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    list: "a list of strings",
}


def write_values(said: Mapping[str, Any]) -> str:
    """The text of a plan file."""
    import tomli_w  # which what only reads a plan can do without

    return tomli_w.dumps(
        {name: value for name, value in said.items() if _is_given(value) and value != []}
    )
