# SPDX-License-Identifier: Apache-2.0
"""Figures of fio: overhead as a heat map, results by block size and by jobs, and overhead next to
the cost model.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.fio_model.cost_model import CopyUnit
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
    Figure,
    Heat,
    ModelLines,
    ModelPanel,
    Point,
)
from analysis.report.model.report_model import CheckedFamily
from analysis.report.model.table import Table
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import CONFIDENCE
from analysis.summary.provenance import describe_kernels, emulator, safe_file_name
from formats.case_names import FioCase

# Rows of a heat map and panels of a figure; its table has all.
_MOST_ROWS = 60
_MOST_PANELS = 12


def fio_figures(findings: Findings) -> Iterator[Figure]:
    """All figures of fio, each of one clock."""
    for family in findings.families:
        runs = [row for row in family.rows if row.case in findings.runs]
        for rows in group_by(runs, lambda row: row.pair.new.label).values():
            drawn = [row for row in rows if row.ratio]
            if drawn:
                yield _heat(findings, family, drawn)
    for clock, means in fio_means(findings.campaign, findings.runs).items():
        yield from _curves(findings.campaign, clock, means)
    for family in findings.families:
        yield from _model_lines(findings, family)


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


def _heat(findings: Findings, family: Family, drawn: list[Comparison]) -> Figure:
    """Overheads of one variant; each comparison has a ratio."""
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
        (on, [(label, by_size) for (_, label), by_size in same])
        for on, same in group_by(shown, lambda item: item[0][0]).items()
    ]
    title = f"What {variant} adds to an I/O, against {verdicts.baseline}"
    boots = ", ".join(dict.fromkeys(format.count_boots(row) for row in drawn))
    subtitle = _subtitle(
        findings.campaign,
        [verdicts.baseline, variant],
        metric.clock,
        f"{metric.unit} an I/O",
        boots,
    )
    footer = (
        f"Below each figure its {CONFIDENCE:.0%} interval, percent."
        f" {format.describe_test(verdicts.groups)}{_left_out(len(shown), len(rows), 'rows')}\n"
        f"{format.describe_aa(verdicts.groups)}"
    )
    table = replace(
        verdict_table(verdicts, drawn, family),
        name=f"dax-overhead-{safe_file_name(metric.name)}-{safe_file_name(variant)}",
        heading=title,
    )
    table = replace(table, caption=f"{subtitle} {table.caption}")
    return Figure(Caption(title, subtitle, footer), table, Heat(list(sizes.values()), groups))


def _curves(campaign: Campaign, clock: str, means: list[FioMean]) -> Iterator[Figure]:
    """Means by block size, and by number of jobs; all else is the same in a panel."""
    by_size = group_by(means, lambda mean: f"{mean.run.how}, {_jobs(mean.run.jobs)}")
    yield from _curve(
        campaign, clock, by_size, "block size", lambda run: (run.block_bytes, run.size)
    )
    by_jobs = group_by(means, lambda mean: f"{mean.run.how} {mean.run.size}")
    yield from _curve(campaign, clock, by_jobs, "jobs", lambda run: (run.jobs, str(run.jobs)))


_X_LABELS = {"block size": "bytes an I/O", "jobs": "jobs, a file each"}


def _curve(
    campaign: Campaign,
    clock: str,
    kinds: dict[str, list[FioMean]],
    against: str,
    place: Callable[[FioCase], tuple[int, str]],
) -> Iterator[Figure]:
    """One figure, or none if no kind of run has two places on the x axis.

    kinds: means by kind of run; place: a run's place on the x axis, as a number and in words.
    """
    panels = {
        kind: means for kind, means in kinds.items() if len({place(mean.run) for mean in means}) > 1
    }
    if not panels:
        return
    shown = list(panels.items())[:_MOST_PANELS]
    everything = [mean for means in panels.values() for mean in means]
    units = " and ".join(dict.fromkeys(mean.unit for mean in everything))
    variants = dict.fromkeys(mean.variant for mean in everything)
    boots = " or ".join(map(str, sorted({mean.boots for mean in everything})))
    subtitle = _subtitle(campaign, variants, clock, units, f"{boots} boots")
    several = ""
    if against == "jobs" and clock == "icount":
        several = " Jobs share one CPU: it is what all take together."
    left_out = _left_out(len(shown), len(panels), "kinds of run")
    footer = (
        f"Geometric mean of boots, with its {CONFIDENCE:.0%} t interval as a"
        f" band.{several}{left_out}"
    )
    title = f"What fio measured, by {against}"
    caption = Caption(title, subtitle, footer)
    table = _means_table(
        caption, f"dax-by-{against.replace(' ', '-')}-{clock}", panels, against, place
    )
    drawing = Curves([_panel(kind, means, place) for kind, means in shown], _X_LABELS[against])
    yield Figure(caption, table, drawing)


def _means_table(
    caption: Caption,
    name: str,
    panels: dict[str, list[FioMean]],
    against: str,
    place: Callable[[FioCase], tuple[int, str]],
) -> Table:
    return Table(
        name=name,
        heading=caption.title,
        caption=f"{caption.subtitle} {caption.footer}",
        columns=(
            "run",
            "variant",
            against,
            "in words",
            "boots",
            "unit",
            "figure",
            "95 % from",
            "to",
        ),
        rows=tuple(
            (
                kind,
                mean.variant,
                *place(mean.run),
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


def _panel(
    kind: str, means: list[FioMean], place: Callable[[FioCase], tuple[int, str]]
) -> CurvePanel:
    ordered = sorted(means, key=lambda mean: place(mean.run))
    points = {
        variant: [
            Point(place(mean.run)[0], mean.mean, mean.low, mean.high)
            for mean in ordered
            if mean.variant == variant
        ]
        for variant in dict.fromkeys(mean.variant for mean in means)
    }
    ticks: dict[float, str] = dict(place(mean.run) for mean in ordered)
    return CurvePanel(kind, means[0].unit, points, ticks)


def _model_lines(findings: Findings, family: Family) -> Iterator[Figure]:
    """Overhead of files on DAX and of the block device, if the campaign has what the model is made
    of.
    """
    modelled = [check for check in family.checks if check.map_unmap is not None]
    if not modelled:
        return
    by_kind = group_by(modelled, lambda check: f"{check.run.how}, {_jobs(check.run.jobs)}")
    # those with the most block sizes first
    order = sorted(
        by_kind, key=lambda kind: -len({check.run.block_bytes for check in by_kind[kind]})
    )
    shown = order[: _MOST_PANELS // 2]
    first = modelled[0].comparison
    variants = dict.fromkeys(check.comparison.pair.new.label for check in modelled)
    boots = ", ".join(dict.fromkeys(format.count_boots(check.comparison) for check in modelled))
    subtitle = _subtitle(
        findings.campaign,
        [first.pair.old.label, *variants],
        first.metric.clock,
        f"{first.metric.unit} an I/O",
        boots,
    )
    title = f"What protection adds to an I/O, against {first.pair.old.label}, and the model"
    footer = (
        f"Bars: {CONFIDENCE:.0%} intervals. Model: 2 WRPKRS for each {CopyUnit.RANGE} (of the"
        " device: each page), by this campaign's own figures of the path. Where figures lie far"
        " apart, an axis is logarithmic away from its"
        f" middle.{_left_out(len(shown), len(order), 'kinds of run')}"
    )
    table = model_table(CheckedFamily(modelled, describe_checks(modelled)))
    table = replace(
        table,
        name=f"dax-model-{safe_file_name(first.metric.name)}",
        heading=title,
        caption=f"{subtitle} {table.caption}",
    )
    panels = [ModelPanel(kind, by_kind[kind]) for kind in shown]
    drawing = ModelLines(panels, first.metric.unit)
    yield Figure(Caption(title, subtitle, footer), table, drawing)
