# SPDX-License-Identifier: Apache-2.0
"""Timed boots of two variants, and what compare says of them."""

import random
import subprocess
import sys
from pathlib import Path

from analysis.compare import engine, inputs
from analysis.tests.conftest import record

ROOT = Path(__file__).resolve().parents[3]


def timed(
    variant: str, boot: int, cost: float, case: str = "kernel/kmap_local/dram", **changes
) -> dict:
    time = {"clock": "tsc", "unit": "ticks", "exact": False, "chain": 1.0, "cost_core_cycles": cost}
    return record(case, boot, cost, variant=variant, **time | changes)


def boots(
    variant: str,
    level: float,
    number: int = 10,
    seed: int = 1,
    case: str = "kernel/kmap_local/dram",
    spread: float = 0.002,
) -> list[dict]:
    chooser = random.Random(f"{seed} {variant} {case}")
    return [
        timed(variant, boot + 1, level * chooser.gauss(1, spread), case) for boot in range(number)
    ]


def in_turn(*variants: list[dict]) -> list[dict]:
    return [one for round in zip(*variants) for one in round]


def groups(*arguments, baseline=None, allow=(), metrics=()):
    return engine.compare(
        inputs.pair_sources([str(one) for one in arguments], baseline)[0], allow, metrics
    )


def verdicts(*arguments, **options) -> dict[str, str]:
    return {
        row.case: str(row.verdict) for group in groups(*arguments, **options) for row in group.rows
    }


def run(*arguments, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "analysis", "compare", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
    )
