# SPDX-License-Identifier: Apache-2.0
"""A campaign over reboots as it was asked for: a field is an option, as in lab/run/plan.py.

Standard library only, since options are read before anything is installed.
"""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.parser import seed_number, whole_number
from formats.conditions import LEVELS, PUBLISH
from lab.core.errors import KmapbenchError
from lab.reboots import boot_loader
from lab.run.option import (
    Option,
    check_values,
    given_options,
    option_field,
    options_of,
    planned_options,
    read_plan_file,
    write_values,
)
from lab.run.plan import ALLOW, ANONYMIZE, CASES, OUT, count, known_level

# So many pairs are what a verdict needs, and --fail-on asks for 8.
DEFAULT_BOOTS = 10


def _loader(text: str) -> str:
    if text not in boot_loader.KINDS:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(boot_loader.KINDS)}")
    return text


@dataclass(frozen=True)
class RebootPlan:
    """A campaign over reboots."""

    kernels: list[str] = field(
        metadata={
            "option": Option(
                "kernels to boot: a release in /boot, its end (protected for"
                " 6.12.117-protected), or NAME=RELEASE",
                kind=list,
                metavar="A,B",
                parse=lambda text: [name.strip() for name in text.split(",")],
            )
        }
    )
    boots: int = option_field(
        DEFAULT_BOOTS,
        Option(
            f"boots per kernel, one in each round (default: {DEFAULT_BOOTS}; fewer than 6 give no"
            " verdict, fewer than 8 none for --fail-on)",
            kind=int,
            metavar="N",
            parse=count,
            asked=True,
        ),
    )
    seed: int = option_field(
        0,
        Option("order of the boots (default: a new one)", kind=int, metavar="S", parse=seed_number),
    )
    cases: str = option_field("default", CASES)
    on: str | None = option_field(
        None,
        Option(
            "also run fio in each boot: on a folder mounted with dax=always, or a device such as"
            " /dev/pmem0, which is formatted each time",
            metavar="PATH",
        ),
    )
    preset: str | None = option_field(
        None,
        Option(
            "with --on: what fio measures, a table of lab/workloads/fio/presets.toml (default:"
            " quick)",
            metavar="NAME",
            asked=True,
        ),
    )
    loader: str | None = option_field(
        None,
        Option(
            "what starts a kernel once (default: the boot loader of this machine)",
            metavar="|".join(boot_loader.KINDS),
            parse=_loader,
        ),
    )
    settle: int = option_field(
        300,
        Option(
            "seconds to wait at most after a boot until the machine is quiet (default: 300)",
            kind=int,
            metavar="SECONDS",
            parse=whole_number(0, 86400),
        ),
    )
    limit: int = option_field(
        4 * 3600,
        Option(
            "seconds that measuring one boot may take; a boot that takes longer is lost (default:"
            " 14400)",
            kind=int,
            metavar="SECONDS",
            parse=whole_number(1, 86400),
        ),
    )
    tune: bool = option_field(
        False,
        Option(
            "set governor, turbo, SMT, interrupts and more while a boot is measured, and put all of"
            " it back (docs/tuning.md)",
            bool,
            asked=True,
        ),
    )
    level: str | None = option_field(
        None,
        Option(
            "publish refuses where conditions of `check --level publish` are not met; compare says"
            " which, smoke says nothing of them (default: they are recorded)",
            metavar="|".join(LEVELS),
            parse=known_level,
            asked=True,
        ),
    )
    allow: list[str] = field(default_factory=list, metadata={"option": ALLOW})
    anonymize: bool = option_field(False, ANONYMIZE)
    out: Path | None = option_field(None, OUT)
    arguments: list[str] = field(default_factory=list)  # the command line, for campaign.json

    def asked(self) -> dict[str, Any]:
        """What campaign.json keeps of the options."""
        kept = {name: getattr(self, name) for name, one in OPTIONS.items() if one.asked}
        return {"arguments": self.arguments, "only": None, "kernel": None} | kept


OPTIONS = options_of(RebootPlan)
"""By the name of the field."""
PLANNED = planned_options(OPTIONS)
"""Those that plan.toml has."""


def from_arguments(arguments: argparse.Namespace) -> RebootPlan:
    """The plan of a command line; a KmapbenchError where it cannot be followed."""
    said_before = read_plan_file(arguments.plan, PLANNED) if arguments.plan else {}
    given = said_before | given_options(arguments, PLANNED)
    check_values(given, OPTIONS)
    if not given.get("kernels"):
        raise KmapbenchError(
            "campaign: name the kernels: --kernels A,B; ls /boot/vmlinuz-* shows which there are"
        )
    if len(given["kernels"]) < 2:
        raise KmapbenchError(
            "--kernels: one kernel alone is compared with nothing: name two or more, or measure"
            " the running one: run --here"
        )
    if "preset" in given and "on" not in given:
        raise KmapbenchError("--preset goes with --on")
    if given.get("allow") and given.get("level") != PUBLISH:
        raise KmapbenchError("--allow goes with --level publish")
    said: dict[str, Any] = {"seed": int.from_bytes(os.urandom(4))} | given
    if "on" in said:
        said = {"preset": "quick"} | said | {"on": str(Path(said["on"]).absolute())}
    out = arguments.out.absolute() if arguments.out else None
    return RebootPlan(**said, out=out, arguments=arguments.given)


def from_said(said: dict[str, Any]) -> RebootPlan:
    """The plan that a campaign's plan.toml says."""
    check_values(said, OPTIONS)
    return RebootPlan(**said)


def write(plan: RebootPlan) -> str:
    """The text of plan.toml."""
    return write_values({name: getattr(plan, name) for name in PLANNED})
