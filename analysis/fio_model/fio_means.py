# SPDX-License-Identifier: Apache-2.0
"""Geometric means of fio results over boots, with their t intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.data.load import Campaign
from analysis.stats.verdict import CONFIDENCE
from formats.case_names import FioCase


@dataclass(frozen=True)
class FioMean:
    """One case of one variant. Throughput by time is in MB/s."""

    variant: str
    run: FioCase
    boots: int
    unit: str
    mean: float
    low: float | None  # None: one boot, so there is no interval
    high: float | None


def fio_means(campaign: Campaign, runs: Mapping[str, FioCase]) -> dict[str, list[FioMean]]:
    """Means by clock, variants in the campaign's order. runs: by case."""
    costs: dict[tuple[str, str, str, str], list[float]] = {}
    for record in campaign.records:
        if record.case in runs and record.status == "ok" and record.cost:
            key = (record.clock, record.variant, record.case, record.unit)
            costs.setdefault(key, []).append(record.cost)
    by_clock: dict[str, list[FioMean]] = {}
    for (clock, variant, case, unit), boots in costs.items():
        by_clock.setdefault(clock, []).append(_fio_mean(variant, runs[case], unit, boots))
    order = {variant: number for number, variant in enumerate(campaign.header["variants"])}
    return {
        clock: sorted(means, key=lambda mean: order.get(mean.variant, len(order)))
        for clock, means in by_clock.items()
    }


def _fio_mean(variant: str, run: FioCase, unit: str, boots: list[float]) -> FioMean:
    logs, shown_unit = np.log(boots), f"{unit} an I/O"
    if unit == "ns" and run.figure == "throughput":
        logs, shown_unit = np.log(run.block_bytes * 1e3) - logs, "MB/s"
    centre, low, high = logs.mean(), None, None
    if len(boots) > 1:
        critical = stats.t.isf((1 - CONFIDENCE) / 2, len(boots) - 1)
        reach = critical * logs.std(ddof=1) / np.sqrt(len(boots))
        low, high = float(np.exp(centre - reach)), float(np.exp(centre + reach))
    return FioMean(variant, run, len(boots), shown_unit, float(np.exp(centre)), low, high)
