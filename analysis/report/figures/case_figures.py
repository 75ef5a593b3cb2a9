# SPDX-License-Identifier: Apache-2.0
"""Figures of a campaign's cases: which there are, with which data and captions. A figure never
shows two clocks.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from analysis.data.grouping import group_by
from analysis.report.comparison import format
from analysis.report.contents.findings import Family, Findings
from analysis.report.contents.verdict_tables import verdict_table
from analysis.report.figures.spread_figures import spread_figures
from analysis.report.model.figure import Breakdown, Caption, Figure, Forest, Profile
from analysis.report.model.table import Table
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import Verdict
from analysis.summary.cases import Row
from analysis.summary.cost_parts import PARTS, TITLES
from analysis.summary.provenance import (
    describe_kernels,
    describe_lab,
    emulator,
    repeatability,
    safe_file_name,
)
from analysis.summary.stacks import own_counts

# Paths without a touch of the page: a copy would dwarf everything else.
_UNTOUCHED = re.compile(r"(kernel|model)/kmap_[a-z_]+/[a-z_]+")
# A/A rows and other rows of one forest plot; its table has all.
_MOST_AA = 12
_MOST_ROWS = 60

# Cases whose path is drawn call by call: one map/unmap pair, one interrupt, one context switch, one
# read and one write of a file.
_PROFILED = (
    *("kernel/kmap_local/protected", "elsewhere/irq/inside", "elsewhere/switch/different"),
    *(f"dax/{on}/{call}/4k" for on in ("ext4", "xfs") for call in ("pread", "pwrite")),
)

_PATHS = (
    "kernel/: this kernel's own path.  model/: the patched path in a module, as published and"
    " (slim) shorter."
)


def case_figures(findings: Findings) -> Iterator[Figure]:
    """Figures of all cases but fio's, the most informative first."""
    yield from _forests(findings)
    yield from _breakdowns(findings)
    yield from _profiles(findings)
    yield from spread_figures(findings.campaign)


def _forests(findings: Findings) -> Iterator[Figure]:
    """One figure per metric. Exact counts that are the same are mentioned, not drawn."""
    for family in findings.families:
        compared = [row for row in family.rows if row.case not in findings.runs]
        drawn = [
            row
            for row in compared
            if row.ratio is not None and not (row.exact and row.verdict is Verdict.SAME)
        ]
        if drawn:
            yield _forest(findings, family, compared, drawn)


def _forest(
    findings: Findings, family: Family, compared: list[Comparison], drawn: list[Comparison]
) -> Figure:
    verdicts, metric, chosen = findings.verdicts, compared[0].metric, _largest_first(drawn)
    groups = [(case, [(row.pair.new.label, row) for row in rows]) for case, rows in chosen]
    against_itself = [
        (row.case, row)
        for row in family.aa
        if row.ratio is not None and row.case not in findings.runs
    ]
    if against_itself:
        groups.append((f"A/A: {verdicts.baseline} against itself", against_itself[:_MOST_AA]))
    emulated = (
        f"Emulated ({emulator(findings.campaign)}, -icount). " if metric.clock == "icount" else ""
    )
    boots = ", ".join(dict.fromkeys(format.count_boots(row) for row in compared))
    variants = [verdicts.baseline, *(group.new.label for group in verdicts.groups)]
    subtitle = (
        f"{describe_kernels(findings.campaign, variants)}. {emulated}Clock: {metric.clock};"
        f" {boots}; {metric.unit}, {metric.better} is better."
    )
    title = f"Variants against {verdicts.baseline}"
    name = f"forest-{safe_file_name(metric.name)}"
    table = verdict_table(verdicts, compared, family)
    axis = f"{metric.name.replace('_', ' ')}, ratio new/old" + (
        " (emulated: instructions, not time)" if metric.clock == "icount" else ""
    )
    return Figure(
        Caption(title, subtitle, _forest_footer(findings, compared, drawn, chosen)),
        replace(table, name=name, caption=f"{subtitle} {table.caption}"),
        Forest(groups, axis),
    )


def _largest_first(rows: list[Comparison]) -> list[tuple[str, list[Comparison]]]:
    """Rows by case, by their largest change, what is exploratory only last; as many whole cases as
    fit, and one in any case.
    """

    def effect(of_case: tuple[str, list[Comparison]]) -> float:
        return max(
            abs(math.log(row.ratio))
            if row.ratio and row.verdict is not Verdict.EXPLORATORY
            else 0.0
            for row in of_case[1]
        )

    by_case = sorted(group_by(rows, lambda row: row.case).items(), key=effect, reverse=True)
    sums = list(accumulate(len(of_case) for _, of_case in by_case))
    return [one for one, drawn in zip(by_case, sums) if drawn <= _MOST_ROWS] or by_case[:1]


