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
from analysis.data.load import CountedPath
from analysis.report.comparison import format
from analysis.report.contents.findings import Family, Findings
from analysis.report.contents.verdict_tables import verdict_table
from analysis.report.figures.spread_figures import spread_figures
from analysis.report.model.figure import BarPanel, Breakdown, Caption, Figure, Forest, Profile
from analysis.report.model.table import Table
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import Verdict
from analysis.summary.cases import Row
from analysis.summary.cost_parts import PARTS, TITLES
from analysis.summary.families import families
from analysis.summary.provenance import describe_kernels, emulator, repeatability, safe_file_name
from analysis.summary.stacks import call_tree, describe_count, describe_writes, own_counts
from formats.campaign_format import UNKNOWN_FUNCTION
from formats.case_names import PMEM_PAGE, PMEM_PAGES

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
    " (slim) shorter; it is the same on all kernels."
)
# What a PKRS write is supposed to take, where no machine says it: docs/measurement.md says whose
# figure that is.
_WRITE_CYCLES = 185


def case_figures(findings: Findings) -> Iterator[Figure]:
    """Figures of all cases but fio's, the most informative first."""
    yield from _forests(findings)
    yield from _breakdowns(findings)
    yield from _profiles(findings)
    yield from spread_figures(findings.campaign)


def _forests(findings: Findings) -> Iterator[Figure]:
    """One figure per metric, of what has an interval. An exact count is read off the table."""
    for family in findings.families:
        compared = [row for row in family.rows if row.case not in findings.runs]
        drawn = [row for row in compared if row.ratio is not None and not row.exact]
        if drawn:
            yield _forest(findings, family, compared, drawn)


def _forest(
    findings: Findings, family: Family, compared: list[Comparison], drawn: list[Comparison]
) -> Figure:
    verdicts, metric, chosen = findings.verdicts, compared[0].metric, _largest_first(drawn)
    groups = [(case, [(row.pair.new.label, row) for row in rows]) for case, rows in chosen]
    against_itself = [
        (f"{row.pair.old.label}: {row.case}", row)
        for row in family.aa
        if row.ratio is not None and row.case not in findings.runs
    ]
    if against_itself:
        groups.append(("A/A: a baseline against itself", against_itself[:_MOST_AA]))
    emulated = (
        f"Emulated ({emulator(findings.campaign)}, -icount). " if metric.clock == "icount" else ""
    )
    boots = ", ".join(dict.fromkeys(format.count_boots(row) for row in compared))
    variants = dict.fromkeys(
        label for group in verdicts.groups for label in (group.old.label, group.new.label)
    )
    subtitle = (
        f"{describe_kernels(findings.campaign, variants)}. {emulated}Clock: {metric.clock};"
        f" {boots}; {metric.unit}, {metric.better} is better."
    )
    title = f"Variants against {verdicts.baseline}, where boots differ"
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
    if exact := sum(row.exact for row in compared):
        lines.append(
            f"Not drawn: {exact} of {len(compared)} comparisons, which are exact: the table has"
            " them."
        )
    shown = sum(len(rows) for _, rows in chosen)
    if shown < len(drawn):
        lines.append(
            f"The {len(chosen)} cases that change most are shown, {shown} of {len(drawn)} others."
        )
    return "\n".join(filter(None, lines))


def _breakdowns(findings: Findings) -> Iterator[Figure]:
    """One figure of all paths, if any was counted from outside."""
    counted = [row for row in findings.rows if row.parts and _UNTOUCHED.fullmatch(row.case)]
    if not counted:
        return
    variants = [name for name in findings.variants if any(row.variant == name for row in counted)]
    panels = _kernel_panels(counted, variants) + _model_panels(counted, variants)
    drawn = [row for panel in panels for _, row in panel.rows]
    supposed = None
    if any(row.pkrs_writes for row in drawn):
        first = next(panel for panel in panels if any(row.pkrs_writes for _, row in panel.rows))
        supposed = BarPanel(f"{first.title}, supposed", first.rows)
    campaign = findings.campaign
    subtitle = (
        f"{describe_kernels(campaign, variants)}. Emulated ({emulator(campaign)}, -icount), clock:"
        f" icount, {repeatability(drawn)}"
    )
    title = "What a map/unmap pair costs, and where its instructions go"
    caption = Caption(title, subtitle, _PATHS)
    drawing = Breakdown(panels, supposed, _WRITE_CYCLES)
    yield Figure(caption, _breakdown_table(caption, drawn), drawing)


