# SPDX-License-Identifier: Apache-2.0
"""One cell of the calibration: simulated campaigns of one setting, judged as in compare."""

from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy import stats

from analysis.stats import randomisation
from analysis.stats.judges import weigh
from analysis.stats.verdict import MARGIN_SHARE, Evidence, judge
from analysis.studies import simulate
from analysis.studies.simulate import Setting

SEED = 1
PAIRS, FAMILIES, CAMPAIGNS = (6, 8, 10, 20), (1, 12), 2000
LARGE_PAIRS, LARGE_FAMILIES, LARGE_CAMPAIGNS = (8, 10), (50, 300), 500
LARGE_SHAPES = ("normal", "t2", "slow-boots", "mode-0.3", "step-40", "quantised")
# What CI looks at: each kind of trouble, at the fewest pairs and at the default ones.
QUICK = tuple(
    Setting(shape, pairs, 12)
    for shape in ("normal", "slow-boots", "mode-0.5", "in-phase", "spread-4x")
    for pairs in (6, 10)
)

MARGIN = float(np.log1p(MARGIN_SHARE))
# What is planted: a change that matters, in one case; and in all, one in which the score, which
# falls, could take one direction for the other.
PLANTED, FAR_SIDE = float(np.log1p(0.03)), float(np.log1p(0.0225))
# A difference that is the margin to the digit is inside: what is not has to be a little more.
BEYOND_MARGIN = MARGIN * (1 + 1e-6)
# The limits of what is promised.
MOST = {
    "false_alarms": 0.05,
    "false_same": 0.05,
    "not_covered": 0.05,
    "wrong_direction": 0.025,
    "at_the_margin": 0.05,
}
# Probability that a cell is called broken anywhere in a calibration that keeps all limits.
BOUND = 0.05


@dataclass(frozen=True)
class Cell:
    """One setting's figures, each a share of its campaigns."""

    shape: str
    pairs: int
    cases: int
    campaigns: int
    seed: int
    false_alarms: float  # nothing changed, and some case is said to differ
    not_covered: float  # the 95 % interval of the first case misses the truth
    false_same: float  # the first case is just beyond the margin, and is called inside
    wrong_direction: float  # all cases are slower, and one is called faster
    at_the_margin: float  # all cases are at the margin, and one is called slower or faster
    slower: float  # PLANTED in the first case is called slower
    same: float  # nothing changed, and the first case is called `same`

    @property
    def setting(self) -> Setting:
        return Setting(self.shape, self.pairs, self.cases)

    def broken(self, cells: int) -> list[str]:
        """Limits that this cell breaks for certain, as one of so many: the exact binomial bound,
        which counts campaigns, leaves BOUND for all cells and limits together.
        """
        level = BOUND / (cells * len(MOST))
        return [
            name
            for name, most in MOST.items()
            if stats.binom.sf(round(getattr(self, name) * self.campaigns) - 1, self.campaigns, most)
            < level
        ]

    def as_dict(self) -> dict:
        return asdict(self)


def settings() -> list[tuple[Setting, int]]:
    """All cells, with how many campaigns each has."""
    small = [
        (Setting(shape, pairs, cases), CAMPAIGNS)
        for pairs in PAIRS
        for cases in FAMILIES
        for shape in simulate.SHAPES
    ]
    large = [
        (Setting(shape, pairs, cases), LARGE_CAMPAIGNS)
        for cases in LARGE_FAMILIES
        for pairs in LARGE_PAIRS
        for shape in LARGE_SHAPES
    ]
    return small + large


def run_cell(setting: Setting, campaigns: int, seed: int = SEED) -> Cell:
    """Simulates and judges. What it gives depends on nothing but its arguments, whatever other
    cells are run.
    """
    chooser = np.random.default_rng([seed, setting.pairs, setting.cases, *map(ord, setting.shape)])
    margins = np.full(setting.cases, MARGIN)
    signs = randomisation.sign_vectors(setting.pairs)
    counts = dict.fromkeys(
        (
            "false_alarms",
            "not_covered",
            "false_same",
            "wrong_direction",
            "at_the_margin",
            "slower",
            "same",
        ),
        0,
    )
    one = np.zeros((setting.cases, 1))
    one[0] = PLANTED

    def weighed(differences: np.ndarray) -> Evidence:
        return weigh(differences, margins, signs=signs)

    for differences in simulate.differences(setting, campaigns, chooser):
        evidence = weighed(differences)
        words = judge(evidence)
        counts["false_alarms"] += bool(words.differs.any())
        counts["not_covered"] += not evidence.low_95[0] <= 0 <= evidence.high_95[0]
        counts["same"] += bool(words.inside[0] and not words.differs[0])
        # an interval moves with the truth
        ends = evidence.low + BEYOND_MARGIN, evidence.high + BEYOND_MARGIN
        counts["false_same"] += bool(judge(replace(evidence, low=ends[0], high=ends[1])).inside[0])
        words = judge(weighed(differences + MARGIN))
        counts["at_the_margin"] += bool((words.slower | words.faster).any())
        counts["wrong_direction"] += bool(judge(weighed(differences + FAR_SIDE)).faster.any())
        counts["slower"] += bool(judge(weighed(differences + one)).slower[0])
    shares = {name: float(count) / campaigns for name, count in counts.items()}
    return Cell(setting.shape, setting.pairs, setting.cases, campaigns, seed, **shares)
