# SPDX-License-Identifier: Apache-2.0
"""The figure of a case on the kernel of one commit: built, booted once, and kept."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lab.bisect.bisect_plan import BisectPlan
from lab.campaign import safe_files
from lab.core.errors import Interrupted, KmapbenchError
from lab.kernels.variant import Image, Variant
from lab.run import runner
from lab.run.plan import Plan

# The variant that is booted, and the file that says that a commit needs no second look.
NAME = "bisect"
_KEPT = "figure.json"

# What ends a build and is no matter of the commit.
_OF_THE_MACHINE = ("No space left", "is missing: install", "packages that are missing")


@dataclass(frozen=True)
class Figure:
    """What a commit has: a cost, or why there is none."""

    commit: str
    cost: float | None  # instructions an operation
    why: str  # it cannot be measured
    functions: dict[str, float]  # instructions an operation, by the chain of calls


def measure(
    plan: BisectPlan, commit: str, run: Callable[[Plan], list[str]] = runner.measure
) -> Figure:
    """The figure of a commit, from the folder of the search or measured now.

    A KmapbenchError where this machine cannot measure any commit, or figures are not exact.
    """
    folder = plan.folder / "commits" / commit[:12]
    kept = folder / _KEPT
    if kept.is_file():
        return Figure(**json.loads(kept.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    campaign = folder / "campaign"
    try:
        problems = run(_plan_of(plan, commit, campaign))
    except Interrupted:
        raise
    except KmapbenchError as error:
        if any(words in str(error) for words in _OF_THE_MACHINE):
            raise
        return Figure(commit, None, str(error), {})
    figure = _read(plan, commit, campaign, problems)
    if figure.cost is not None:  # else it is tried again when the search goes on
        safe_files.write_json(kept, vars(figure))
    return figure


def _plan_of(plan: BisectPlan, commit: str, campaign: Path) -> Plan:
    return Plan([variant_of(plan, commit)], 1, 1, "micro", None, plan.case, campaign, plan.given)


def variant_of(plan: BisectPlan, commit: str) -> Variant:
    """The kernel of a commit, built and booted as the variant that the search goes by."""
    like = plan.like
    assert isinstance(like.image, Image)  # bisect_plan has seen to that
    image = replace(
        like.image, name=NAME, variants=(NAME,), source="", tree=plan.tree, commit=commit
    )
    return replace(like, name=NAME, what=f"commit {commit[:12]}", image=image, table=None)


def _read(plan: BisectPlan, commit: str, campaign: Path, problems: list[str]) -> Figure:
    boot = campaign / NAME / "boot-01"
    records = [
        row for row in safe_files.read_lines(boot / "micro.jsonl") if row["case"] == plan.case
    ]
    if not records or records[0]["status"] != "ok":
        reason = records[0].get("reason", records[0]["status"]) if records else "no record of it"
        why = problems[0] if problems else f"{plan.case}: {reason}"
        return Figure(commit, None, why, {})
    if not records[0]["exact"]:
        raise KmapbenchError(
            f"{plan.case}: samples of one boot differ, and bisect goes by figures that are exact:"
            " ./kmapbench run says which are"
        )
    functions: dict[str, float] = {}
    for row in safe_files.read_lines(boot / "path.jsonl"):
        if row["case"] == plan.case:
            for one in row["functions"]:
                chain = " > ".join(one["chain"])
                functions[chain] = functions.get(chain, 0) + one["instructions"] / row["ops"]
    return Figure(commit, records[0]["cost"], "", functions)
