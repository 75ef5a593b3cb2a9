# SPDX-License-Identifier: Apache-2.0
"""A gate as it was asked for, and the files in its folder that say it again. Standard library only,
as long as nothing is written.
"""

import argparse
import json
import os
import time
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.options import FAIL_ON
from formats.gate_files import BASE, CAMPAIGN, COMMENT, FILE, FORMAT, HEAD, KCIDB, KTAP
from lab.core.dirs import RESULTS
from lab.core.errors import KmapbenchError
from lab.gate import gate_kernels, gate_options
from lab.gate.gate_kernels import Row, Side
from lab.run import plan_options, preflight
from lab.run.plan import EXACT_BOOTS, Plan

_TABLE = "kernels.toml"


@dataclass(frozen=True)
class GatePlan:
    """Two kernels to be measured, and how the result is judged."""

    folder: Path
    facts: dict[str, Any]  # gate.json
    rows: dict[str, Row]  # of the table of variants
    run: Plan | None  # None: both kernels are the same

    @property
    def table(self) -> Path:
        """Where the table of variants is written."""
        return self.folder / _TABLE


def from_arguments(arguments: argparse.Namespace) -> GatePlan:
    """The plan of a command line, or of the gate that is to go on. A KmapbenchError where it cannot
    be followed.
    """
    gate_options.check_given(arguments)
    if arguments.resume:
        plan = _read(arguments.resume.absolute())
    else:
        plan = _new(arguments)
    if plan.run:
        preflight.check_options(plan.run)
        preflight.check_machine(plan.run)
    return plan


def groups(plan: GatePlan) -> list[str]:
    """The groups of requirements.toml that a plan needs."""
    return preflight.groups(plan.run) if plan.run else ["python"]


def write(plan: GatePlan) -> None:
    """Makes the folder of a gate, or writes what is known by now. What an earlier try said is gone
    meanwhile.
    """
    import tomli_w  # which what only reads options can do without

    from lab.campaign import safe_files, validation

    validation.validate("gate", plan.facts)
    plan.folder.mkdir(parents=True, exist_ok=True)
    for name in (COMMENT, KTAP, KCIDB):
        (plan.folder / name).unlink(missing_ok=True)
    if plan.rows:
        safe_files.write_bytes(plan.table, tomli_w.dumps({"variants": plan.rows}).encode())
    safe_files.write_json(plan.folder / FILE, plan.facts)


def _new(arguments: argparse.Namespace) -> GatePlan:
    sides = gate_kernels.describe_sides(arguments)
    folder = (arguments.out or RESULTS / f"{time.strftime('%Y-%m-%dT%H%M')}-gate").absolute()
    preflight.check_folder(folder)
    is_same = gate_kernels.are_same(sides)
    rows = gate_kernels.rows_of(arguments, sides)
    facts = {
        "format": FORMAT,
        "started": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "arguments": arguments.given,
        "repeat": _repeat(arguments, sides),
        "tree": str(arguments.tree) if arguments.tree else None,
        "config": arguments.config,
        "cases": arguments.cases or "default",
        "boots": arguments.boots or EXACT_BOOTS,
        "fail_on": arguments.fail_on or FAIL_ON[0],
        "origin": arguments.origin or "kmapbench",
        "sides": sides,
        "same": is_same,
        "fault": None,
        "problems": [],
    }
    chosen = gate_kernels.variants_of(folder / _TABLE, rows)
    run = Plan(
        chosen,
        facts["boots"],
        int.from_bytes(os.urandom(4)),
        "micro",
        None,
        facts["cases"],
        folder / CAMPAIGN,
        arguments.given,
        variants_file=str(folder / _TABLE),
    )
    return GatePlan(folder, facts, rows, None if is_same else run)


def _repeat(arguments: argparse.Namespace, sides: dict[str, Side]) -> list[str]:
    """The command that makes the same gate again, also when branches have moved on."""
    options = []
    for name in ("tree", "patches", "config", "toolchain", "cmdline", "cases", "boots", "fail_on"):
        value = getattr(arguments, name)
        if value is not None:
            options += [f"--{name.replace('_', '-')}", str(value)]
    given = [name for name in (BASE, HEAD) if getattr(arguments, name)]
    words = [
        side["said"] if side.get("work") else side.get("commit", side["said"])
        for side in (sides[name] for name in given)
    ]
    return ["gate", *options, *words]


def _read(folder: Path) -> GatePlan:
    """The plan of a gate that is to go on."""
    try:
        facts = json.loads((folder / FILE).read_text())
        table = folder / _TABLE
        rows = tomllib.loads(table.read_text())["variants"]
        boots, cases, is_same = facts["boots"], facts["cases"], facts["same"]
        given = facts["arguments"]
    except OSError as error:
        raise KmapbenchError(f"{folder}: no gate of kmapbench: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise KmapbenchError(f"{folder / FILE}: not as kmapbench has written it") from None
    if is_same:
        return GatePlan(folder, facts, rows, None)
    campaign = folder / CAMPAIGN
    if (campaign / "campaign.json").exists():
        return GatePlan(folder, facts, rows, _resumed(campaign))
    chosen = gate_kernels.variants_of(table, rows)
    seed = int.from_bytes(os.urandom(4))
    run = Plan(chosen, boots, seed, "micro", None, cases, campaign, given, variants_file=str(table))
    return GatePlan(folder, facts, rows, run)


def _resumed(campaign: Path) -> Plan:
    """The plan of a campaign that was begun, as `run --resume` reads it."""
    parser = argparse.ArgumentParser()
    plan_options.add_options(parser)
    arguments = parser.parse_args(["--resume", str(campaign)])
    arguments.given = ["run", "--resume", str(campaign)]
    return plan_options.from_arguments(arguments)
