# SPDX-License-Identifier: Apache-2.0
"""`show`: one case as a person reads it, from its samples to its cost."""

from collections.abc import Sequence

import numpy as np

from analysis.data.load import Campaign, CountedPath, Record
from analysis.report.text.layout import wrapped
from analysis.summary import cost_parts

_ORACLE = {
    "held": "held: the closed page could not be written, the open page could",
    "failed": "FAILED: protection was not shown to work, so there is no figure",
    "none": "none: nothing is protected in this case",
}


def render_case(campaign: Campaign, case: str, variant: str | None) -> str:
    """Every record of a case, of one variant or of all; empty where there is none."""
    records = [
        record
        for record in [*campaign.controls, *campaign.records]
        if record.case == case and variant in (None, record.variant)
    ]
    paths = {
        (path.variant, path.boot): path
        for path in [*campaign.control_paths, *campaign.paths]
        if path.case == case
    }
    boots: dict[tuple[str, str], list[str]] = {}  # boots that are alike are shown once
    for record in records:
        text = "\n".join(_lines(record, paths.get((record.variant, record.boot))))
        launch = f", launch {record.launch}" if record.launch > 1 else ""
        boots.setdefault((record.variant, text), []).append(f"boot {record.boot}{launch}")
    return "\n".join(
        f"{case} on {name}, {'; '.join(named)}\n{text}\n" for (name, text), named in boots.items()
    )


def _lines(record: Record, path: CountedPath | None) -> list[str]:
    lines = []
    if record.status != "ok":
        lines += wrapped(f"  {record.status}: {record.reason}", "    ")
    if record.cost is not None:
        lines += _cost(record)
    if path is not None:
        lines += _counted(path)
    lines.append(f"  oracle    {_ORACLE.get(record.oracle, record.oracle)}")
    repeated = {cause: number for cause, number in record.rejected.items() if number}
    if repeated:
        said = ", ".join(f"{number} for {cause}" for cause, number in repeated.items())
        lines.append(f"  repeated  samples: {said}")
    return lines


def _cost(record: Record) -> list[str]:
    exact = "the same in all samples" if record.exact else "median of the samples"
    lines = [f"  cost      {record.cost:,g} {record.unit} an operation ({exact})"]
    if record.cost_shifted is not None:
        lines.append(f"            {record.cost_shifted:,g} at another alignment of the same code")
    if len(record.samples) and record.empty is not None:
        of_n, of_2n = np.median(record.samples, axis=0)
        slope = (of_2n - of_n) / record.ops
        lines += [
            f"  from      {len(record.samples)} samples, medians:"
            f" {of_n:,g} for {record.ops} operations, {of_2n:,g} for {2 * record.ops}",
            f"            ({of_2n:,g} - {of_n:,g}) / {record.ops} = {slope:,g}",
            f"            less {record.empty:,g} of the empty loop = {slope - record.empty:,g}",
        ]
    if record.cost_core_cycles is not None:
        lines.append(f"  cycles    {record.cost_core_cycles:,.2f}, by the add chain beside it")
    counted = {"cycles": record.counted_cycles, "instructions": record.counted_instructions}
    said = ", ".join(f"{count:,.2f} {name}" for name, count in counted.items() if count is not None)
    if said:
        lines.append(f"  PMU       {said}, in the same windows")
    for problem in record.counting_problems:
        lines += wrapped(f"  PMU       not to be trusted: {problem}", "            ")
    return lines


def _counted(path: CountedPath) -> list[str]:
    """By function, as the observer counted it outside the guest; the largest first."""
    parts = cost_parts.per_operation(path)
    said = ", ".join(
        f"{cost_parts.TITLES[part]} {float(count):g}" for part, count in parts.items() if count
    )
    lines = [
        f"  counted   from outside: {said}",
        f"            PKRS writes: {path.pkrs_writes / path.ops:g}",
    ]
    functions: dict[str, int] = {}
    for function in path.functions:
        name = function["chain"][-1]
        functions[name] = functions.get(name, 0) + function["instructions"]
    lines += [
        f"            {count / path.ops:>8g}  {name}"
        for name, count in sorted(functions.items(), key=lambda item: (-item[1], item[0]))
    ]
    return lines


def names_like(campaign: Campaign, case: str) -> Sequence[str]:
    """Cases whose name has this in it, to be offered where there is none of it."""
    return list(dict.fromkeys(one.case for one in campaign.records if case in one.case))
