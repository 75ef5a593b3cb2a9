# SPDX-License-Identifier: Apache-2.0
"""Which charts a campaign gets, and with what words. A chart never holds figures of two clocks."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from analysis.compare.within_campaign import Verdicts
from analysis.data.load import Campaign
from analysis.fio_model.case_name import run_of
from analysis.report.charts import flame
from analysis.report.comparison import format
from analysis.report.figures import fio_figures
from analysis.report.html import verdict_tables
from analysis.report.html.page import Chart
from analysis.report.table import Table
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import Verdict
from analysis.summary import samples
from analysis.summary.cases import Row, tick_nanoseconds
from analysis.summary.cost_parts import PARTS, TITLES
from analysis.summary.provenance import emulator, file_name, lab, machine, releases, repeatability
from analysis.summary.samples import Distribution

# Paths without a touch: a copy would dwarf all else.
_UNTOUCHED = re.compile(r"(kernel|model)/kmap_[a-z_]+/[a-z_]+")
# Panels of one chart; the rest is in the records.
_MOST_PANELS = 12
# Rows of one chart; the rest is in its data.
_MOST_ROWS = 60

# Whose path is drawn call by call: one pair, one interrupt, one switch, one read and one write of a
# file.
_PROFILED = (
    *("kernel/kmap_local/protected", "elsewhere/irq/inside", "elsewhere/switch/different"),
    *(f"dax/{on}/{call}/4k" for on in ("ext4", "xfs") for call in ("pread", "pwrite")),
)

_PATHS = (
    "kernel/: this kernel's own path.  model/: the patched path in a module, as published and"
    " (slim) shorter."
)


def draw(campaign: Campaign, table: list[Row], verdicts: Verdicts, folder: Path) -> list[Chart]:
    """Writes the charts into a folder, which is made where there is anything to draw; most telling
    first.
    """
    return [
        *fio_figures.draw(campaign, table, verdicts, folder),
        *_forests(campaign, verdicts, folder),
        *_breakdowns(campaign, table, folder),
        *_profiles(campaign, folder),
        *_spreads(campaign, folder),
    ]


def _forests(campaign: Campaign, verdicts: Verdicts, folder: Path) -> Iterator[Chart]:
    """One chart a metric, so that no axis has two clocks. Counts that are the same to the digit are
    said to be, not drawn; fio has charts of its own.
    """
    for family in (
        [row for row in family if not run_of(row.case)] for family in verdicts.families()
    ):
        drawn = [
            row
            for row in family
            if row.ratio is not None and not (row.exact and row.verdict is Verdict.SAME)
        ]
        if drawn:
            yield _forest(campaign, verdicts, family, drawn, folder)


def _forest(
    campaign: Campaign,
    verdicts: Verdicts,
    family: list[Comparison],
    drawn: list[Comparison],
    folder: Path,
) -> Chart:
    # matplotlib takes half a second, which a campaign without a chart is spared
    from analysis.report.charts import forest, frame

    metric, shown = family[0].metric, drawn[:_MOST_ROWS]
    groups = [
        (case, [(row.pair.new.label, row) for row in shown if row.case == case])
        for case in dict.fromkeys(row.case for row in shown)
    ]
    against_itself = [
        (one.case, one)
        for one in verdicts.aa(family)
        if one.ratio is not None and not run_of(one.case)
    ][:_MOST_PANELS]
    if against_itself:
        groups.append((f"A/A: {verdicts.baseline} against itself", against_itself))
    title = f"Variants against {verdicts.baseline}"
    emulated = f"Emulated ({emulator(campaign)}, -icount). " if metric.clock == "icount" else ""
    boots = ", ".join(dict.fromkeys(format.boots(row) for row in family))
    kernels = releases(
        campaign, [verdicts.baseline, *(group.new.label for group in verdicts.groups)]
    )
    subtitle = (
        f"{kernels}. {emulated}Clock: {metric.clock}; {boots}; {metric.unit}, {metric.better} is"
        " better."
    )
    alike = sum(row.exact and row.verdict is Verdict.SAME for row in family)
    footer = [format.test(verdicts.groups), format.against_itself(verdicts.groups)]
    footer.append(
        f"Not drawn: {alike} of {len(family)} comparisons, the same to the digit." if alike else ""
    )
    footer.append(
        f"{len(shown)} of {len(drawn)} others are shown." if len(shown) < len(drawn) else ""
    )
    target = folder / f"forest-{file_name(metric.name)}"
    folder.mkdir(exist_ok=True)
    axis = f"{metric.name.replace('_', ' ')}, ratio new/old" + (
        " (emulated: instructions, not time)" if metric.clock == "icount" else ""
    )
    forest.draw(
        frame.Caption(title, subtitle, "\n".join(filter(None, footer))), groups, axis, target
    )
    data = replace(verdict_tables.sheet(verdicts, family), name=target.name)
    return Chart.drawn(target, title, replace(data, caption=f"{subtitle} {data.caption}"))


def _breakdowns(campaign: Campaign, table: list[Row], folder: Path) -> Iterator[Chart]:
    counted = [row for row in table if row.parts and _UNTOUCHED.fullmatch(row.case)]
    variants = [
        variant
        for variant in campaign.header["variants"]
        if any(row.variant == variant for row in counted)
    ]
    own = [row for row in counted if row.case.startswith("kernel/")]
    if len(variants) > 1 and own:
        cases = dict.fromkeys(row.case for row in own)
        order = {variant: number for number, variant in enumerate(variants)}
        groups = [
            (
                case,
                sorted(
                    ((row.variant, row) for row in own if row.case == case),
                    key=lambda one: order[one[0]],
                ),
            )
            for case in cases
        ]
        subtitle = (
            f"{releases(campaign, variants)}. Emulated ({emulator(campaign)}, -icount),"
            f" {repeatability(own)}"
        )
        yield _breakdown(
            "The kernel's own path by variant, and where its instructions go",
            subtitle,
            "",
            groups,
            folder / "cost-breakdown",
        )
    for variant in variants:
        chosen = [row for row in counted if row.variant == variant]
        paths = dict.fromkeys(row.case.rpartition("/")[0] for row in chosen)
        groups = [
            (
                f"{path}/",
                [
                    (row.case.rpartition("/")[2], row)
                    for row in chosen
                    if row.case.rpartition("/")[0] == path
                ],
            )
            for path in paths
        ]
        subtitle = f"{variant}: {lab(campaign, variant)}, {repeatability(chosen)}"
        target = folder / f"cost-breakdown-{file_name(variant)}"
        yield _breakdown(
            "What one kmap_local map/unmap pair costs, and where it goes",
            subtitle,
            _PATHS,
            groups,
            target,
        )


def _breakdown(
    title: str,
    subtitle: str,
    footer: str,
    groups: list[tuple[str, list[tuple[str, Row]]]],
    target: Path,
) -> Chart:
    # matplotlib takes half a second, which a campaign without a chart is spared
    from analysis.report.charts import breakdown, frame

    target.parent.mkdir(exist_ok=True)
    breakdown.draw(frame.Caption(title, subtitle, footer), groups, target)
    drawn = [row for _, rows in groups for _, row in rows]
    used = [part for part in PARTS if any(row.parts[part] for row in drawn)]
    data = Table(
        name=target.name,
        heading=title,
        caption=(
            f"{subtitle}. Clock: icount. Counted from outside the guest by a plugin of the"
            " emulator, by function."
        ),
        columns=("case", "variant", *(TITLES[part] for part in used), "cost", "WRMSR"),
        rows=tuple(
            (
                row.case,
                row.variant,
                *(float(row.parts[part]) for part in used),
                row.cost,
                float(row.wrmsr),
            )
            for row in drawn
        ),
    )
    return Chart.drawn(target, title, data)


def _profiles(campaign: Campaign, folder: Path) -> Iterator[Chart]:
    """The first boot's way through a few cases, where who called whom was counted."""
    for path in campaign.paths:
        if path.boot != 1 or path.case not in _PROFILED or not path.stacks:
            continue
        folder.mkdir(exist_ok=True)
        where = f"{path.variant}: {lab(campaign, path.variant)}"
        target = folder / f"profile-{path.case.replace('/', '-')}-{file_name(path.variant)}"
        target.with_name(target.name + ".svg").write_text(flame.svg(path, where))
        rows = tuple(
            (name, path.variant, float(instructions), float(wrmsr))
            for name, instructions, wrmsr in flame.by_function(path)
        )
        title = f"Where the instructions of {path.case} go, call by call"
        caption = (
            f"{where}. Clock: icount. Callers below what they called; the loop is included. Counted"
            " from outside the guest."
        )
        yield Chart.drawn(
            target,
            title,
            Table(
                target.name, title, caption, ("function", "variant", "instructions", "WRMSR"), rows
            ),
        )


