# SPDX-License-Identifier: Apache-2.0
"""One cell of the calibration: simulated campaigns of one setting, judged as in compare."""

import itertools
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import optimize, stats

from analysis.stats import cautions, holm, power, regression
from analysis.stats.comparison import Comparison
from analysis.stats.family import compare_family
from analysis.stats.sample import Metric, Sample, SamplePair
from analysis.stats.verdict import (
    ALPHA,
    CONFIDENCE,
    MARGIN_SHARE,
    SAME_CONFIDENCE,
    Verdict,
    decide,
    margin_of_ratio,
)
from analysis.studies import simulate
from analysis.studies.simulate import Campaigns, Setting

BOOTS = (4, 6, 10, 20)
SPREADS = (0.0, 0.0025, 0.005, 0.01, 0.02)
CAMPAIGNS = 2000
# Cases of a campaign, which are one family; as many as `run` measures by default.
CASES = 12
SEED = 1

# The limits of what is promised, and how sure a cell has to be of having broken one.
MOST_WRONG = 0.05
COVERAGE = (0.93, 0.97)
POWER_BELOW_T = 0.03
BOUND = 0.001

# The planted changes: what the t test finds in four campaigns of five, and one that matters to a
# user.
T_POWER = 0.8
PLANTED = 0.03
# And one on a path so short that the margin is a cycle; all else is on one so long that it is a
# hundredth.
LONG_PATH_CYCLES, SHORT_PATH_CYCLES, PLANTED_CYCLES = 200, 50, 2
CYCLES = Metric("cost_core_cycles", "cycles", "lower", "tsc", cycle=1)
COMPARE_PY_REPETITIONS = 9


@dataclass(frozen=True)
class Cell:
    """One setting's figures, each a share of its campaigns; of one comparison each but
    for family.
    """

    setting: Setting
    campaigns: int
    false_alarms: float
    family: float  # campaigns with a false alarm in any of their cases, after Holm
    coverage: float
    false_same: float  # the truth is at the margin
    t_power: float  # of the two-sample t test on boot medians
    power: float  # of the interval, not adjusted, without a margin
    only_t: float  # found by the t test and not by the interval
    only_ours: float
    verdict_power: float  # the same change called slower by the whole verdict, in a family of CASES
    finds_planted: float  # PLANTED called slower by the whole verdict
    finds_cycles: float  # PLANTED_CYCLES on a path of SHORT_PATH_CYCLES, likewise
    says_same: float  # nothing changed, and `same` was said
    compare_py: float  # false alarms
    benchstat: float
    # Of broken limits whose situation compare warns of: the same figure of what carries no such
    # warning, and of how many it is.
    unwarned: dict[str, tuple[float, int]] = field(default_factory=dict)

    def broken(self) -> list[str]:
        """Limits that this cell breaks for certain."""
        drifts = self.setting.drift != "none"
        limits = [
            ("false alarms", self._above(self.false_alarms, MOST_WRONG)),
            ("family", self._above(self.family, MOST_WRONG)),
            ("coverage low", self._above(1 - self.coverage, 1 - COVERAGE[0])),
            ("coverage high", not drifts and self._above(self.coverage, COVERAGE[1])),
            ("false same", self._above(self.false_same, MOST_WRONG)),
            ("power", not drifts and self._power_lost()),
        ]
        return [name for name, broken in limits if broken]

    def warned(self) -> list[str]:
        """Broken limits that hold where compare does not warn of the situation."""
        held = {
            "family": lambda share, of: not self._above(share, MOST_WRONG, of),
            "coverage high": lambda share, of: of == 0
            or not (
                self._above(share, COVERAGE[1], of) or self._above(1 - share, 1 - COVERAGE[0], of)
            ),
            "power": lambda lost, _: lost <= POWER_BELOW_T,
        }
        return [
            name
            for name in self.broken()
            if name in self.unwarned and held[name](*self.unwarned[name])
        ]

    def _above(self, share: float, limit: float, of: int | None = None) -> bool:
        """Whether so large a share is less likely than BOUND where the limit holds: the exact
        binomial bound excludes it. of: how many; None: all.
        """
        of = self.campaigns if of is None else of
        return stats.binom.sf(round(share * of) - 1, of, limit) < BOUND

    def _power_lost(self) -> bool:
        """The bound of the difference of two shares of the same campaigns, by those on which the
        two tests disagree.
        """
        lost = self.only_t - self.only_ours
        error = np.sqrt(max(self.only_t + self.only_ours - lost**2, 0) / self.campaigns)
        return lost - stats.norm.isf(BOUND) * error > POWER_BELOW_T


