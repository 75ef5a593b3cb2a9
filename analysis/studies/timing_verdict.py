# SPDX-License-Identifier: Apache-2.0
"""What trials of the measuring itself came to: the tables of docs/findings-user-models.md.

python3 -m analysis.studies.timing_verdict FILE...   files of lab.studies.timing
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.stats.family import compare_family
from analysis.stats.sample import Metric, Sample, SamplePair, Unit
from analysis.stats.verdict import Verdict

CYCLES = Metric("core_cycles", "cycles", "lower", "tsc", 1.0)

# What issue 8 asks for.
RATIO = 3.0
RATIO_MEDIAN, RATIO_LAUNCH, RATIO_LAUNCHES = 0.005, 0.015, 0.9
DELAY = 0.02
THIRD = 1 / 3
BLOCK_OFF = 0.02
BLOCKS_OFF = 1 / 20
# Launches are of two modes where nothing is between them for this share of the median; a mode has
# at least this share of them.
GAP, MODE = 0.02, 0.05
FALSE_ALARMS, FOUND = 3 / 20, 18 / 20
# A miss is a miss if it costs from half to one and a half of what it does without any path; none is
# less than a tenth.
MISS, NO_MISS = (0.5, 1.5), 0.1

PLANTED = {"user/known/adds103": "user/known/adds100", "user/known/adds15": "user/known/adds13"}


@dataclass(frozen=True)
class Row:
    """A line of a table, and whether it is as it should be; None: nothing is claimed."""

    cells: tuple[str, ...]
    holds: bool | None


@dataclass(frozen=True)
class Table:
    head: tuple[str, ...]
    rows: list[Row]

    def __str__(self) -> str:
        words = {True: "yes", False: "**no**", None: "-"}
        lines = [
            (*self.head, "holds"),
            ("---",) * (len(self.head) + 1),
            *((*row.cells, words[row.holds]) for row in self.rows),
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def off(value: float, wanted: float) -> float:
    return value / wanted - 1


def iqr_share(values: np.ndarray) -> float:
    """Spread: interquartile range over median."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float((high - low) / middle)


