# SPDX-License-Identifier: Apache-2.0
"""The charts of fio's figures: overhead as a heat map, figures against block size and jobs, and the
model beside the overhead.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy import stats

from analysis.compare.within_campaign import Verdicts
from analysis.data.load import Campaign
from analysis.fio_model.case_name import Run, run_of
from analysis.fio_model.cost_model import CopyUnit, ModelCheck, held
from analysis.fio_model.fio_calls import calls
from analysis.report.comparison import format
from analysis.report.html import verdict_tables
from analysis.report.html.page import Chart
from analysis.report.table import Table
from analysis.report.text import fio_summary
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import CONFIDENCE
from analysis.summary.cases import Row
from analysis.summary.provenance import emulator, file_name, releases

# Rows of a heat map and panels of a chart; the rest is in the data.
_MOST_ROWS = 60
_MOST_PANELS = 12


def draw(campaign: Campaign, table: list[Row], verdicts: Verdicts, folder: Path) -> Iterator[Chart]:
    """Writes them into a folder, which is made where there is anything to draw. No axis has two
    clocks.
    """
    compared = [[row for row in family if run_of(row.case)] for family in verdicts.families()]
    for family in filter(None, compared):
        for variant in dict.fromkeys(row.pair.new.label for row in family):
            yield from _heat(
                campaign,
                verdicts,
                [row for row in family if row.pair.new.label == variant and row.ratio],
                folder,
            )
    for clock, figures in _by_clock(campaign).items():
        yield from _curves(campaign, clock, figures, folder)
    for family in filter(None, compared):
        yield from _model(campaign, held(table, family, calls(campaign.paths)), folder)


def _words(campaign: Campaign, names: Iterable[str], clock: str, unit: str, boots: str) -> str:
    emulated = f"Emulated ({emulator(campaign)}, -icount). " if clock == "icount" else ""
    return f"{releases(campaign, names)}. {emulated}Clock: {clock}; {boots}; {unit}, by fio."


def _grouped(items: Iterable, key: Callable[..., Hashable]) -> dict:
    found: dict = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def _heat(
    campaign: Campaign, verdicts: Verdicts, family: list[Comparison], folder: Path
) -> Iterator[Chart]:
    """Of one variant."""
    if not family:
        return
    # matplotlib takes half a second, which a campaign without a chart is spared
    from analysis.report.charts import frame, heat

    variant, metric = family[0].pair.new.label, family[0].metric
    runs = {row.case: run_of(row.case) for row in family}
    sizes = dict(sorted({run.block_bytes: run.size for run in runs.values()}.items()))
    rows: dict[tuple[str, str], dict[str, Comparison]] = {}
    for one in family:
        run = runs[one.case]
        rows.setdefault((run.on, f"{run.how.removeprefix(run.on + ' ')}, {_jobs(run.jobs)}"), {})[
            run.size
        ] = one
    shown = dict(list(rows.items())[:_MOST_ROWS])
    groups = [
        (on, [(label, by_size) for (of, label), by_size in shown.items() if of == on])
        for on in dict.fromkeys(on for on, _ in shown)
    ]
    title = f"What {variant} adds to an I/O, against {verdicts.baseline}"
    boots = ", ".join(dict.fromkeys(format.boots(row) for row in family))
    subtitle = _words(
        campaign, [verdicts.baseline, variant], metric.clock, f"{metric.unit} an I/O", boots
    )
    left_out = f" {len(shown)} of {len(rows)} rows are shown." if len(shown) < len(rows) else ""
    footer = (
        f"Below each figure its {CONFIDENCE:.0%} interval, percent."
        f" {format.test(verdicts.groups)}{left_out}\n{format.against_itself(verdicts.groups)}"
    )
    target = folder / f"dax-overhead-{file_name(metric.name)}-{file_name(variant)}"
    folder.mkdir(exist_ok=True)
    heat.draw(frame.Caption(title, subtitle, footer), list(sizes.values()), groups, target)
    sheet = verdict_tables.sheet(verdicts, family)
    yield Chart.drawn(
        target,
        title,
        Table(target.name, title, f"{subtitle} {sheet.caption}", sheet.columns, sheet.rows),
    )


def _jobs(count: int) -> str:
    return f"{count} job{'s' if count > 1 else ''}"


class Figure:
    """A case of one variant: the geometric mean of its boots with its t interval, which one boot
    has not. Throughput by time is in MB/s.
    """

    def __init__(self, variant: str, run: Run, unit: str, boots: list[float]):
        self.variant, self.run, self.boots = variant, run, len(boots)
        logs = np.log(boots)
        self.unit = f"{unit} an I/O"
        if unit == "ns" and run.figure == "throughput":
            logs, self.unit = np.log(run.block_bytes * 1e3) - logs, "MB/s"
        centre, reach = logs.mean(), None
        if len(boots) > 1:
            reach = (
                stats.t.isf((1 - CONFIDENCE) / 2, len(boots) - 1)
                * logs.std(ddof=1)
                / np.sqrt(len(boots))
            )
        self.mean = float(np.exp(centre))
        self.low, self.high = (
            (None, None)
            if reach is None
            else (float(np.exp(centre - reach)), float(np.exp(centre + reach)))
        )


def _by_clock(campaign: Campaign) -> dict[str, list[Figure]]:
    values: dict[tuple[str, str, str, str], list[float]] = {}
    for record in campaign.records:
        if run_of(record.case) and record.status == "ok" and record.cost:
            values.setdefault((record.clock, record.variant, record.case, record.unit), []).append(
                record.cost
            )
    found: dict[str, list[Figure]] = {}
    for (clock, variant, case, unit), boots in values.items():
        found.setdefault(clock, []).append(Figure(variant, run_of(case), unit, boots))
    order = {variant: number for number, variant in enumerate(campaign.header["variants"])}
    return {
        clock: sorted(figures, key=lambda one: order.get(one.variant, len(order)))
        for clock, figures in found.items()
    }


def _curves(campaign: Campaign, clock: str, figures: list[Figure], folder: Path) -> Iterator[Chart]:
    """Against the block size, and against the number of jobs, all else being the same in
    a panel.
    """
    by_size = _grouped(figures, lambda one: (one.run.how, one.run.jobs))
    panels = {f"{how}, {_jobs(jobs)}": chosen for (how, jobs), chosen in by_size.items()}
    yield from _curve(
        campaign,
        clock,
        panels,
        "block size",
        lambda run: (run.block_bytes, run.size),
        "bytes an I/O",
        folder,
    )
    by_jobs = _grouped(figures, lambda one: (one.run.how, one.run.size))
    panels = {f"{how} {size}": chosen for (how, size), chosen in by_jobs.items()}
    yield from _curve(
        campaign,
        clock,
        panels,
        "jobs",
        lambda run: (run.jobs, str(run.jobs)),
        "jobs, a file each",
        folder,
    )


def _curve(
    campaign: Campaign,
    clock: str,
    panels: dict[str, list[Figure]],
    against: str,
    place: Callable[[Run], tuple[int, str]],
    x_label: str,
    folder: Path,
) -> Iterator[Chart]:
    panels = {
        title: chosen
        for title, chosen in panels.items()
        if len({place(one.run) for one in chosen}) > 1
    }
    if not panels:
        return
    from analysis.report.charts import curves, frame

    shown = dict(list(panels.items())[:_MOST_PANELS])
    drawn = [
        curves.Panel(
            panel,
            chosen[0].unit,
            {
                variant: _points(of, place)
                for variant, of in _grouped(chosen, lambda one: one.variant).items()
            },
            dict(sorted(place(one.run) for one in chosen)),
        )
        for panel, chosen in shown.items()
    ]
    everything = [one for chosen in panels.values() for one in chosen]
    units = " and ".join(dict.fromkeys(one.unit for one in everything))
    title = f"What fio measured, by {against}"
    names = list(dict.fromkeys(one.variant for one in everything))
    boots = " or ".join(map(str, sorted({one.boots for one in everything})))
    subtitle = _words(campaign, names, clock, units, f"{boots} boots")
    left_out = (
        f" {len(shown)} of {len(panels)} kinds of run are shown."
        if len(shown) < len(panels)
        else ""
    )
    several = (
        " Jobs share one CPU: it is what all take together."
        if against == "jobs" and clock == "icount"
        else ""
    )
    footer = (
        f"Geometric mean of boots, with its {CONFIDENCE:.0%} t interval as a"
        f" band.{several}{left_out}"
    )
    target = folder / f"dax-by-{against.replace(' ', '-')}-{clock}"
    folder.mkdir(exist_ok=True)
    curves.draw(frame.Caption(title, subtitle, footer), drawn, x_label, target)
    rows = tuple(
        (panel, one.variant, *place(one.run), one.boots, one.unit, one.mean, one.low, one.high)
        for panel, chosen in panels.items()
        for one in chosen
    )
    columns = ("run", "variant", against, "in words", "boots", "unit", "figure", "95 % from", "to")
    yield Chart.drawn(
        target, title, Table(target.name, title, f"{subtitle} {footer}", columns, rows)
    )


def _points(figures: list[Figure], place: Callable[[Run], tuple[int, str]]):
    from analysis.report.charts.curves import Point

    return [
        Point(place(one.run)[0], one.mean, one.low, one.high)
        for one in sorted(figures, key=lambda one: place(one.run))
    ]


def _model(campaign: Campaign, rows: list[ModelCheck], folder: Path) -> Iterator[Chart]:
    """Of files on DAX and of the block device, where the campaign has what a model is made of."""
    modelled = [row for row in rows if row.bracket is not None]
    if not modelled:
        return
    from analysis.report.charts import frame, model_line

    by_kind = _grouped(modelled, lambda row: f"{row.run.how}, {_jobs(row.run.jobs)}")
    # those that say most first: over the most block sizes
    order = sorted(by_kind, key=lambda kind: -len({row.run.block_bytes for row in by_kind[kind]}))
    shown = order[: _MOST_PANELS // 2]
    one = modelled[0].comparison
    title = f"What protection adds to an I/O, against {one.pair.old.label}, and the model"
    names = [one.pair.old.label, *dict.fromkeys(row.comparison.pair.new.label for row in modelled)]
    boots = ", ".join(dict.fromkeys(format.boots(row.comparison) for row in modelled))
    subtitle = _words(campaign, names, one.metric.clock, f"{one.metric.unit} an I/O", boots)
    left_out = (
        f" {len(shown)} of {len(order)} kinds of run are shown." if len(shown) < len(order) else ""
    )
    footer = (
        f"Bars: {CONFIDENCE:.0%} intervals. Model: 2 WRPKRS for each {CopyUnit.RANGE} (of the device:"
        " each page), by this campaign's own figures of the path. Where figures lie far apart, an"
        f" axis is logarithmic away from its middle.{left_out}"
    )
    target = folder / f"dax-model-{file_name(one.metric.name)}"
    folder.mkdir(exist_ok=True)
    model_line.draw(
        frame.Caption(title, subtitle, footer),
        [model_line.Panel(kind, by_kind[kind]) for kind in shown],
        one.metric.unit,
        target,
    )
    data = fio_summary.sheet(modelled)[0]
    yield Chart.drawn(
        target,
        title,
        Table(target.name, title, f"{subtitle} {data.caption}", data.columns, data.rows),
    )
