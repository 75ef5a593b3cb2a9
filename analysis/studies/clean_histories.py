# SPDX-License-Identifier: Apache-2.0
"""How often `compare --history` marks a change where there is none, and finds one of 3 %:

    python3 -m analysis.studies.clean_histories > results/calibration/history.md

Simulates histories of one case and puts them through the function that the command uses. Noise is
that of `calibrate` where a campaign does not depend on the one before. The same seed gives the same
table.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.stats.change_points import find_changes
from analysis.studies.simulate import SHAPES, SPREAD

SEED = 1
NOISES = ("normal", "t2", "lognormal", "contaminated", "slow-boots", "mode-0.3", "quantised")
# Campaigns of a history, and how many clean ones are simulated of each noise.
CLEAN = {16: 10_000, 50: 10_000, 200: 4_000, 1000: 1_000, 10_000: 200}
# Histories in which the newest LASTING campaigns are slower.
STEP, LASTING, STEPS = float(np.log1p(0.03)), 5, 200
# What is promised of clean histories.
MOST = 0.001


@dataclass(frozen=True)
class Line:
    """Histories of one length and noise."""

    campaigns: int
    noise: str
    clean: int  # histories in which nothing changed
    marked: int  # of these
    found: float  # share of the others in which the last change is the step

    @property
    def cells(self) -> tuple[str, ...]:
        """Percent, as HEAD names them."""
        return (
            f"{self.campaigns}",
            self.noise,
            f"{self.clean}",
            f"{self.marked}",
            f"{self.found * 100:.0f}",
        )


HEAD = ("campaigns", "noise", "clean histories", "marked", "3 % found")


def simulate(campaigns: int, noise: str, clean: int, seed: int = SEED) -> Line:
    """A line of the table. A step is found if a change is marked within two campaigns of it."""
    chooser = np.random.default_rng([seed, campaigns, *map(ord, noise)])

    def history() -> np.ndarray:
        made: np.ndarray = SPREAD * SHAPES[noise](chooser, (1, 1, campaigns))[0, 0]
        return made

    marked = sum(bool(find_changes(history())) for _ in range(clean))
    step = campaigns - LASTING
    found = 0
    for _ in range(STEPS):
        figures = history()
        figures[step:] += STEP
        found += any(abs(change.place - step) <= 2 for change in find_changes(figures))
    return Line(campaigns, noise, clean, marked, found / STEPS)


def broken(lines: Iterable[Line]) -> bool:
    """Whether more clean histories are marked than is promised, for certain (99.9 %)."""
    totals = np.array([(line.marked, line.clean) for line in lines]).sum(0)
    return bool(stats.binom.sf(totals[0] - 1, totals[1], MOST) < MOST)


def as_markdown(lines: Iterable[Line]) -> str:
    """The page that is kept."""
    rows = [HEAD, ("---:",) * len(HEAD), *(line.cells for line in lines)]
    return "<!-- SPDX-License-Identifier: Apache-2.0 -->\n\n" + "".join(
        f"| {' | '.join(row)} |\n" for row in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    lines = [
        simulate(campaigns, noise, clean, asked.seed)
        for campaigns, clean in CLEAN.items()
        for noise in NOISES
    ]
    print(as_markdown(lines), end="")
    if broken(lines):
        raise SystemExit(f"more than {MOST:.1%} of clean histories are marked")


if __name__ == "__main__":
    main()
