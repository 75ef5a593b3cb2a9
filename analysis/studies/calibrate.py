# SPDX-License-Identifier: Apache-2.0
"""How often compare is wrong: python3 -m analysis.studies.calibrate

Simulates campaigns in which nothing changed, or a known change was planted, and puts them through
the functions that compare uses: false alarms, coverage, false `same`, power. Beside them, on the
same data, the rules
of Google Benchmark's compare.py and of benchstat, which look at the repetitions of one boot a side.
The same seed gives the same table.
"""

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from analysis.studies.calibration import CAMPAIGNS, CASES, SEED, Cell, run_cell, settings
from analysis.studies.simulate import Setting

COLUMNS = (
    "boots",
    "spread",
    "noise",
    "drift",
    "false",
    "family",
    "covers",
    "f.same",
    "t",
    "power",
    "verdict",
    "3 %",
    "2 cyc",
    "same",
    "compare",
    "benchst",
    "",
)


def table_row(cell: Cell) -> tuple[str, ...]:
    """Percent, as COLUMNS names them."""
    setting, drifts = cell.setting, cell.setting.drift != "none"
    shares = [cell.false_alarms, cell.family, cell.coverage, cell.false_same]
    powers = [cell.t_power, cell.power, cell.verdict_power]
    rest = [cell.finds_planted, cell.finds_cycles, cell.says_same, cell.compare_py, cell.benchstat]
    return (
        f"{setting.boots}",
        f"{setting.spread * 100:g}",
        setting.shape,
        setting.drift,
        *(f"{share * 100:.1f}" for share in shares),
        *("-" if drifts else f"{share * 100:.1f}" for share in powers),
        *(f"{share * 100:.1f}" for share in rest),
        remark(cell),
    )


def remark(cell: Cell) -> str:
    """Broken limits; with the figure of what carries no warning, where compare warns of that
    situation.
    """
    said = {
        name: f" ({figure * 100:.1f} where not warned)" if of else " (all warned)"
        for name, (figure, of) in cell.unwarned.items()
    }
    return ", ".join(name + said.get(name, "") for name in cell.broken())


def as_text(cells: Iterable[Cell]) -> str:
    rows = [COLUMNS, *(table_row(cell) for cell in cells)]
    widths = [max(len(line[column]) for line in rows) for column in range(len(COLUMNS))]
    return "".join(
        "  ".join(value.rjust(width) for value, width in zip(line, widths)).rstrip() + "\n"
        for line in rows
    )


def as_markdown(cells: Iterable[Cell]) -> str:
    rows = [COLUMNS, ("---:",) * len(COLUMNS), *(table_row(cell) for cell in cells)]
    return "".join(f"| {' | '.join(line)} |\n" for line in rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m analysis.studies.calibrate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--campaigns",
        type=int,
        default=CAMPAIGNS,
        metavar="N",
        help="a cell (default: %(default)s)",
    )
    parser.add_argument(
        "--cells",
        metavar="WORDS",
        default="",
        help="only cells with all of these, as in 'boots=4,two-mode,none'",
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help="default: %(default)s")
    parser.add_argument(
        "--format", choices=("text", "md"), default="text", help="default: %(default)s"
    )
    parser.add_argument(
        "--jobs", type=int, default=None, metavar="N", help="cells at a time (default: one a core)"
    )
    return parser


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    chosen = [setting for setting in settings() if _has(setting, arguments.cells)]
    if not chosen or arguments.campaigns < 1:
        parser.error(
            f"no cell has all of {arguments.cells!r}"
            if not chosen
            else "--campaigns has to be 1 or more"
        )
    with ProcessPoolExecutor(arguments.jobs) as pool:
        cells = list(
            pool.map(partial(run_cell, campaigns=arguments.campaigns, seed=arguments.seed), chosen)
        )
    print((as_text if arguments.format == "text" else as_markdown)(cells), end="")
    broken = [cell for cell in cells if cell.broken()]
    silent = [cell for cell in broken if cell.broken() != cell.warned()]
    print(
        f"\n{len(cells)} cells of {arguments.campaigns} campaigns with {CASES} cases;"
        f" {len(broken)} break a limit, {len(silent)} of them where compare does not warn of it."
    )
    return 1 if silent else 0


def _has(setting: Setting, words: str) -> bool:
    names = {
        f"boots={setting.boots}",
        f"spread={setting.spread * 100:g}",
        setting.shape,
        setting.drift,
    }
    return set(filter(None, words.split(","))) <= names


if __name__ == "__main__":
    sys.exit(main())
