# SPDX-License-Identifier: Apache-2.0
"""How often compare is wrong: `./kmapbench calibrate`.

Simulates campaigns in which nothing changed, or a known change was planted, and puts them through
the functions that compare uses: false alarms, coverage, false `same`, direction, power. Each cell
is kept as soon as it is done, and is not made again. The same seed gives the same table.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from analysis.data.bad_data import BadData
from analysis.studies.calibration import CAMPAIGNS, QUICK, Cell, run_cell, settings
from analysis.studies.simulate import Setting
from formats import exit_codes

FOLDER = Path(__file__).resolve().parents[2] / "results" / "calibration"
KEPT, TABLE = "cells.jsonl", "cells.md"
Planned = tuple[Setting, int]

COLUMNS = (
    "pairs",
    "cases",
    "noise",
    "campaigns",
    "false alarm",
    "not covered",
    "false same",
    "wrong way",
    "at margin",
    "3 % slower",
    "same",
    "breaks",
)


def table_row(cell: Cell, cells: int) -> tuple[str, ...]:
    """Percent, as COLUMNS names them."""
    shares = (
        cell.false_alarms,
        cell.not_covered,
        cell.false_same,
        cell.wrong_direction,
        cell.at_the_margin,
        cell.slower,
        cell.same,
    )
    return (
        f"{cell.pairs}",
        f"{cell.cases}",
        cell.shape,
        f"{cell.campaigns}",
        *(f"{share * 100:.1f}" for share in shares),
        ", ".join(cell.broken(cells)).replace("_", " "),
    )


def as_text(cells: Sequence[Cell], planned: int) -> str:
    rows = [COLUMNS, *(table_row(cell, planned) for cell in cells)]
    widths = [max(len(line[column]) for line in rows) for column in range(len(COLUMNS))]
    return "".join(
        "  ".join(value.rjust(width) for value, width in zip(line, widths)).rstrip() + "\n"
        for line in rows
    )


def as_markdown(cells: Sequence[Cell], planned: int) -> str:
    rows = [COLUMNS, ("---:",) * len(COLUMNS), *(table_row(cell, planned) for cell in cells)]
    return "<!-- SPDX-License-Identifier: Apache-2.0 -->\n\n" + "".join(
        f"| {' | '.join(line)} |\n" for line in rows
    )


def calibrate(arguments: argparse.Namespace) -> int:
    """Runs the cells that are not there yet and prints all that were asked for; 1 where one breaks
    a limit.
    """
    planned, chosen = choose(arguments)
    folder = folder_of(arguments)
    kept = {} if arguments.quick else read(folder / KEPT, arguments.seed)
    to_do = [one for one in chosen if one not in kept]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        running = [pool.submit(run_cell, *cell, arguments.seed) for cell in to_do]
        for finished in as_completed(running):
            cell = finished.result()
            kept[cell.setting, cell.campaigns] = cell
            if not arguments.quick:
                keep(folder, cell)
    cells = [kept[key] for key in chosen if key in kept]
    if not arguments.quick:
        done = [kept[key] for key in planned if key in kept]
        (folder / TABLE).write_text(as_markdown(done, len(planned)))
    print(as_text(cells, len(planned)), end="")
    broken = sum(bool(cell.broken(len(planned))) for cell in cells)
    print(f"\n{len(cells)} of {len(planned)} cells; {broken} break a limit.")
    return exit_codes.FAILED if broken else exit_codes.OK


def choose(arguments: argparse.Namespace) -> tuple[list[Planned], list[Planned]]:
    """All cells, each with its number of campaigns, and those of them that were asked for; BadData
    if these are none.
    """
    planned = [(setting, CAMPAIGNS // 4) for setting in QUICK] if arguments.quick else settings()
    chosen = [one for one in planned if _has(one[0], arguments.cells)]
    if not chosen:
        raise BadData(f"--cells {arguments.cells}: no cell has all of these; the table shows them")
    return planned, chosen


def folder_of(arguments: argparse.Namespace) -> Path:
    """Where cells are kept."""
    return arguments.out or FOLDER


def read(path: Path, seed: int) -> dict[tuple[Setting, int], Cell]:
    """The cells that are kept, by setting and number of campaigns; a torn last line is none."""
    found = {}
    for line in _lines(path):
        try:
            cell = Cell(**json.loads(line))
        except ValueError:
            continue
        if cell.seed == seed:
            found[cell.setting, cell.campaigns] = cell
    return found


def _lines(path: Path) -> Iterable[str]:
    return path.read_text().splitlines() if path.exists() else []


def keep(folder: Path, cell: Cell) -> None:
    """Adds a cell to those that are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KEPT
    torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("a") as file:
        file.write("\n" * torn + json.dumps(cell.as_dict()) + "\n")


def _has(setting: Setting, words: str) -> bool:
    names = {f"pairs={setting.pairs}", f"cases={setting.cases}", setting.shape}
    return set(filter(None, words.split(","))) <= names
