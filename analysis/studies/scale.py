# SPDX-License-Identifier: Apache-2.0
"""Writes large campaigns, or files of Google Benchmark's, so that anyone can measure how long they
take to compare:

    python3 -m analysis.studies.scale campaign DIR --boots 1000 --cases 200 --samples 100
    time python3 -m analysis compare DIR
    python3 -m analysis.studies.scale history DIR --campaigns 10000 --cases 12
    time python3 -m analysis compare --history DIR

The figures are drawn from a seed and say nothing: two variants that take the same time, boots of
one level each.
"""

import argparse
import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from formats.campaign_format import PAIRS

VARIANTS = ("old", "new")
OPS = 100
_TIME = "2026-01-01T00:00:00Z"


def campaign(folder: Path, boots: int, cases: int, samples: int, seed: int = 1) -> None:
    """Half of the boots of each of two variants, in pairs by a coin; samples pairs a record, by a
    clock that counts time.
    """
    chooser = np.random.default_rng(seed)
    order = [
        (variant, 1 + number)
        for number in range(boots // 2)
        for variant in (VARIANTS if chooser.integers(2) else VARIANTS[::-1])
    ]
    folder.mkdir(parents=True)
    (folder / "campaign.json").write_text(json.dumps(_header(order)))
    levels = chooser.uniform(50, 500, cases)
    for variant, boot in order:
        place = folder / variant / f"boot-{boot:02d}"
        place.mkdir(parents=True)
        (place / "environment.json").write_text(json.dumps(_environment()))
        with (place / "micro.jsonl").open("w") as file:
            for case, level in enumerate(levels * chooser.normal(1, 0.005, cases)):
                file.write(
                    json.dumps(
                        _record(f"kernel/case{case}", variant, boot, level, samples, chooser),
                        separators=(",", ":"),
                    )
                    + "\n"
                )


def history(
    folder: Path,
    campaigns: int,
    cases: int,
    first: int = 0,
    step: int | None = None,
    seed: int = 1,
) -> None:
    """Campaigns of a boot of one variant, an hour apart. From the number `step` on, of which None
    is three quarters of them, the first case is slower by 3 %. first: the number of the first one
    that is written.
    """
    levels = np.random.default_rng(seed).uniform(50, 500, cases)
    step = campaigns - campaigns // 4 if step is None else step
    begun = datetime(2020, 1, 1)
    for number in range(first, campaigns):
        chooser = np.random.default_rng([seed, number])
        place = folder / f"{number:06d}" / VARIANTS[0] / "boot-01"
        place.mkdir(parents=True)
        time = (begun + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        header = _header([(VARIANTS[0], 1)]) | {"started": time}
        (place.parents[1] / "campaign.json").write_text(json.dumps(header))
        (place / "environment.json").write_text(json.dumps(_environment()))
        with (place / "micro.jsonl").open("w") as file:
            for case, level in enumerate(levels * chooser.normal(1, 0.005, cases)):
                level *= 1.03 if case == 0 and number >= step else 1
                record = _record(f"kernel/case{case}", VARIANTS[0], 1, level, 10, chooser)
                file.write(json.dumps(record, separators=(",", ":")) + "\n")


def google_benchmark(path: Path, benchmarks: int, repetitions: int, seed: int = 1) -> None:
    chooser = np.random.default_rng(seed)
    entries = [
        {
            "name": f"BM_case/{case}",
            "run_name": f"BM_case/{case}",
            "run_type": "iteration",
            "repetitions": repetitions,
            "repetition_index": number,
            "threads": 1,
            "iterations": 1000,
            "real_time": time,
            "cpu_time": time,
            "time_unit": "ns",
        }
        for case in range(benchmarks)
        for number, time in enumerate((100 * chooser.normal(1, 0.01, repetitions)).tolist())
    ]
    path.write_text(
        json.dumps(
            {
                "context": {"date": _TIME, "host_name": "nowhere", "num_cpus": 2},
                "benchmarks": entries,
            },
            indent=2,
        )
    )


def _record(
    case: str, variant: str, boot: int, level: float, samples: int, chooser: np.random.Generator
) -> dict:
    noise = chooser.normal(0, 20, (2, samples, 2))
    case_times, empty_times = (
        np.rint(cost * OPS * np.array([1, 2]) + one).astype(int)
        for cost, one in zip((level + 2, 2), noise)
    )
    slopes = [np.median(times[:, 1] - times[:, 0]) / OPS for times in (case_times, empty_times)]
    return {
        "case": case,
        "variant": variant,
        "boot": boot,
        "launch": 1,
        "clock": "tsc",
        "unit": "ticks",
        "better": "lower",
        "status": "ok",
        "ops": OPS,
        "cost": slopes[0] - slopes[1],
        "cost_core_cycles": slopes[0] - slopes[1],
        "chain": 1.0,
        "empty": slopes[1],
        "exact": False,
        "oracle": "none",
        "counters": {},
        "rejected": {"interrupt": 0},
        "samples": case_times.ravel().tolist(),
        "empty_samples": np.maximum(empty_times, 0).ravel().tolist(),
    }


def _header(order: list[tuple[str, int]]) -> dict:
    kernel = {"what": "simulated", "release": "6.12", "packages": {}, "cpu": "none", "cmdline": ""}
    return {
        "format": 1,
        "name": "scale",
        "asked": {"arguments": [], "boots": len(order) // 2, "only": "micro", "kernel": None},
        "seed": 1,
        "variants": {variant: kernel for variant in VARIANTS},
        "tools": {"qemu": None},
        "kmapbench": {"commit": "simulated", "dirty": False},
        "started": _TIME,
        "ended": _TIME,
        "design": PAIRS,
        "planned": [{"variant": variant, "boot": boot, "round": boot} for variant, boot in order],
        "order": [
            {"variant": variant, "boot": boot, "started": _TIME, "ended": _TIME, "status": "ok"}
            for variant, boot in order
        ],
    }


def _environment() -> dict:
    return {
        "format": 1,
        "kernel": {
            "release": "6.12",
            "version": "#1",
            "machine": "x86_64",
            "cmdline": "",
            "config_sha256": None,
        },
        "cpu": {"vendor_id": "none", "model name": "simulated"},
        "clock": {"clocksource": "tsc", "tsc_step_ticks": 1, "tsc_hz": 1e9},
        "kmapbench": {
            "commit": "simulated",
            "dirty": False,
            "compiler": "none",
            "build_type": "none",
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    kind = kinds.add_parser("campaign", help="a campaign of two variants")
    kind.add_argument("folder", type=Path, metavar="DIR")
    kind.add_argument(
        "--boots", type=int, default=1000, help="of both variants together (default: 1000)"
    )
    kind.add_argument("--cases", type=int, default=200, help="records a boot (default: 200)")
    kind.add_argument(
        "--samples", type=int, default=100, help="of n and 2n operations, a record (default: 100)"
    )
    kind.set_defaults(
        write=lambda asked: campaign(asked.folder, asked.boots, asked.cases, asked.samples)
    )
    kind = kinds.add_parser("history", help="many small campaigns, with a change in the first case")
    kind.add_argument("folder", type=Path, metavar="DIR")
    kind.add_argument("--campaigns", type=int, default=10_000)
    kind.add_argument("--cases", type=int, default=12, help="records a campaign (default: 12)")
    kind.add_argument(
        "--first", type=int, default=0, metavar="N", help="write those from this number on only"
    )
    kind.add_argument(
        "--step",
        type=int,
        metavar="N",
        help="the first case is slower from this campaign on (default: from three quarters on)",
    )
    kind.set_defaults(
        write=lambda asked: history(
            asked.folder, asked.campaigns, asked.cases, asked.first, asked.step
        )
    )
    kind = kinds.add_parser("google-benchmark", help="a file of Google Benchmark's")
    kind.add_argument("file", type=Path, metavar="FILE")
    kind.add_argument("--benchmarks", type=int, default=1000)
    kind.add_argument("--repetitions", type=int, default=100)
    kind.add_argument("--seed", type=int, default=1)
    kind.set_defaults(
        write=lambda asked: google_benchmark(
            asked.file, asked.benchmarks, asked.repetitions, asked.seed
        )
    )
    asked = parser.parse_args()
    asked.write(asked)


if __name__ == "__main__":
    main()
