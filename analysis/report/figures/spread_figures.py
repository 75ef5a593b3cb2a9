# SPDX-License-Identifier: Apache-2.0
"""Figures of samples: how far the samples of a case differ, and its boots."""

from collections.abc import Iterator, Sequence

import numpy as np

from analysis.data.grouping import group_by
from analysis.data.load import Campaign
from analysis.report.model.figure import Caption, Figure, Launches, Spread
from analysis.report.model.table import Table
from analysis.summary import samples
from analysis.summary.cases import tick_nanoseconds
from analysis.summary.provenance import describe_kernels, describe_machine, emulator, safe_file_name
from analysis.summary.samples import Distribution

# Panels of one figure; its table has all cases.
_MOST_PANELS = 12


def spread_figures(campaign: Campaign) -> Iterator[Figure]:
    """One figure of the user models; one of all samples by one clock. Exact results have no
    spread, and no figure.
    """
    yield from _launches(campaign)
    order = {name: number for number, name in enumerate(campaign.header["variants"])}
    spread = sorted(
        samples.distributions(campaign.records),
        key=lambda case: order.get(case.variant, len(order)),
    )
    rates = {case.variant: _nanoseconds(campaign, case) for case in spread}
    by_unit = group_by(
        spread,
        lambda case: (case.clock, "ns" if rates[case.variant] else case.unit, case.per),
    )
    for (clock, unit, per), cases in by_unit.items():
        by_case = group_by(cases, lambda case: case.case).values()  # variants beside each other
        scales = {case.variant: rates[case.variant] or 1.0 for case in cases}
        name = f"samples-{clock}" if per == "boot" else f"samples-{clock}-{per}"
        ordered = [case for same in by_case for case in same]
        yield _spread(campaign, name, ordered, scales, unit)


def _nanoseconds(campaign: Campaign, case: Distribution) -> float | None:
    return tick_nanoseconds(campaign, case.variant) if case.clock == "tsc" else None


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


def _spread(
    campaign: Campaign,
    name: str,
    cases: Sequence[Distribution],
    scales: dict[str, float],
    unit: str,
) -> Figure:
    """cases: of one clock; scales: by variant, from their unit to the shown one."""
    title, per = "Distribution of samples", cases[0].per
    shown = list(cases[:_MOST_PANELS])
    left_out = (
        f" {len(shown)} of {len(cases)} cases that differ are shown."
        if len(shown) < len(cases)
        else ""
    )
    subtitle = f"{_places(campaign, cases)}; clock: {cases[0].clock}"
    footer = (
        f"The share of samples that take no longer. Thick: all {_plural(per)}. Thin: one {per}, and"
        " its figure as a diamond. A curve with several steps has several modes. One case has one"
        f" axis; it does not begin at 0.{left_out}"
    )
    emulated = " (emulated)" if cases[0].clock == "icount" else ""
    table = Table(
        name=name,
        heading=title,
        caption=f"{subtitle}. The empty loop is taken off.",
        columns=("case", "variant", per, f"cost, {unit}", "samples", "least", "median", "most"),
        rows=tuple(_table_rows(cases, scales)),
    )
    variants = list(campaign.header["variants"])
    drawing = Spread(shown, scales, f"{unit} an operation{emulated}", variants)
    return Figure(Caption(title, subtitle, footer), table, drawing)


def _plural(per: str) -> str:
    return "launches" if per == "launch" else f"{per}s"


def _places(campaign: Campaign, cases: Sequence[Distribution]) -> str:
    variants = list(dict.fromkeys(case.variant for case in cases))
    if cases[0].clock == "icount":
        return f"{describe_kernels(campaign, variants)}; emulated ({emulator(campaign)}, -icount)"
    return "; ".join(f"{name}: {describe_machine(campaign, name)}" for name in variants)


def _table_rows(
    cases: Sequence[Distribution], scales: dict[str, float]
) -> Iterator[tuple[str | int | float, ...]]:
    for case in cases:
        scale = scales[case.variant]
        for boot in case.boots:
            spread = (float(one) * scale for one in np.quantile(boot.values, (0, 0.5, 1)))
            yield case.case, case.variant, boot.number, boot.cost * scale, boot.samples, *spread
