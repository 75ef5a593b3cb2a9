# SPDX-License-Identifier: Apache-2.0
"""What a campaign that is not made yet can find, by how far the last one like it was spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from analysis.compare import from_campaign
from analysis.compare.source import Figures, Source
from analysis.data.bad_data import BadData
from analysis.data.load import Campaign, load
from analysis.stats import power
from analysis.stats.sample import Distribution, Unit
from analysis.stats.verdict import FEWEST_PAIRS, margin_of_ratio
from analysis.summary import campaign_list
from formats.case_names import NEVER_EXACT

# Of fewer boots of a variant nothing is known of how far they spread.
_FEWEST_BOOTS = 4
# A run measures by fio or by the module, never both. How the cases of fio begin, and the packages
# that kernels are built from.
_FIO, _SOURCE = "dax/", "linux-source-"
# Campaigns that are looked into for one that is like the one to be made.
_MOST_LOOKED_INTO = 10


@dataclass(frozen=True)
class Asked:
    """The campaign that is to be made."""

    pairs: int
    alpha: float  # that it may spend when it has all of them
    variants: Sequence[str]
    cases: str = "*"  # glob of those that are measured; those of fio are named by it
    base: str = ""  # the Linux that our kernels are built from; empty: any


@dataclass(frozen=True)
class _Spread:
    """How far the figures of one campaign are spread, as shares: medians over its cases."""

    cases: int
    boots: float  # figures of boots; what launches and samples add is in it
    samples: float | None  # samples of a boot; None: there are none
    margin: float  # of logarithms


def forecast(folder: Path, asked: Asked) -> str:
    """What so many pairs find, in a sentence; empty where no campaign in the folder is like it, or
    all that it measured repeats to the digit.
    """
    for listed in campaign_list.list_campaigns(folder)[:_MOST_LOOKED_INTO]:
        try:
            campaign = load(listed.folder, with_paths=False)
        except (BadData, OSError):
            continue
        spread = _spread(campaign, asked)
        if spread is not None:
            return f"as boots spread in {listed.folder}: {_sentence(asked, spread)}"
    return ""


def _sentence(asked: Asked, spread: _Spread) -> str:
    pairs, families = asked.pairs, max(1, len(asked.variants) - 1)
    less = "" if pairs >= FEWEST_PAIRS else f"{pairs} pairs are too few for a verdict; "
    more = "" if spread.samples is None else f" (samples of a boot spread by {spread.samples:.2%})"
    found = power.describe(
        max(pairs, FEWEST_PAIRS), spread.cases, spread.boots, spread.margin, asked.alpha / families
    )
    return f"{less}{found}{more}"


def _spread(campaign: Campaign, asked: Asked) -> _Spread | None:
    """None where the campaign says nothing of the one that is asked for."""
    found: dict[str, list[Figures]] = {}
    for name in from_campaign.variants(campaign):
        if name not in asked.variants or not _is_of_base(campaign, name, asked.base):
            continue
        source = from_campaign.source(campaign, name, name)
        for case, figures in _timed(source, asked.cases).items():
            found.setdefault(case, []).append(figures)
    if not found:
        return None
    every = [figures for of_case in found.values() for figures in of_case]
    samples = [one for figures in every if (one := _spread_of_samples(figures)) is not None]
    return _Spread(
        cases=len(found),
        boots=float(np.median([_spread_of_boots(figures) for figures in every])),
        samples=float(np.median(samples)) if samples else None,
        margin=float(np.median([_margin(figures) for figures in every])),
    )


def _is_of_base(campaign: Campaign, variant: str, base: str) -> bool:
    """Whether a kernel was built from the source of this Linux, or from none that has a name."""
    packages = campaign.header["variants"].get(variant, {}).get("packages", {})
    sources = [name for name in packages if name.startswith(_SOURCE)]
    return not base or not sources or f"{_SOURCE}{base}" in sources


def _timed(source: Source, cases: str) -> dict[str, Figures]:
    """Of each case what a comparison would look at, where boots differ and have a logarithm."""
    found = {}
    for case, names in source.cases.items():
        chosen = [name for group in source.chosen for name in group if name in names][:1]
        is_asked = fnmatchcase(case, cases) and case.startswith(_FIO) == cases.startswith(_FIO)
        for name in chosen if is_asked and case not in NEVER_EXACT else []:
            figures = source.figures[case, name]
            side = figures.side
            enough = side.unit is Unit.BOOT and len(side.values) >= _FEWEST_BOOTS
            if enough and not side.exact and side.values.min() > 0:
                found[case] = figures
    return found


def _spread_of_boots(figures: Figures) -> float:
    """Standard deviation of logarithms, of neighbours in time as the boots of a pair are."""
    side = figures.side
    logs = np.log(side.values)
    if side.slots is not None:
        logs = logs[np.argsort(side.slots)]
    return power.boot_spread(np.diff(logs)[None])


def _spread_of_samples(figures: Figures) -> float | None:
    side = figures.side
    if side.distribution is None:
        return None
    return float(np.median([_width(side.distribution(boot)) for boot in range(len(side.values))]))


def _width(samples: Distribution) -> float:
    """Standard deviation as a share, robustly: the middle half of normal noise is this wide."""
    order = np.argsort(samples.values)
    shares = np.cumsum(samples.counts[order]) / samples.counts.sum()
    low, middle, high = samples.values[order][np.searchsorted(shares, (0.25, 0.5, 0.75))]
    return float((high - low) / middle / _MIDDLE_HALF) if middle > 0 else 0.0


def _margin(figures: Figures) -> float:
    level = float(np.median(figures.side.values))
    return float(np.log1p(margin_of_ratio(figures.metric, level, level)))


# Width of the middle half of a normal distribution, in standard deviations.
_MIDDLE_HALF = 1.3489795003921634