def _forest_footer(
    findings: Findings,
    compared: list[Comparison],
    drawn: list[Comparison],
    chosen: list[tuple[str, list[Comparison]]],
) -> str:
    groups = findings.verdicts.groups
    lines = [format.describe_test(groups), format.describe_aa(groups)]
    same = sum(row.exact and row.verdict is Verdict.SAME for row in compared)
    if same:
        lines.append(f"Not drawn: {same} of {len(compared)} comparisons, the same to the digit.")
    shown = sum(len(rows) for _, rows in chosen)
    if shown < len(drawn):
        lines.append(
            f"The {len(chosen)} cases that change most are shown, {shown} of {len(drawn)} others."
        )
    return "\n".join(filter(None, lines))


def _breakdowns(findings: Findings) -> Iterator[Figure]:
    """One figure of the kernels' own paths, and one per variant of all its paths."""
    counted = [row for row in findings.rows if row.parts and _UNTOUCHED.fullmatch(row.case)]
    by_variant = group_by(counted, lambda row: row.variant)
    variants = [variant for variant in findings.variants if variant in by_variant]
    own = [row for row in counted if row.case.startswith("kernel/")]
    if len(variants) > 1 and own:
        yield _breakdown_by_variant(findings, variants, own)
    for variant in variants:
        yield _breakdown_of_variant(findings, variant, by_variant[variant])


def _breakdown_by_variant(findings: Findings, variants: list[str], own: list[Row]) -> Figure:
    groups = [
        (
            case,
            sorted(
                ((row.variant, row) for row in rows),
                key=lambda bar: findings.variants.index(bar[0]),
            ),
        )
        for case, rows in group_by(own, lambda row: row.case).items()
    ]
    campaign = findings.campaign
    subtitle = (
        f"{describe_kernels(campaign, variants)}. Emulated ({emulator(campaign)}, -icount),"
        f" {repeatability(own)}"
    )
    title = "The kernel's own path by variant, and where its instructions go"
    return _breakdown("cost-breakdown", Caption(title, subtitle), groups)


def _breakdown_of_variant(findings: Findings, variant: str, rows: list[Row]) -> Figure:
    groups = [
        (f"{path}/", [(row.case.rpartition("/")[2], row) for row in same_path])
        for path, same_path in group_by(rows, lambda row: row.case.rpartition("/")[0]).items()
    ]
    subtitle = f"{variant}: {describe_lab(findings.campaign, variant)}, {repeatability(rows)}"
    title = "What one kmap_local map/unmap pair costs, and where it goes"
    name = f"cost-breakdown-{safe_file_name(variant)}"
    return _breakdown(name, Caption(title, subtitle, _PATHS), groups)


def _breakdown(
    name: str, caption: Caption, groups: list[tuple[str, list[tuple[str, Row]]]]
) -> Figure:
    drawn = [row for _, rows in groups for _, row in rows]
    used = [part for part in PARTS if any(row.parts and row.parts[part] for row in drawn)]
    table = Table(
        name=name,
        heading=caption.title,
        caption=(
            f"{caption.subtitle}. Clock: icount. Counted from outside the guest by a plugin of the"
            " emulator, by function."
        ),
        columns=("case", "variant", *(TITLES[part] for part in used), "cost", "WRMSR"),
        rows=tuple(
            (
                row.case,
                row.variant,
                *(float(row.parts[part]) for part in used),
                row.cost,
                None if row.pkrs_writes is None else float(row.pkrs_writes),
            )
            for row in drawn
            if row.parts
        ),
    )
    return Figure(caption, table, Breakdown(groups))


def _profiles(findings: Findings) -> Iterator[Figure]:
    """First boot's path of a few cases, if callers were counted."""
    for path in findings.campaign.paths:
        if path.boot != 1 or path.case not in _PROFILED or not path.stacks:
            continue
        kernel = f"{path.variant}: {describe_lab(findings.campaign, path.variant)}"
        title = f"Where the instructions of {path.case} go, call by call"
        table = Table(
            name=f"profile-{path.case.replace('/', '-')}-{safe_file_name(path.variant)}",
            heading=title,
            caption=(
                f"{kernel}. Clock: icount. Callers below what they called; the loop is included."
                " Counted from outside the guest."
            ),
            columns=("function", "variant", "instructions", "WRMSR"),
            rows=tuple(
                (name, path.variant, float(instructions), float(wrmsr))
                for name, instructions, wrmsr in own_counts(path)
            ),
        )
        yield Figure(Caption(title, kernel), table, Profile(path, kernel))
