# SPDX-License-Identifier: Apache-2.0
"""How often a campaign of `run --until-resolved` is wrong in the end, and how often CI is red for
nothing:

    python3 -m analysis.studies.several_looks > results/calibration/looks.md

Simulates campaigns of the noise that `calibrate` has and puts them through the functions that the
commands use. A campaign is looked at after so many pairs as the command does, each look with its
share of the level, until each case has a verdict: what advice about more pairs leads to is the next
look. A gate judges ten pairs at once, as `compare --fail-on slower` does. The same seed gives the
same table; the exit code is 1 if a line breaks a limit.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.stats import randomisation
from analysis.stats.judges import weigh
from analysis.stats.verdict import ALPHA, judge
from analysis.studies.calibration import MARGIN
from analysis.studies.simulate import Setting, differences
from formats import exit_codes
from formats.campaign_format import LOOKS

SEED, CAMPAIGNS, CASES, GATE_PAIRS = 1, 2000, 12, 10
NOISES = ("normal", "t2", "slow-boots", "mode-0.3", "step-40", "correlated")
HEAD = ("noise", "campaigns", "false alarm", "pairs", "red, no change", "red, at the margin")
# Of families: with a false alarm in the end, and of gates that are red where nothing changed, and
# where all cases are at the margin.
MOST = (ALPHA, 0.01, ALPHA)
# Probability that any line is called broken where all limits are kept.
BOUND = 0.05


@dataclass(frozen=True)
class Line:
    """Campaigns of one noise."""

    noise: str
    campaigns: int
    false_alarms: int  # in which at some look some case was said to differ
    pairs: float  # until each case had a verdict, on average
    red: int  # in which nothing changed, and some case was slower
    red_at_margin: int  # in which all cases were at the margin, and some was slower

    @property
    def cells(self) -> tuple[str, ...]:
        """Percent, as HEAD names them; pairs are a number."""
        shares = [
            f"{count / self.campaigns * 100:.1f}"
            for count in (self.false_alarms, self.red, self.red_at_margin)
        ]
        return (
            self.noise,
            f"{self.campaigns}",
            shares[0],
            f"{self.pairs:.1f}",
            *shares[1:],
        )

    def is_broken(self, lines: int) -> bool:
        """Whether a limit is broken for certain, by the exact binomial bound of so many lines."""
        level = BOUND / (lines * len(MOST))
        counts = (self.false_alarms, self.red, self.red_at_margin)
        return any(
            stats.binom.sf(count - 1, self.campaigns, most) < level
            for count, most in zip(counts, MOST)
        )


def look_until_resolved(found: np.ndarray) -> tuple[bool, int]:
    """Whether a campaign in which nothing changed was said to differ at any look, and the pairs
    that it took. found: differences (cases, pairs), pairs in the order of their rounds.
    """
    alarm = False
    for pairs, share in sorted(LOOKS.items()):
        margins = np.full(len(found), MARGIN)
        words = judge(weigh(found[:, :pairs], margins), share)
        alarm |= bool(words.differs.any())
        if bool((words.differs | words.inside).all()):
            break
    return alarm, pairs


def simulate(noise: str, campaigns: int = CAMPAIGNS, seed: int = SEED) -> Line:
    """A line of the table."""
    chooser = np.random.default_rng([seed, *map(ord, noise)])
    looked = [
        look_until_resolved(found)
        for found in differences(Setting(noise, max(LOOKS), CASES), campaigns, chooser)
    ]
    signs = randomisation.sign_vectors(GATE_PAIRS)
    margins = np.full(CASES, MARGIN)
    red = {0.0: 0, MARGIN: 0}
    for found in differences(Setting(noise, GATE_PAIRS, CASES), campaigns, chooser):
        for truth in red:
            red[truth] += bool(judge(weigh(found + truth, margins, signs=signs)).slower.any())
    return Line(
        noise,
        campaigns,
        sum(alarm for alarm, _ in looked),
        float(np.mean([pairs for _, pairs in looked])),
        red[0.0],
        red[MARGIN],
    )


def as_markdown(lines: Iterable[Line]) -> str:
    """The page that is kept."""
    rows = [HEAD, ("---:",) * len(HEAD), *(line.cells for line in lines)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"<!-- SPDX-License-Identifier: Apache-2.0 -->\n\n{table}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS)
    asked = parser.parse_args()
    lines = [simulate(noise, asked.campaigns, asked.seed) for noise in NOISES]
    print(as_markdown(lines), end="")
    broken = any(line.is_broken(len(lines)) for line in lines)
    return exit_codes.FAILED if broken else exit_codes.OK


if __name__ == "__main__":
    raise SystemExit(main())