def settings() -> list[Setting]:
    return [
        Setting(*values)
        for values in itertools.product(BOOTS, SPREADS, simulate.SHAPES, simulate.DRIFTS)
    ]


def run_cell(setting: Setting, campaigns: int = CAMPAIGNS, seed: int = SEED) -> Cell:
    """Simulates and judges. What it gives depends on nothing but its arguments, whatever other
    cells are run.
    """
    chooser = np.random.default_rng(
        [seed, setting.boots, round(setting.spread * 1e4), *map(ord, setting.shape + setting.drift)]
    )
    data = simulate.campaigns(setting, campaigns, CASES, chooser)
    old, new = np.median(data.old, axis=-1), np.median(data.new, axis=-1)
    fit = regression.fit(old, new, data.old_slots, data.new_slots)
    alarms = _verdicts(fit)[1]
    change = (
        _found_by_t(setting.boots) * float(np.sqrt((old.var() + new.var()) / 2))
        if setting.drift == "none"
        else 0.0
    )
    t_finds = stats.ttest_ind(new[:, 0] + change, old[:, 0], axis=-1).pvalue < ALPHA
    ours_finds = _shifted(fit, change).p()[:, 0] < ALPHA
    low, high = fit.interval(CONFIDENCE)
    covered = (low <= 0)[:, 0] & (0 <= high)[:, 0]
    result = Cell(
        setting=setting,
        campaigns=campaigns,
        false_alarms=_share(fit.p()[:, 0] < ALPHA),
        family=_share(alarms.any(axis=-1)),
        coverage=_share(covered),
        false_same=_share(_verdicts(_shifted(fit, np.log1p(MARGIN_SHARE)))[0][:, 0]),
        t_power=_share(t_finds),
        power=_share(ours_finds),
        only_t=_share(t_finds & ~ours_finds),
        only_ours=_share(ours_finds & ~t_finds),
        verdict_power=_share(_finds(fit, change)),
        finds_planted=_share(_finds(fit, np.log1p(PLANTED))),
        finds_cycles=_share(
            _finds(fit, np.log1p(PLANTED_CYCLES / SHORT_PATH_CYCLES), SHORT_PATH_CYCLES)
        ),
        says_same=_share(_verdicts(fit)[0][:, 0]),
        compare_py=_share(_rank_alarms(data, COMPARE_PY_REPETITIONS, "asymptotic")),
        benchstat=_share(_rank_alarms(data, simulate.REPETITIONS, "exact")),
    )
    simulated = _Simulated(data, old, new, change, alarms, covered, t_finds, ours_finds)
    return replace(result, unwarned=_unwarned(result.broken(), simulated))


@dataclass(frozen=True)
class _Simulated:
    """Campaigns of one cell, and what was found in each."""

    data: Campaigns
    old: np.ndarray  # shape (campaigns, cases, boots): medians
    new: np.ndarray
    change: float  # that was planted to compare the tests
    alarms: np.ndarray  # shape (campaigns, cases): false alarms
    covered: np.ndarray  # shape (campaigns,), as those below: the interval covers the truth
    t_finds: np.ndarray  # the t test finds the change
    ours_finds: np.ndarray  # the interval finds it

    def silent(self, which: np.ndarray, marks: tuple[str, ...], change: float = 0.0) -> np.ndarray:
        """Which of these campaigns have a first case for which compare gives none of these
        warnings.
        """
        silent = np.zeros(len(self.old), bool)
        for number in np.flatnonzero(which):
            pairs = _pairs(self.old, self.new + change, self.data, number)
            silent[number] = not _warns(compare_family(pairs[:1])[0], marks)
        return silent


