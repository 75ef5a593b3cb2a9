# SPDX-License-Identifier: Apache-2.0
"""Figures of fio: overhead as a heat map, what is added by block size next to the cost model, and
results by jobs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.fio_model.cost_model import CopyUnit, ModelCheck
from analysis.fio_model.fio_means import FioMean, fio_means
from analysis.report.comparison import format
from analysis.report.contents.findings import Family, Findings
from analysis.report.contents.fio_tables import model_table
from analysis.report.contents.model_sentences import describe_checks
from analysis.report.contents.verdict_tables import verdict_table
from analysis.report.model.figure import (
    Caption,
    CurvePanel,
    Curves,
    DifferencePanel,
    Differences,
    Figure,
    Heat,
    Point,
)
from analysis.report.model.report_model import CheckedFamily
from analysis.report.model.table import Table
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import CONFIDENCE
from analysis.summary.provenance import describe_kernels, emulator, safe_file_name

# Rows of a heat map and panels of a figure; its table has all.
_MOST_ROWS = 60
_MOST_PANELS = 12
# Jobs are emulated on one CPU, where only what is added to each I/O says something.
_COUNTED = "icount"
# An overhead of this share, or the largest of all heat maps where that is less, has the full
# colour.
_FULL = 0.10


def fio_figures(findings: Findings) -> Iterator[Figure]:
    """All figures of fio, each of one clock."""
    for family in findings.families:
        drawn = [row for row in family.rows if row.case in findings.runs and row.ratio]
        full = min(_FULL, max((abs(row.ratio - 1) for row in drawn if row.ratio), default=0))
        by_variant = group_by(drawn, lambda row: row.pair.new.label)
        for rows in reversed(by_variant.values()):  # the one that is asked about is the last
            yield _heat(findings, family, rows, full or _FULL)
        yield from _differences(findings, family, by_jobs=False)
        if family.clock == _COUNTED:
            yield from _differences(findings, family, by_jobs=True)
    is_added_drawn = any(family.clock == _COUNTED and family.checks for family in findings.families)
    for clock, means in fio_means(findings.campaign, findings.runs).items():
        if clock != _COUNTED or not is_added_drawn:
            yield from _by_jobs(findings.campaign, clock, means)


def _subtitle(
    campaign: Campaign, variants: Iterable[str], clock: str, unit: str, boots: str
) -> str:
    emulated = f"Emulated ({emulator(campaign)}, -icount). " if clock == "icount" else ""
    kernels = describe_kernels(campaign, variants)
    return f"{kernels}. {emulated}Clock: {clock}; {boots}; {unit}, by fio."


def _jobs(count: int) -> str:
    return f"{count} job{'s' if count > 1 else ''}"


def _left_out(shown: int, total: int, what: str) -> str:
    return f" {shown} of {total} {what} are shown." if shown < total else ""


def _heat(findings: Findings, family: Family, drawn: list[Comparison], full: float) -> Figure:
    """Overheads of one variant; each comparison has a ratio. full: the overhead, as a share, that
    has the full colour.
    """
    verdicts, metric = findings.verdicts, drawn[0].metric
    variant = drawn[0].pair.new.label
    runs = {row.case: findings.runs[row.case] for row in drawn}
    sizes = dict(sorted({run.block_bytes: run.size for run in runs.values()}.items()))
    rows: dict[tuple[str, str], dict[str, Comparison]] = {}
    for row in drawn:
        run = runs[row.case]
        label = f"{run.how.removeprefix(run.on + ' ')}, {_jobs(run.jobs)}"
        rows.setdefault((run.on, label), {})[run.size] = row
    shown = list(rows.items())[:_MOST_ROWS]
    groups = [
        (heading, [(label, by_size) for (_, label), by_size in same])
        for heading, same in group_by(
            sorted(shown, key=lambda item: len(item[1]) == 1),
            lambda item: item[0][0] + (f", {min(item[1])} alone" if len(item[1]) == 1 else ""),
        ).items()
    ]
    title = f"What {variant} adds to an I/O, against {drawn[0].pair.old.label}"
    boots = ", ".join(dict.fromkeys(format.count_boots(row) for row in drawn))
    subtitle = _subtitle(
        findings.campaign,
        [drawn[0].pair.old.label, variant],
        metric.clock,
        f"{metric.unit} an I/O",
        boots,
    )
    footer = (
        f"{metric.unit.capitalize()} an I/O, and percent; below them the {CONFIDENCE:.0%} interval"
        " of the percentage."
        f" {format.describe_test(verdicts.groups)}{_left_out(len(shown), len(rows), 'rows')}\n"
        f"{format.describe_aa(verdicts.groups)}"
    )
    table = replace(
        verdict_table(verdicts, drawn, family),
        name=f"dax-overhead-{safe_file_name(metric.name)}-{safe_file_name(variant)}",
        heading=title,
    )
    table = replace(table, caption=f"{subtitle} {table.caption}")
    drawing = Heat(list(sizes.values()), groups, full)
    return Figure(Caption(title, subtitle, footer), table, drawing)


def _by_jobs(campaign: Campaign, clock: str, means: list[FioMean]) -> Iterator[Figure]:
    """Means by number of jobs, if any kind of run was made with several."""
    by_kind = group_by(means, lambda mean: f"{mean.run.how} {mean.run.size}")
    panels = {
        kind: means for kind, means in by_kind.items() if len({mean.run.jobs for mean in means}) > 1
    }
    if not panels:
        return
    shown = list(panels.items())[:_MOST_PANELS]
    everything = [mean for means in panels.values() for mean in means]
    units = " and ".join(dict.fromkeys(mean.unit for mean in everything))
    variants = dict.fromkeys(mean.variant for mean in everything)
    boots = " or ".join(map(str, sorted({mean.boots for mean in everything})))
    subtitle = _subtitle(campaign, variants, clock, units, f"{boots} boots")
    shared = " Jobs share one CPU: it is what all take together." if clock == "icount" else ""
    footer = (
        f"Geometric mean of boots, with its {CONFIDENCE:.0%} t interval as a band. The upright axis"
        f" is cut: it does not begin at 0.{shared}"
        f"{_left_out(len(shown), len(panels), 'kinds of run')}"
    )
    caption = Caption("What fio measured, by jobs", subtitle, footer)
    table = _means_table(caption, f"dax-by-jobs-{clock}", panels)
    drawing = Curves(
        [_panel(kind, means) for kind, means in shown],
        "jobs, a file each",
        list(campaign.header["variants"]),
    )
    yield Figure(caption, table, drawing)


def _means_table(caption: Caption, name: str, panels: dict[str, list[FioMean]]) -> Table:
    return Table(
        name=name,
        heading=caption.title,
        caption=f"{caption.subtitle} {caption.footer}",
        columns=("run", "variant", "jobs", "boots", "unit", "figure", "95 % from", "to"),
        rows=tuple(
            (
                kind,
                mean.variant,
                mean.run.jobs,
                mean.boots,
                mean.unit,
                mean.mean,
                mean.low,
                mean.high,
            )
            for kind, means in panels.items()
            for mean in means
        ),
    )


def _panel(kind: str, means: list[FioMean]) -> CurvePanel:
    ordered = sorted(means, key=lambda mean: mean.run.jobs)
    points = {
        variant: [
            Point(mean.run.jobs, mean.mean, mean.low, mean.high)
            for mean in ordered
            if mean.variant == variant
        ]
        for variant in dict.fromkeys(mean.variant for mean in means)
    }
    ticks: dict[float, str] = {mean.run.jobs: str(mean.run.jobs) for mean in ordered}
    return CurvePanel(kind, means[0].unit, points, ticks)


def _differences(findings: Findings, family: Family, by_jobs: bool) -> Iterator[Figure]:
    """What variants add to an I/O, of all kinds of run with several block sizes, or several numbers
    of jobs.
    """

    def kind(check: ModelCheck) -> str:
        run = check.run
        return f"{run.how}, {run.size}" if by_jobs else f"{run.how}, {_jobs(run.jobs)}"

    def place(check: ModelCheck) -> int:
        return check.run.jobs if by_jobs else check.run.block_bytes

    by_kind = {
        kind: checks
        for kind, checks in group_by(family.checks, kind).items()
        if len(set(map(place, checks))) > 1
    }
    if not by_kind:
        return
    # those with the most places first
    ordered = sorted(by_kind.items(), key=lambda kind: -len(set(map(place, kind[1]))))
    shown = ordered[:_MOST_PANELS]
    drawn = [check for _, checks in shown for check in checks]
    first = drawn[0].comparison
    variants = dict.fromkeys(check.comparison.pair.new.label for check in drawn)
    boots = ", ".join(dict.fromkeys(format.count_boots(check.comparison) for check in drawn))
    subtitle = _subtitle(
        findings.campaign,
        [first.pair.old.label, *variants],
        first.metric.clock,
        f"{first.metric.unit} an I/O",
        boots,
    )
    title = f"What is added to an I/O{', by jobs' * by_jobs}, against {first.pair.old.label}"
    left_out = _left_out(len(shown), len(by_kind), "kinds of run")
    table = model_table(CheckedFamily(drawn, describe_checks(drawn)))
    table = replace(
        table,
        name=f"dax-added-{safe_file_name(first.metric.name)}{'-by-jobs' * by_jobs}",
        heading=title,
        caption=f"{subtitle} {table.caption}",
    )
    panels = [DifferencePanel(kind, checks) for kind, checks in shown]
    drawing = Differences(panels, first.metric.unit, findings.variants, by_jobs)
    footer = _how_to_read(first.metric.clock, by_jobs) + left_out
    yield Figure(Caption(title, subtitle, footer), table, drawing)


def _how_to_read(clock: str, by_jobs: bool) -> str:
    subject = "a map/unmap pair" if clock == "icount" else "2 PKRS writes"
    shared = " Jobs share one CPU: it is what all take together." if by_jobs else ""
    return (
        f"Bars: {CONFIDENCE:.0%} intervals. Hollow, with its figure beside it: beyond the axis."
        f" Cost model: {subject} for each {CopyUnit.RANGE} (of the device: each page; of the page"
        f" cache: the rest of a pair), by this campaign's own figures of the path.{shared}"
    )
