# SPDX-License-Identifier: Apache-2.0
"""One side of a comparison, wherever its figures come from."""

import filecmp
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from analysis.stats.sample import Metric, Sample
from analysis.stats.verdict import ALPHA

PKRS_WRITES = "pkrs_writes"  # a metric: WRMSRs of IA32_PKRS


@dataclass(frozen=True)
class Figures:
    """A metric of a case."""

    metric: Metric
    side: Sample
    # of the side's boots, which the campaign's plan put into the first half of its A/A row
    first_half: np.ndarray | None = None
    # shape (n,): when each launch was made, in seconds since 1970; None: not known, or a campaign,
    # which has slots
    times: np.ndarray | None = None


@dataclass(frozen=True)
class Source:
    """What was measured of one variant, or is in one foreign file or folder."""

    label: str
    kind: str  # what wrote it: sources of two kinds share no metric
    figures: dict[tuple[str, str], Figures]  # by case and name of the metric
    chosen: tuple[
        tuple[str, ...], ...
    ]  # metrics to compare where none is asked for: of each group the first that both sides have
    facts: dict[
        str, frozenset[str]
    ]  # fingerprint: dotted name -> the values it had in this source's boots
    files: tuple[Path, ...]  # all figures are from these
    variant: str | None = None  # of a campaign
    header: dict | None = None  # how the campaign describes that variant
    campaign: Path | None = None  # sources of one campaign share an order
    without_figure: dict[str, str] = field(default_factory=dict)  # case -> why
    # of cases that have others: metrics without a figure -> why
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    alpha: float = ALPHA  # of what is said of it now; less where a campaign is looked at again
    # pairs at which it will be looked at again; None: it has spent its level in one look
    looks_left: tuple[int, ...] | None = None

    @cached_property
    def cases(self) -> dict[str, list[str]]:
        """Cases in their order, with the names of their metrics."""
        names: dict[str, list[str]] = {}
        for case, name in self.figures:
            names.setdefault(case, []).append(name)
        return names

    def named(self, label: str) -> "Source":
        """The same under another label."""
        figures = {
            key: replace(figures, side=replace(figures.side, label=label))
            for key, figures in self.figures.items()
        }
        return replace(self, label=label, figures=figures)


def identical(old: Source, new: Source) -> bool:
    """Whether both are the same files, here or copied: by content."""
    return len(old.files) == len(new.files) and all(
        a.samefile(b) or filecmp.cmp(a, b, shallow=False) for a, b in zip(old.files, new.files)
    )
