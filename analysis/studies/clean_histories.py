# SPDX-License-Identifier: Apache-2.0
"""How often `compare --history` marks a change where there is none, and finds one of 3 %:

    python3 -m analysis.studies.clean_histories > results/calibration/history.md

Simulates histories of one case and puts them through the function that the command uses. Noise is
that of `calibrate` where a campaign does not depend on the one before. A second table is of
histories that are looked at after each campaign; there any noise is like any other, as ranks are.
The same seed gives the same tables.

    python3 -m analysis.studies.clean_histories --critical-values

draws those of analysis/stats/change_points.py.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.stats.change_points import (
    FEWEST,
    LEVEL,
    MARKED_EVER,
    critical_value,
    drawn_statistics,
    find_changes,
    largest_statistics,
)
from analysis.studies.simulate import SHAPES, SPREAD

SEED = 1
NOISES = ("normal", "t2", "lognormal", "contaminated", "slow-boots", "mode-0.3", "quantised")
# Campaigns of a history, and how many clean ones are simulated of each noise.
CLEAN = {20: 10_000, 50: 10_000, 200: 4_000, 1000: 1_000, 10_000: 200}
# Histories in which the newest LASTING campaigns are slower.
STEP, LASTING, STEPS = float(np.log1p(0.03)), 8, 200
# Histories that are looked at as they grow, and the numbers of campaigns of which the table is.
GROWING, GROWN = 20_000, (30, 50, 100, 200)
# Figures whose critical value is drawn, and of how many orders.
ORDERS = dict.fromkeys((20, 22, 25, 30, 35, 40, 50, 70, 100), 2_000_000)
ORDERS |= {150: 1_500_000, 200: 1_500_000}
DRAWING_SEED = 11
# Figures that are drawn at once, and orders of many figures.
_AT_ONCE, _FEWEST_AT_ONCE = 4_000_000, 2000


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


def ever_marked(histories: int, numbers: Sequence[int], seed: int = SEED) -> list[int]:
    """Of so many clean histories that are looked at after each campaign, how many were marked at
    some time until they had each of these numbers of campaigns, which rise.
    """
    figures = np.random.default_rng([seed, histories]).random((histories, numbers[-1]))
    marked = np.zeros(histories, dtype=bool)
    counted = []
    for count in range(FEWEST, numbers[-1] + 1):
        marked |= largest_statistics(figures[:, :count]) > critical_value(count)
        if count in numbers:
            counted.append(int(marked.sum()))
    return counted


def draw_critical_value(count: int, orders: int, seed: int = DRAWING_SEED) -> float:
    """What the statistic of so many figures exceeds with the probability LEVEL, by drawn orders."""
    chooser = np.random.default_rng([seed, count])
    at_once = max(_FEWEST_AT_ONCE, _AT_ONCE // count)
    largest = np.concatenate(
        [drawn_statistics(count, at_once, chooser) for _ in range(orders // at_once)]
    )
    return float(np.sort(largest)[-max(1, round(LEVEL * len(largest)))])


def broken(marked: int, histories: int) -> bool:
    """Whether more clean histories are marked than is promised, for certain (99.9 %)."""
    return bool(stats.binom.sf(marked - 1, histories, MARKED_EVER) < 0.001)


def as_markdown(lines: Iterable[Line], growing: Sequence[int]) -> str:
    """The page that is kept. growing: histories of GROWN that were ever marked."""
    rows: list[tuple[str, ...]] = [HEAD, ("---:",) * len(HEAD), *(line.cells for line in lines)]
    ever: list[tuple[str, ...]] = [
        ("looked at after each of", "clean histories", "ever marked"),
        ("---:",) * 3,
    ]
    ever += [(f"{count}", f"{GROWING}", f"{marked}") for count, marked in zip(GROWN, growing)]
    tables = ["".join(f"| {' | '.join(row)} |\n" for row in table) for table in (rows, ever)]
    return "<!-- SPDX-License-Identifier: Apache-2.0 -->\n\n" + "\n".join(tables)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--critical-values", action="store_true")
    asked = parser.parse_args()
    if asked.critical_values:
        value = 0.0
        for count, orders in ORDERS.items():
            value = max(value, draw_critical_value(count, orders))  # they rise; these are drawn
            print(f"{count}: {value:.3f},", flush=True)
        return
    lines = [
        simulate(campaigns, noise, clean, asked.seed)
        for campaigns, clean in CLEAN.items()
        for noise in NOISES
    ]
    growing = ever_marked(GROWING, GROWN, asked.seed)
    print(as_markdown(lines, growing), end="")
    marked, clean = sum(line.marked for line in lines), sum(line.clean for line in lines)
    if broken(marked, clean) or broken(growing[-1], GROWING):
        raise SystemExit(f"more than {MARKED_EVER:.1%} of clean histories are marked")


if __name__ == "__main__":
    main()
