# SPDX-License-Identifier: Apache-2.0
"""A plan file that is measured on several hosts: of `run`, or of `campaign` over reboots."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from lab.commands import check
from lab.core.errors import KmapbenchError
from lab.reboots import reboot_plan, reboot_preflight
from lab.run import option, plan_options, preflight, selection
from lab.run.plan import Plan

RUN, CAMPAIGN = "run", "campaign"


@dataclass(frozen=True)
class FleetPlan:
    """What a plan asks of a host."""

    packages: list[str]  # groups of requirements.toml
    purposes: set[str]  # of `check`: to those it has to say yes
    needs_root: bool


def read(kind: str, path: Path) -> FleetPlan:
    """What a plan file asks; a KmapbenchError where it cannot be followed on any host.

    kind: RUN or CAMPAIGN.
    """
    return _of_campaign(path) if kind == CAMPAIGN else _of_run(path)


def _of_run(path: Path) -> FleetPlan:
    parser = argparse.ArgumentParser()
    plan_options.add_options(parser)
    parsed = parser.parse_args(["--plan", str(path)])
    parsed.given = []
    plan = plan_options.from_arguments(parsed)
    preflight.check_options(plan)
    _check_variants(plan)
    is_timed = plan.here and plan.only != "dax" and selection.asks_kernel(plan)
    asked = {
        check.EMULATE: selection.asks_lab(plan),
        check.TIME_USER: plan.only == "user",
        check.TIME_KERNEL: is_timed,
    }
    purposes = {what for what, is_asked in asked.items() if is_asked}
    return FleetPlan(preflight.groups(plan), purposes, plan.here)


def _check_variants(plan: Plan) -> None:
    """A KmapbenchError where a variant is of a table that lies at home."""
    if local := next((str(one.table) for one in plan.variants if one.table), None):
        raise KmapbenchError(f"{local}: a table of your own is not on the hosts: leave it out")


def _of_campaign(path: Path) -> FleetPlan:
    """What else it needs, its own dry run says on each host."""
    said = option.read_plan_file(path, reboot_plan.PLANNED)
    if len(said.get("kernels", [])) < 2:
        raise KmapbenchError(f"{path}: names no two kernels: kernels = ['plain', 'protected']")
    plan = reboot_plan.from_said(said)
    reboot_preflight.check_options(plan)
    fio = ["fio"] if plan.on else []
    return FleetPlan(["python", "build", "module", *fio], set(), True)
