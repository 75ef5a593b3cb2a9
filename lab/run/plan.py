# SPDX-License-Identifier: Apache-2.0
"""A campaign as it was asked for, and the plan file (TOML) that says it.

A field of Plan is an option. Its metadata is all that the parser, plan files and campaign.json
need to know of it. Standard library only, since options are read before anything is installed.
"""

import argparse
import re
from dataclasses import dataclass, field
from pathlib import Path

from analysis.parser import seed_number, whole_number
from formats import conditions
from formats.campaign_format import LOOKS, USER_SPACE
from formats.conditions import LEVELS
from lab.kernels import debian_kernels, variant_choice
from lab.kernels.variant import Variant
from lab.run.option import Option
from lab.run.option import option_field as _field
from lab.run.option import options_of, planned_options, write_values

DEFAULT_LABEL = "here"
EXACT_BOOTS, INEXACT_BOOTS = 2, 6
# Of a report: analysis/stats/verdict.py has it as ALPHA.
LEVEL = 0.05


count = whole_number(1, 10000)  # of boots


def _label(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text) or text == USER_SPACE:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no name for a folder: letters, digits, '.', '_', '-', and not"
            f" '{USER_SPACE}'"
        )
    return text


def _kernel(text: str) -> str:
    try:
        return debian_kernels.asked(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _only(text: str) -> str:
    if text not in ("micro", "user", "dax"):
        raise argparse.ArgumentTypeError(f"'{text}' is none of micro, user, dax")
    return text


def known_level(text: str) -> str:
    if text not in LEVELS:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(LEVELS)}")
    return text


def known_conditions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in conditions.NAMES:
            known = ", ".join(conditions.NAMES)
            raise argparse.ArgumentTypeError(f"'{name}' is no condition: {known}")
    return names


# Options that other commands with a campaign have, too.
CASES = Option(
    "default (about a dozen of each kind), all, or a glob such as 'kernel/*'",
    metavar="default|all|GLOB",
    asked=True,
)
OUT = Option(
    "campaign folder to make (default: a new one in results/)",
    metavar="DIR",
    parse=Path,
    planned=False,
)
ALLOW = Option(
    "with --level publish: conditions that need not be met; the report begins with them",
    kind=list,
    metavar="NAME,NAME",
    parse=known_conditions,
    asked=True,
)
ANONYMIZE = Option(
    "keep no host names and serial numbers, for campaigns to be shown", bool, asked=True
)


@dataclass(frozen=True)
class Plan:
    """A campaign as it was asked for."""

    variants: list[Variant] = field(
        metadata={
            "option": Option(
                "kernels to measure (default: stock); NAME=DIR is one that you have built: a build"
                " folder (O=), what make dir-pkg makes, a .deb with its headers beside it, or"
                " /lib/modules/RELEASE",
                kind=list,
                metavar="A,NAME=DIR",
                parse=lambda text: [name.strip() for name in text.split(",")],
                in_lab_only=True,
            )
        }
    )
    boots: int = _field(
        EXACT_BOOTS,
        Option(
            "boots per variant, one in each round (default: 2, which shows that counts repeat to"
            " the digit; with --only dax, whose figures do not, 6, or more for three kernels and"
            " more)",
            kind=int,
            metavar="N",
            parse=count,
            asked=True,
            in_lab_only=True,
        ),
    )
    seed: int = _field(
        0,
        Option(
            "order of the boots (default: a new one, kept in campaign.json)",
            kind=int,
            metavar="S",
            parse=seed_number,
        ),
    )
    only: str | None = _field(
        None,
        Option(
            "micro: kernel cases; user: user-space models; dax: fio on DAX files"
            " (default: micro and user)",
            metavar="micro|user|dax",
            parse=_only,
            asked=True,
        ),
    )
    kernel: str | None = _field(
        None,
        Option(
            "which kernel stock is: a series of the distribution's, such as 6.1, 6.12, 7.2, 7.3 or"
            " 6.12-rt, or a folder with boot/, lib/modules/ and usr/src/, laid out as in packages"
            " (default: the newest that was tried)",
            metavar="SERIES|DIR",
            parse=_kernel,
            asked=True,
            in_lab_only=True,
        ),
    )
    cases: str = _field("default", CASES)
    out: Path | None = _field(None, OUT)
    arguments: list[str] = field(default_factory=list)  # the command line, for campaign.json
    base: str | None = _field(
        None,
        Option(
            variant_choice.BASE_HELP,
            metavar="VERSION",
            parse=variant_choice.base,
            asked=True,
            in_lab_only=True,
        ),
    )
    preset: str | None = _field(
        None,
        Option(
            "with --only dax: what fio measures, a table of lab/workloads/fio/presets.toml"
            " (default: quick; with --here: full)",
            metavar="NAME",
            asked=True,
        ),
    )
    on: str | None = _field(
        None,
        Option(
            "with --here --only dax: a folder on a file system mounted with dax=always, or a device"
            " such as /dev/pmem0, which is formatted",
            metavar="PATH",
        ),
    )
    here: bool = _field(
        False,
        Option(
            "kernel cases on this machine's running kernel, instead of the lab; needs root",
            kind=bool,
        ),
    )
    until_resolved: bool = _field(
        False,
        Option(
            f"look after {', '.join(map(str, LOOKS))} boots per variant, and stop when each case is"
            " resolved; all looks together have the error rate of one",
            kind=bool,
            in_lab_only=True,
        ),
    )
    label: str = _field(
        DEFAULT_LABEL,
        Option(
            f"with --here: the running kernel's name in the campaign (default: {DEFAULT_LABEL})",
            metavar="NAME",
            parse=_label,
        ),
    )
    tune: bool = _field(
        False,
        Option(
            "with --here: set governor, turbo, SMT, interrupts and more for the run, and put all of"
            " it back (docs/tuning.md); needs root",
            bool,
            asked=True,
        ),
    )
    level: str | None = _field(
        None,
        Option(
            "of times on this machine: publish refuses where conditions of `check --level publish`"
            " are not met, compare says which, smoke is a short run that says nothing of them"
            " (default: they are recorded)",
            metavar="|".join(LEVELS),
            parse=known_level,
            asked=True,
        ),
    )
    allow: list[str] = field(default_factory=list, metadata={"option": ALLOW})
    anonymize: bool = _field(False, ANONYMIZE)
    resume: Path | None = _field(
        None,
        Option(
            "finish an interrupted campaign: complete boots are kept, the others are made",
            metavar="DIR",
            parse=Path,
            planned=False,
        ),
    )

    print: bool = _field(
        False, Option("print report.txt at the end, not only where it is", bool, planned=False)
    )
    variants_file: str | None = _field(
        None,
        Option(
            "your own table of variants (default: kmapbench.toml in the current folder, if there is"
            " one)",
            metavar="FILE",
            in_lab_only=True,
        ),
    )

    def asked(self) -> dict:
        """What campaign.json keeps of the options."""
        kept = {name: getattr(self, name) for name, one in OPTIONS.items() if one.asked}
        return {"arguments": self.arguments} | kept


OPTIONS = options_of(Plan)
"""By the name of the field."""
PLANNED = planned_options(OPTIONS)
"""Those that plan files have."""


def write(plan: Plan) -> str:
    """The text of a plan file that repeats a plan: the same boots in the same order."""
    said = {name: getattr(plan, name) for name in PLANNED} | {
        "variants": [variant.word for variant in plan.variants],
        "boots": None if plan.here or plan.until_resolved else plan.boots,
        "label": plan.label if plan.here else None,
    }
    return write_values(said)
