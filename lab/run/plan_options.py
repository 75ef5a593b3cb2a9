# SPDX-License-Identifier: Apache-2.0
"""The options of `run`: the parser, and what they mean together."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.parser import OneLineParser
from formats.campaign_format import LOOKS
from formats.conditions import PUBLISH
from lab.core.errors import KmapbenchError
from lab.kernels import variant_choice
from lab.kernels.variant import Variant
from lab.run import option
from lab.run.plan import EXACT_BOOTS, INEXACT_BOOTS, LEVEL, OPTIONS, PLANNED, Plan

# What options contradict each other: a test of what was given, and what is said of it.
_RULES: list[tuple[Callable[[dict], bool], str]] = [
    (
        lambda given: "label" in given and not given.get("here"),
        "--label names the running kernel, and goes with --here",
    ),
    (
        lambda given: bool(given.get("tune")) and not given.get("here"),
        "--tune sets this machine for what is measured on it, and goes with --here",
    ),
    (
        lambda given: bool(given.get("here")) and given.get("only") == "dax" and "on" not in given,
        "--here --only dax measures on what you name: give --on FOLDER or --on /dev/pmemN",
    ),
    (
        lambda given: "boots" in given and bool(given.get("until_resolved")),
        "--until-resolved decides how many boots there are: leave out --boots",
    ),
    (
        lambda given: bool(given.get("until_resolved")) and len(given.get("variants", [])) < 2,
        "--until-resolved compares variants: name two or more with --variants",
    ),
    (
        lambda given: "variants_file" in given and "variants" not in given,
        "--variants-file says which variants there are: choose some of them with --variants",
    ),
    (
        lambda given: "kernel" in given and "stock" not in given.get("variants", ["stock"]),
        "--kernel says which kernel stock is, and --variants does not have stock",
    ),
    (
        lambda given: "base" in given and set(given.get("variants", ["stock"])) == {"stock"},
        "--base says what our kernels are built from, and --variants has none of them",
    ),
    (
        lambda given: "preset" in given and given.get("only") != "dax",
        "--preset goes with --only dax",
    ),
    (
        lambda given: "on" in given and not (given.get("only") == "dax" and given.get("here")),
        "--on goes with --here --only dax",
    ),
    (
        lambda given: "level" in given and not (given.get("here") or given.get("only") == "user"),
        "--level is of times on this machine, and the emulator counts: it goes with --here or"
        " --only user",
    ),
    (
        lambda given: bool(given.get("allow")) and given.get("level") != PUBLISH,
        "--allow says which conditions of --level publish need not be met: give that, too",
    ),
    (
        lambda given: given.get("only") == "dax" and given.get("cases", "default") != "default",
        "--cases chooses kernel cases and user models: leave it out, or leave out --only dax",
    ),
]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `run` for its parser."""
    option.add_options(parser, OPTIONS)
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="read options from FILE (each campaign has a plan.toml); command-line options"
        " override it",
    )


def parse(words: Sequence[str]) -> Plan:
    """The plan of a command line of `run`, without that word. A KmapbenchError where it cannot be
    followed.
    """
    parser = OneLineParser(prog="kmapbench run")
    add_options(parser)
    return from_arguments(parser.parse_args(words, argparse.Namespace(given=["run", *words])))


def from_arguments(arguments: argparse.Namespace) -> Plan:
    """The plan of a command line, a plan file, or the campaign that is to be resumed."""
    given = option.given_options(arguments, PLANNED)
    if arguments.resume:
        given.pop("until_resolved", None)  # the campaign says whether it was begun so
    if arguments.resume and (given or arguments.plan or arguments.out):
        raise KmapbenchError(
            "--resume goes on with what was asked for then: leave out all else but --dry-run"
        )
    file = arguments.resume / "plan.toml" if arguments.resume else arguments.plan
    said = (option.read_plan_file(file, PLANNED) if file else {}) | given
    if arguments.resume and arguments.until_resolved and not said.get("until_resolved"):
        raise KmapbenchError(
            f"{arguments.resume}: begun without --until-resolved, so that its one look has spent"
            " the whole error rate; begin a new campaign with it"
        )
    _check(said)
    here = said.get("here", False)
    names = [] if here else said.get("variants", ["stock"])
    file = Path(said["variants_file"]).absolute() if "variants_file" in said else None
    chosen = variant_choice.choose(names, file, said.get("base"))
    own = next((str(variant.table) for variant in chosen if variant.table), None)
    said |= {
        "variants": chosen,
        "variants_file": own,
        "seed": said.get("seed", int.from_bytes(os.urandom(4))),
        "out": arguments.out.absolute() if arguments.out else None,
        "arguments": arguments.given,
        "print": arguments.print,
        "resume": arguments.resume.absolute() if arguments.resume else None,
    }
    said["boots"] = 1 if here else said.get("boots", _default_boots(said, chosen))
    if "on" in said:
        said["on"] = str(Path(said["on"]).absolute())
    return Plan(**said)


def _default_boots(said: dict, chosen: list[Variant]) -> int:
    """Two boots show that a count is exact. What is not exact takes so many pairs that the test can
    reach its level, which the comparisons of all variants with the first one share.
    """
    if said.get("until_resolved"):
        return max(LOOKS)
    if said.get("only") != "dax":
        return EXACT_BOOTS
    boots = INEXACT_BOOTS
    while 2 * (len(chosen) - 1) > LEVEL * 2**boots:
        boots += 1
    return boots


def _check(given: dict) -> None:
    """A KmapbenchError where options contradict each other, or a plan file's value is wrong."""
    for broken, message in _RULES:
        if broken(given):
            raise KmapbenchError(message)
    for name, one in OPTIONS.items():
        if given.get("here") and one.in_lab_only and name in given:
            raise KmapbenchError(
                "--here measures the running kernel in the boot it is in: leave out"
                f" {option.flag(name)}, or leave out --here"
            )
    option.check_values(given, OPTIONS)