def _spreads(campaign: Campaign, folder: Path) -> Iterator[Chart]:
    """What differs from sample to sample: exact figures have no spread."""
    spread = samples.distributions(campaign.records)
    for variant in dict.fromkeys(one.variant for one in spread):
        chosen = [one for one in spread if one.variant == variant]
        for clock in dict.fromkeys(one.clock for one in chosen):
            yield from _spread(campaign, [one for one in chosen if one.clock == clock], folder)


def _spread(campaign: Campaign, chosen: list[Distribution], folder: Path) -> Iterator[Chart]:
    from analysis.report.charts import boots, ecdf, frame

    first, shown = chosen[0], chosen[:_MOST_PANELS]
    rate = tick_nanoseconds(campaign, first.variant) if first.clock == "tsc" else None
    scale, unit = (rate, "ns") if rate else (1, first.unit)
    axis = f"{unit} an operation" + (
        ", emulated: instructions, not time" if first.clock == "icount" else ""
    )
    per = "launches" if first.per == "launch" else "boots"
    count = max(len(one.boots) for one in chosen)
    place = lab if first.clock == "icount" else machine
    subtitle = (
        f"{first.variant}: {place(campaign, first.variant)}, clock: {first.clock},"
        f" {count} {per if count > 1 else first.per}"
    )
    left_out = (
        f" {len(shown)} of {len(chosen)} cases that differ are shown."
        if len(shown) < len(chosen)
        else ""
    )
    folder.mkdir(exist_ok=True)

    target = folder / f"medians-{file_name(first.variant)}"
    title = f"Medians of {per}, and the samples behind them"
    footer = (
        f"Diamond: the figure of one {first.per}. Dots: its samples, {samples.POINTS} at most,"
        f" evenly by rank. Dashed: the median of {per}.{left_out}"
    )
    boots.draw(frame.Caption(title, subtitle, footer), shown, scale, axis, target)
    rows = tuple(
        (one.case, one.variant, boot.number, boot.cost * scale, boot.samples)
        for one in chosen
        for boot in one.boots
    )
    caption = f"{subtitle}. The empty loop is taken off."
    yield Chart.drawn(
        target,
        title,
        Table(
            target.name,
            title,
            caption,
            ("case", "variant", first.per, f"cost, {unit}", "samples"),
            rows,
        ),
    )

    target = folder / f"ecdf-{file_name(first.variant)}"
    title = "How many samples take no longer than so much"
    footer = (
        f"Thick: all {per}. Thin: one {first.per}. A curve with several steps has several"
        f" modes.{left_out}"
    )
    ecdf.draw(frame.Caption(title, subtitle, footer), shown, scale, axis, target)
    rows = tuple(
        (one.case, one.variant, boot.number, rank / max(len(boot.values) - 1, 1), value * scale)
        for one in shown
        for boot in one.boots
        for rank, value in enumerate(boot.values.tolist())
    )
    yield Chart.drawn(
        target,
        title,
        Table(
            target.name,
            title,
            caption,
            ("case", "variant", first.per, "rank, 0 to 1", f"sample, {unit}"),
            rows,
        ),
    )