def blocks(values: np.ndarray) -> np.ndarray:
    """How far A and B are apart, as a share, in each ABBA of four launches of one thing; an
    incomplete last block is left out.
    """
    four = values[: len(values) // 4 * 4].reshape(-1, 4)
    return (four[:, 0] + four[:, 3]) / (four[:, 1] + four[:, 2]) - 1


def modes(values: np.ndarray) -> list[tuple[float, float]]:
    """Modes of launches: median and share of each mode that is none of a few stray ones."""
    ordered = np.sort(values)
    apart = np.flatnonzero(np.diff(ordered) > GAP * np.median(values)) + 1
    return [
        (float(np.median(mode)), share)
        for mode in np.split(ordered, apart)
        if (share := len(mode) / len(values)) >= MODE
    ]


def by(figures: Iterable[dict], *keys: str) -> dict[tuple, np.ndarray]:
    """Figures in the order of the file, by what these keys say."""
    found: dict[tuple, list[float]] = defaultdict(list)
    for figure in figures:
        found[tuple(figure[key] for key in keys)].append(figure["figure"])
    return {key: np.array(values) for key, values in found.items()}


def known(figures: list[dict]) -> list[Table]:
    launches = by(figures, "case", "write_cycles")
    cycles = sorted({key[1] for key in launches})
    return [_ratio(launches, cycles[0]), _delays(launches, cycles), _cold(launches, cycles[0])]


def _ratio(launches: dict[tuple, np.ndarray], cycles: int) -> Table:
    ratios = (
        launches["user/known/multiplications1000", cycles] / launches["user/known/adds1000", cycles]
    )
    away = np.abs(off(ratios, RATIO))
    median = off(float(np.median(ratios)), RATIO)
    near = float(np.mean(away <= RATIO_LAUNCH))
    rows = [
        Row(
            (f"median of {len(ratios)} launches", f"{np.median(ratios):.4f} ({median:+.2%})"),
            abs(median) <= RATIO_MEDIAN,
        ),
        Row((f"launches within {RATIO_LAUNCH:.1%}", f"{near:.0%}"), near >= RATIO_LAUNCHES),
    ]
    return Table(("multiplications by adds, truth 3", "seen"), rows)


def _delays(launches: dict[tuple, np.ndarray], all_cycles: list[int]) -> Table:
    rows = []
    for form in ("kmap_local", "kmap_local_slim"):
        for cycles in all_cycles:
            seen = (
                launches[f"user/{form}/protected/alone/delay", cycles]
                - launches[f"user/{form}/protected/alone/nowrite", cycles]
            ) / 2
            median = float(np.median(seen))
            near = float(np.mean(np.abs(off(seen, cycles)) <= DELAY))
            cells = (
                f"`user/{form}`",
                f"{cycles}",
                f"{median:.1f} ({off(median, cycles):+.2%})",
                f"{near:.0%}",
            )
            rows.append(Row(cells, abs(off(median, cycles)) <= DELAY))
    return Table(("delay", "told, cycles", "median", f"launches within {DELAY:.0%}"), rows)


def _cold(launches: dict[tuple, np.ndarray], cycles: int) -> Table:
    def median(case: str) -> float | None:
        values = launches.get((case, cycles))
        return None if values is None else float(np.median(values))

    hot_line, cold_line = median("user/known/lines/l1"), median("user/known/lines/memory")
    if hot_line is None or cold_line is None:
        return Table(("cold descriptors",), [Row(("not measured: no memory for the set",), None)])
    miss = cold_line - hot_line
    rows = [
        Row(("a line, no path", f"{hot_line:.0f}", f"{cold_line:.0f}", f"{miss:.0f}", "1"), None)
    ]
    for form in ("kmap_local", "kmap_local_slim"):
        for state in ("key_off", "dram", "devmap", "protected", "protected_nested"):
            case = f"user/{form}/{state}/descriptors/{{}}" + (
                "/nowrite" if state == "protected" else ""
            )
            hot, cold = (
                float(np.median(launches[case.format(place), cycles])) for place in ("l1", "memory")
            )
            misses = (cold - hot) / miss
            holds = abs(misses) < NO_MISS if state == "key_off" else MISS[0] <= misses <= MISS[1]
            rows.append(
                Row(
                    (
                        f"`user/{form}/{state}`",
                        f"{hot:.0f}",
                        f"{cold:.0f}",
                        f"{cold - hot:.0f}",
                        f"{misses:.2f}",
                    ),
                    holds,
                )
            )
    return Table(("descriptors", "hot, cycles", "cold", "difference", "misses"), rows)


def spread(figures: list[dict]) -> list[Table]:
    launches = by(figures, "tool", "case")
    rows = []
    for case in dict.fromkeys(case for _, case in launches):
        ours, theirs = launches.get(("kmapbench", case)), launches.get(("google", case))
        if ours is None or theirs is None:
            rows.append(Row((f"`{case}`", "no figures", *("",) * 5), None))
            continue
        mine, others = iqr_share(ours), iqr_share(theirs)
        away, away_theirs = (np.abs(blocks(values)) > BLOCK_OFF for values in (ours, theirs))
        claimed = mine <= THIRD * others and away.sum() <= BLOCKS_OFF * len(away)
        # What counts through memory, or runs as fast as the CPU fetches, has modes; and a block
        # takes four launches.
        register_bound = case.startswith("user/known/") or (
            case.endswith("/alone") and "/protected" not in case
        )
        nothing_claimed = not register_bound or len(away) == 0
        cells = (
            f"`{case}`",
            f"{np.median(ours):.2f}",
            ", ".join(f"{centre:.2f} ({share:.0%})" for centre, share in modes(ours)),
            f"{mine:.2%}",
            f"{others:.2%}",
            f"{away.sum()} of {len(away)}",
            f"{away_theirs.sum()} of {len(away_theirs)}",
        )
        rows.append(Row(cells, None if nothing_claimed else bool(claimed)))
    seconds = {
        tool: np.mean([figure["seconds"] for figure in figures if figure["tool"] == tool])
        for tool in ("kmapbench", "google")
    }
    count = len({figure["launch"] for figure in figures})
    head = (
        f"{count} launches of {seconds['kmapbench']:.1f} and {seconds['google']:.1f} s",
        "cycles",
        "modes, and launches of each",
        "IQR/median",
        "Google Benchmark's",
        f"A/A off > {BLOCK_OFF:.0%}",
        "Google Benchmark's",
    )
    return [Table(head, rows)]


def campaigns(figures: list[dict]) -> list[Table]:
    rounds: dict[int, list[dict]] = defaultdict(list)
    for figure in figures:
        rounds[figure["campaign"]].append(figure)
    alarmed = 0
    found: dict[str, int] = defaultdict(int)
    for campaign in rounds.values():
        verdicts = _verdicts(campaign, lambda case: case)
        alarmed += any(verdict in (Verdict.SLOWER, Verdict.FASTER) for verdict in verdicts.values())
        planted = _verdicts(campaign, {old: new for new, old in PLANTED.items()}.get)
        for new, old in PLANTED.items():
            found[new] += planted[old] is Verdict.SLOWER
    number = len(rounds)
    rows = [
        Row(
            ("A/A: any case slower or faster", f"{alarmed} of {number}"),
            alarmed <= FALSE_ALARMS * number,
        )
    ]
    for new, what in zip(PLANTED, ("3 % of 100 cycles", "2 cycles of 13")):
        rows.append(
            Row(
                (f"planted, {what}: called slower", f"{found[new]} of {number}"),
                found[new] >= FOUND * number,
            )
        )
    return [Table((f"{number} campaigns", "seen"), rows)]


def _verdicts(figures: list[dict], new_case: Callable[[str], str | None]) -> dict[str, Verdict]:
    """Verdicts of one campaign, side A against B, by A's case. new_case: case of side B; None: the
    same.
    """
    sides: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for figure in figures:
        sides[figure["side"], figure["case"]].append((figure["round"], figure["figure"]))

    def side(label: str, case: str) -> Sample:
        rounds, values = zip(*sides[label, case])
        return Sample(label, np.array(values), unit=Unit.LAUNCH, rounds=np.array(rounds))

    cases = [case for label, case in sides if label == "A" and case not in PLANTED]
    pairs = [
        SamplePair(case, CYCLES, side("A", case), side("B", new_case(case) or case))
        for case in cases
    ]
    return {row.case: row.verdict for row in compare_family(pairs)}


JUDGES = {"known": known, "spread": spread, "campaigns": campaigns}


def judged(lines: Iterable[str]) -> str:
    """A file's machine and tables."""
    header, *figures = map(json.loads, lines)
    loads = [figure["load"] for figure in figures]
    where = (
        f"{header['cpus']} cores of {header['cpu']}, Linux {header['kernel']}, {header['begun']};"
        f" load {min(loads):.1f} to {max(loads):.1f}"
    )
    return "\n\n".join([where, *map(str, JUDGES[header["trial"]](figures))])


def main(files: list[str]) -> int:
    for file in files:
        print(judged(Path(file).read_text().splitlines()), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