def _kernel_panels(counted: list[Row], variants: list[str]) -> list[BarPanel]:
    """Of several variants a panel a kind of page, else one panel. The page of persistent memory is
    one kind of page, whether a variant protects it or not.
    """
    own = [row for row in counted if row.case.startswith("kernel/")]
    if len(variants) == 1:
        bars = [(row.case.removeprefix("kernel/"), row) for row in own]
        return [BarPanel("kernel/", bars)] if bars else []
    by_key = {(row.case, row.variant): row for row in own}
    panels = {
        label: [
            (name, by_key[key])
            for name in variants
            if (key := (protected, name)) in by_key or (key := (unprotected, name)) in by_key
        ]
        for label, (protected, unprotected) in PMEM_PAGES.items()
        if any((protected, name) in by_key for name in variants)
    }
    joined = {PMEM_PAGES[label][0] for label in panels}
    for case, rows in group_by(own, lambda row: row.case).items():
        if case not in joined:
            panels[case] = sorted(
                ((row.variant, row) for row in rows), key=lambda bar: variants.index(bar[0])
            )
    order = sorted(panels, key=lambda title: title != PMEM_PAGE)
    return [BarPanel(title, panels[title]) for title in order]


def _model_panels(counted: list[Row], variants: list[str]) -> list[BarPanel]:
    """Paths of the module, of the first variant that was to run them."""
    models = [row for row in counted if row.case.startswith("model/")]
    first = next((name for name in variants if any(row.variant == name for row in models)), None)
    of_first = [row for row in models if row.variant == first]
    return [
        BarPanel(f"{path}/", [(row.case.rpartition("/")[2], row) for row in same_path])
        for path, same_path in group_by(of_first, lambda row: row.case.rpartition("/")[0]).items()
    ]


def _breakdown_table(caption: Caption, drawn: list[Row]) -> Table:
    used = [part for part in PARTS if any(row.parts and row.parts[part] for row in drawn)]
    return Table(
        name="cost-breakdown",
        heading=caption.title,
        caption=(
            f"{caption.subtitle}. Counted from outside the guest by a plugin of the emulator, by"
            " function."
        ),
        columns=("case", "variant", *(TITLES[part] for part in used), "cost", "PKRS writes"),
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


def _profiles(findings: Findings) -> Iterator[Figure]:
    """First boot's paths of a few cases, if callers were counted: for each family of variants, what
    its last one takes more than its baseline; the path of one of them, where the other has none.
    """
    by_key = {
        (path.case, path.variant): path
        for path in findings.campaign.paths
        if path.boot == 1 and path.stacks
    }
    for case in _PROFILED:
        for family in families(findings.campaign.header):
            old = _path_of(by_key, case, family.baseline)
            new = _path_of(by_key, case, family.variants[-1])
            if new and old and new is not old:
                yield _profile(findings, new, old)
            elif (one := new or old) and _names_functions(one):
                yield _profile(findings, one, None)


def _names_functions(path: CountedPath) -> bool:
    """Whether most of a path is in functions whose names are known: a kernel that hides its symbols
    has a graph that says nothing.
    """
    counts = [(name, counts.instructions) for name, _, counts in own_counts(path)]
    named = sum(count for name, count in counts if name != UNKNOWN_FUNCTION)
    return 2 * named > sum(count for _, count in counts)


def _path_of(
    by_key: dict[tuple[str, str], CountedPath], case: str, variant: str
) -> CountedPath | None:
    """The path of a case, or of the one that is the same page where it is not protected."""
    same_page = {protected: unprotected for protected, unprotected in PMEM_PAGES.values()}
    return by_key.get((case, variant)) or by_key.get((same_page.get(case, ""), variant))


def _profile(findings: Findings, new: CountedPath, old: CountedPath | None) -> Figure:
    sides = [new] if old is None else [old, new]
    kernels = describe_kernels(findings.campaign, [path.variant for path in sides])
    kernels = f"{kernels}; emulated ({emulator(findings.campaign)})"
    counts = call_tree(new, old).added
    added = f"{describe_count(counts.instructions, '' if old is None else '+')} instructions"
    writes = f", {describe_writes(counts.writes)}" if counts.writes else ""
    against = "" if old is None else f", {new.variant} against {old.variant}"
    title = f"{new.case}{against}: {added}{writes}"
    names = "-".join(safe_file_name(path.variant) for path in reversed(sides))
    table = Table(
        name=f"profile-{new.case.replace('/', '-')}-{names}",
        heading=title,
        caption=(
            f"{kernels}. Clock: icount. Callers below what they called; the loop is included."
            " Counted from outside the guest."
        ),
        columns=("function", *(path.variant for path in sides), "difference", "PKRS writes"),
        rows=tuple(
            (
                name,
                *(float(side.instructions) for side in (before, after)[-len(sides) :]),
                float((after - before).instructions),
                float(after.writes),
            )
            for name, before, after in own_counts(new, old)
        ),
    )
    return Figure(Caption(title, kernels), table, Profile(new, old))