def _unwarned(broken: list[str], simulated: _Simulated) -> dict[str, tuple[float, int]]:
    """Share and count of campaigns without a warning, by broken limit."""
    unwarned: dict[str, tuple[float, int]] = {}
    campaigns = len(simulated.old)
    if "family" in broken:
        alarming = np.flatnonzero(simulated.alarms.any(-1))
        silent = [
            number
            for number in alarming
            if not _all_warned(_pairs(simulated.old, simulated.new, simulated.data, number))
        ]
        unwarned["family"] = len(silent) / campaigns, campaigns
    if "coverage high" in broken:
        quiet = simulated.silent(np.ones(campaigns, bool), (cautions.APART, cautions.GROUPED))
        covers = _share(simulated.covered[quiet]) if quiet.any() else 0.0
        unwarned["coverage high"] = covers, int(quiet.sum())
    if "power" in broken:
        disagree = simulated.t_finds != simulated.ours_finds
        quiet = simulated.silent(disagree, (cautions.FEW,), simulated.change)
        lost = _share(simulated.t_finds & quiet) - _share(simulated.ours_finds & quiet)
        unwarned["power"] = lost, int(quiet.sum())
    return unwarned


def _share(which: np.ndarray) -> float:
    return float(np.mean(which))


def _shifted(fit: regression.Fit, change: float | np.ndarray) -> regression.Fit:
    """The fit of the same data with that much added to each new boot."""
    return replace(fit, difference=fit.difference + change)


def _verdicts(
    fit: regression.Fit, cycles: float = LONG_PATH_CYCLES
) -> tuple[np.ndarray, np.ndarray]:
    """`same` and a change, of (campaigns, cases)."""
    margin = np.log1p(margin_of_ratio(CYCLES, cycles, cycles))
    return decide(*fit.interval(SAME_CONFIDENCE), margin, holm.adjusted(fit.p()))


def _finds(fit: regression.Fit, change: float, cycles: float = LONG_PATH_CYCLES) -> np.ndarray:
    """Campaigns that call the first case slower when it alone has changed."""
    changes = np.zeros(CASES)
    changes[0] = change
    changed = _shifted(fit, changes)
    return _verdicts(changed, cycles)[1][:, 0] & (changed.difference[:, 0] > 0)


def _found_by_t(boots: int) -> float:
    """The change, in standard deviations of a boot, that the two-sample t test finds with T_POWER
    where noise is normal.
    """
    error, degrees = np.sqrt(2 / boots), 2 * boots - 2
    return float(
        optimize.brentq(
            lambda change: power.power_for_difference(change, error, degrees, ALPHA) - T_POWER,
            0.1,
            10,
        )
    )


def _rank_alarms(data: Campaigns, repetitions: int, method: str) -> np.ndarray:
    """The rule of tools that test the repetitions of one boot a side."""
    old, new = (side[:, 0, 0, :repetitions].astype(float) for side in (data.old, data.new))
    return stats.mannwhitneyu(old, new, axis=-1, method=method).pvalue < ALPHA


def _pairs(old: np.ndarray, new: np.ndarray, data: Campaigns, number: int) -> list[SamplePair]:
    """All cases of one campaign, as compare has them."""
    slots = data.old_slots[number, 0], data.new_slots[number, 0]
    return [
        SamplePair(
            str(case),
            CYCLES,
            _side("old", old[number, case], slots[0]),
            _side("new", new[number, case], slots[1]),
        )
        for case in range(CASES)
    ]


def _all_warned(pairs: list[SamplePair]) -> bool:
    """Whether compare says of each false alarm of a campaign that it rests on the shape of the
    noise.
    """
    alarms = [
        one for one in compare_family(pairs) if one.verdict in (Verdict.SLOWER, Verdict.FASTER)
    ]
    return all(_warns(one, (cautions.RESTS_ON_SHAPE,)) for one in alarms)


def _warns(one: Comparison, marks: tuple[str, ...]) -> bool:
    return any(mark in warning for warning in one.warnings for mark in marks)


def _side(label: str, logarithms: np.ndarray, slots: np.ndarray) -> Sample:
    return Sample(label, LONG_PATH_CYCLES * np.exp(logarithms), slots)
