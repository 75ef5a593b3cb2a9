# SPDX-License-Identifier: Apache-2.0
"""The figure of a case on one kernel of a search: found once, and kept.

It is measured in a boot or counted in the code (lab/trace/static_tier.py). In the code static
keys are as they were compiled, and a case that is no straight line has no figure.
"""

import json
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lab.bisect.static_source import StaticSource
from lab.campaign import safe_files
from lab.core.errors import Interrupted, KmapbenchError, is_of_machine
from lab.kernels.variant import Variant
from lab.run import runner
from lab.run.plan import Plan

# The variant that is booted, and the file that says that a kernel needs no second look.
NAME = "bisect"
_KEPT = "figure.json"


class Search(Protocol):
    """What is asked of each kernel."""

    @property
    def case(self) -> str:
        """Whose instructions."""

    @property
    def static(self) -> bool:
        """Whether they are counted in the code, and no kernel is built."""

    @property
    def given(self) -> list[str]:
        """The command line."""


@dataclass(frozen=True)
class Figure:
    """What a kernel has: a cost, or why there is none."""

    kernel: str  # a commit, or how many patches of a series
    cost: float | None  # instructions an operation; the mean of all boots
    why: str  # it cannot be measured
    functions: dict[str, float]  # instructions an operation, by the chain of calls; of one boot
    boots: list[float] = field(default_factory=list)  # the cost in each; none: it was not booted
    exact: bool = True  # all samples of all boots are the same


def differences(before: Figure, after: Figure) -> list[str]:
    """The functions in which two kernels differ, a line each."""
    lines = []
    for chain in sorted({*before.functions, *after.functions}):
        old, new = before.functions.get(chain, 0), after.functions.get(chain, 0)
        if old != new:
            lines.append(f"  {chain}: {old:g} -> {new:g} ({new - old:+g})")
    return lines


def find(
    search: Search,
    kernel: str,
    variant: Variant,
    folder: Path,
    run: Callable[[Plan], list[str]] = runner.measure,
    source: StaticSource | None = None,
    boots: int = 1,
) -> Figure:
    """The figure of a kernel, from its folder or found now.

    source: what is counted in, where the search counts in the code; boots: so many at least, where
    it does not.

    A KmapbenchError where this machine cannot measure any kernel.
    """
    if figure := kept(search, folder, boots):
        return figure
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        if search.static:
            figure = _count(search, kernel, variant, source or StaticSource())
        else:
            figure = _boot(search, kernel, variant, folder / "campaign", run, boots)
    except Interrupted:
        raise
    except KmapbenchError as error:
        if is_of_machine(error):
            raise
        return Figure(kernel, None, str(error), {})
    if figure.cost is not None:  # else it is tried again when the search goes on
        safe_files.write_json(folder / _KEPT, vars(figure))
    return figure


def kept(search: Search, folder: Path, boots: int) -> Figure | None:
    """The figure that a folder has, of so many boots at least; None: it has none."""
    try:
        figure = Figure(**json.loads((folder / _KEPT).read_text()))
    except FileNotFoundError:
        return None
    return figure if search.static or len(figure.boots) >= boots else None


def _count(search: Search, kernel: str, variant: Variant, source: StaticSource) -> Figure:
    assert variant.image is not None  # the plan has seen to that
    with source:
        counted, functions = source.count(variant.image, search.case)
    if counted.cost is None:
        return Figure(kernel, None, f"{search.case}: {counted.why}; a boot would say", {})
    named = {" > ".join(chain): float(number) for chain, number in functions.items()}
    return Figure(kernel, float(counted.cost), "", named)


def _boot(
    search: Search,
    kernel: str,
    variant: Variant,
    campaign: Path,
    run: Callable[[Plan], list[str]],
    boots: int,
) -> Figure:
    problems = run(Plan([variant], boots, 1, "micro", None, search.case, campaign, search.given))
    records = []
    for number in range(1, boots + 1):
        boot = campaign / variant.name / f"boot-{number:02d}"
        rows = safe_files.read_lines(boot / "micro.jsonl")
        record = next((row for row in rows if row["case"] == search.case), None)
        if not record or record["status"] != "ok":
            reason = record.get("reason", record["status"]) if record else "no record of it"
            why = problems[0] if problems else f"{search.case}: {reason}"
            return Figure(kernel, None, why, {})
        records.append(record)
    costs = [float(record["cost"]) for record in records]
    functions = _functions(search.case, campaign / variant.name / "boot-01" / "path.jsonl")
    exact = all(record["exact"] for record in records) and len(set(costs)) == 1
    return Figure(kernel, statistics.fmean(costs), "", functions, costs, exact)


def _functions(case: str, path: Path) -> dict[str, float]:
    """The instructions that an operation takes in each function, by the chain of calls."""
    functions: dict[str, float] = {}
    for row in safe_files.read_lines(path):
        if row["case"] == case:
            for one in row["functions"]:
                chain = " > ".join(one["chain"])
                functions[chain] = functions.get(chain, 0) + one["instructions"] / row["ops"]
    return functions
