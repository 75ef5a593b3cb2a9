# SPDX-License-Identifier: Apache-2.0
"""Figures of samples: how far the samples of a case differ, and its boots."""

from collections.abc import Iterator
from dataclasses import dataclass

from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.report.model.figure import Caption, Ecdf, Figure, Launches, Medians
from analysis.report.model.table import Table
from analysis.summary import samples
from analysis.summary.cases import tick_nanoseconds
from analysis.summary.provenance import describe_lab, describe_machine, safe_file_name
from analysis.summary.samples import Distribution

# Panels of one figure; the table of the medians has all cases.
_MOST_PANELS = 12


@dataclass(frozen=True)
class _Selection:
    """Cases of one variant by one clock, and how they are shown."""

    variant: str
    cases: list[Distribution]
    scale: float  # factor from the unit of the samples to the shown one
    unit: str
    axis: str
    boot: str  # boot or launch
    boots: str
    subtitle: str

    @property
    def shown(self) -> list[Distribution]:
        return self.cases[:_MOST_PANELS]

    @property
    def left_out(self) -> str:
        if len(self.shown) == len(self.cases):
            return ""
        return f" {len(self.shown)} of {len(self.cases)} cases that differ are shown."


def spread_figures(campaign: Campaign) -> Iterator[Figure]:
    """One figure of the user models; two per variant and clock. Exact results have no spread, and
    no figure.
    """
    yield from _launches(campaign)
    spread = samples.distributions(campaign.records)
    by_variant = group_by(spread, lambda case: case.variant)
    for variant, cases in by_variant.items():
        for same_clock in group_by(cases, lambda case: case.clock).values():
            selection = _selection(campaign, variant, same_clock)
            yield _medians(selection)
            yield _ecdf(selection)


def _launches(campaign: Campaign) -> Iterator[Figure]:
    """Core cycles of each user model in each launch."""
    measured = [
        (record, record.cost_core_cycles)
        for record in campaign.records
        if record.status == "ok"
        and record.case.startswith("user/kmap_")
        and record.cost_core_cycles is not None
    ]
    for variant, of_variant in group_by(measured, lambda one: one[0].variant).items():
        title = "What a map/unmap pair takes in user space, launch by launch"
        subtitle = (
            f"{variant}: {describe_machine(campaign, variant)}, clock: {of_variant[0][0].clock}"
        )
        footer = (
            "Right: the median, and the least and most. .../alone: a fence keeps pairs apart, and"
            " is in the figure; else a loop of pairs overlaps them, and may run in two modes."
        )
        table = Table(
            name=f"launches-{safe_file_name(variant)}",
            heading=title,
            caption=f"{subtitle}. The empty loop is taken off.",
            columns=("case", "launch", "core cycles"),
            rows=tuple((record.case, record.launch, cycles) for record, cycles in of_variant),
        )
        figures = group_by(of_variant, lambda one: one[0].case)
        by_path = group_by(figures, lambda case: "/".join(case.split("/")[:2]))
        groups = [
            (
                path,
                [
                    (case.removeprefix(f"{path}/"), [cycles for _, cycles in figures[case]])
                    for case in cases
                ],
            )
            for path, cases in by_path.items()
        ]
        drawing = Launches(groups, "core cycles an operation")
        yield Figure(Caption(title, subtitle, footer), table, drawing)


def _selection(campaign: Campaign, variant: str, cases: list[Distribution]) -> _Selection:
    first = cases[0]
    rate = tick_nanoseconds(campaign, variant) if first.clock == "tsc" else None
    scale, unit = (rate, "ns") if rate else (1, first.unit)
    emulated = ", emulated: instructions, not time" if first.clock == "icount" else ""
    boots = "launches" if first.per == "launch" else "boots"
    count = max(len(case.boots) for case in cases)
    place = describe_lab if first.clock == "icount" else describe_machine
    subtitle = (
        f"{variant}: {place(campaign, variant)}, clock: {first.clock},"
        f" {count} {boots if count > 1 else first.per}"
    )
    axis = f"{unit} an operation{emulated}"
    return _Selection(variant, cases, scale, unit, axis, first.per, boots, subtitle)


def _medians(selection: _Selection) -> Figure:
    title = f"Medians of {selection.boots}, and the samples behind them"
    footer = (
        f"Diamond: the figure of one {selection.boot}. Dots: its samples, {samples.POINTS} at most,"
        f" evenly by rank. Dashed: the median of {selection.boots}.{selection.left_out}"
    )
    rows = tuple(
        (case.case, case.variant, boot.number, boot.cost * selection.scale, boot.samples)
        for case in selection.cases
        for boot in case.boots
    )
    table = Table(
        name=f"medians-{safe_file_name(selection.variant)}",
        heading=title,
        caption=f"{selection.subtitle}. The empty loop is taken off.",
        columns=("case", "variant", selection.boot, f"cost, {selection.unit}", "samples"),
        rows=rows,
    )
    drawing = Medians(selection.shown, selection.scale, selection.axis)
    return Figure(Caption(title, selection.subtitle, footer), table, drawing)


def _ecdf(selection: _Selection) -> Figure:
    title = "How many samples take no longer than so much"
    footer = (
        f"Thick: all {selection.boots}. Thin: one {selection.boot}. A curve with several steps has"
        f" several modes.{selection.left_out}"
    )
    rows = tuple(
        (
            case.case,
            case.variant,
            boot.number,
            rank / max(len(boot.values) - 1, 1),
            value * selection.scale,
        )
        for case in selection.shown
        for boot in case.boots
        for rank, value in enumerate(boot.values.tolist())
    )
    unit = f"sample, {selection.unit}"
    table = Table(
        name=f"ecdf-{safe_file_name(selection.variant)}",
        heading=title,
        caption=f"{selection.subtitle}. The empty loop is taken off.",
        columns=("case", "variant", selection.boot, "rank, 0 to 1", unit),
        rows=rows,
    )
    drawing = Ecdf(selection.shown, selection.scale, selection.axis)
    return Figure(Caption(title, selection.subtitle, footer), table, drawing)
