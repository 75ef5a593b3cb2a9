# SPDX-License-Identifier: Apache-2.0
"""Trials of the measuring itself: user models launched many times on this machine, each launch's
figures kept as they are.

python3 -m lab.studies.timing known|spread|campaigns FILE [--launches N] [--campaigns N]
python3 -m analysis.studies.timing_verdict FILE...   says what came out
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from lab.campaign import schedule
from lab.core import bench_command, subprocesses
from lab.core.bench_command import BenchCommand
from lab.core.dirs import build_dir
from lab.core.errors import KmapbenchError
from lab.core.progress import Display
from lab.host import running_kernel
from lab.studies.fidelity import FORMS, STATES

# Nothing of what these do passes through memory that they have written, and none begins before the
# last one is done, so that only the clock makes them noisy.
REGISTER_BOUND = [
    "user/known/adds13",
    "user/known/adds100",
    *(f"user/{form}/{state}/alone" for form in FORMS for state in ("key_off", "dram", "devmap")),
]
# These count through memory, or run at the rate at which the CPU predicts and fetches: it has
# modes.
WITH_MODES = [
    *(
        f"user/{form}/{state}"
        for form in FORMS
        for state in ("protected/alone/nowrite", "protected_nested/alone")
    ),
    *(
        f"user/{form}/{state}"
        for form in FORMS
        for state in ("key_off", "dram", "devmap", "protected/nowrite", "protected_nested")
    ),
]
# One that is 3 % longer than adds100, and one that is 2 cycles longer than adds13.
PLANTED = ["user/known/adds103", "user/known/adds15"]

_COLD = [
    f"user/{form}/{state}/descriptors/{size}" + ("/nowrite" if state == "protected" else "")
    for form in FORMS
    for state in STATES
    for size in ("l1", "memory")
]
DELAYS = [
    f"user/{form}/protected/alone/{write}" for form in FORMS for write in ("nowrite", "delay")
]
KNOWN = [
    "user/known/adds1000",
    "user/known/multiplications1000",
    "user/known/lines/l1",
    "user/known/lines/memory",
    *_COLD,
    *DELAYS,
]

# What a write is told to take, beside the default.
WRITE_CYCLES = (185, 1000)

# Of each repetition, and how many of them: of both tools.
BUDGET = ["--benchmark_min_time=0.02", "--benchmark_repetitions=10"]


def known(launches: int) -> Iterator[dict]:
    """What has a known truth."""
    for launch in range(launches):
        for cycles in WRITE_CYCLES:
            # the others do not hang on what a write takes
            options = [f"--wrpkrs-cycles={cycles}"]
            for figure in _ours(
                KNOWN if cycles == WRITE_CYCLES[0] else DELAYS, options, repetitions=1
            ):
                yield {"launch": launch, "write_cycles": cycles, **figure}


def spread(launches: int) -> Iterator[dict]:
    """Ours and Google Benchmark's own way, in turn, with the same time for each repetition."""
    models = REGISTER_BOUND + WITH_MODES
    for launch in range(launches):
        ours, theirs = _ours(models, BUDGET), _theirs(models)
        # as ABBA, so that both meet the same drift
        for tool in (ours, theirs) if launch % 2 else (theirs, ours):
            for figure in tool:
                yield {"launch": launch, **figure}


def campaigns(number: int, launches: int) -> Iterator[dict]:
    """The same program twice, in rounds as a campaign has them; the planted changes beside what
    they are changes of.
    """
    for campaign in range(number):
        for step in schedule.steps(["A", "B"], launches, seed=campaign):
            for figure in _ours(REGISTER_BOUND + PLANTED, [], repetitions=1):
                yield {"campaign": campaign, "round": step.round, "side": step.variant, **figure}


def _ours(models: list[str], options: list[str], repetitions: int | None = None) -> Iterator[dict]:
    """Core cycles a pair, by kmap_bench."""
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        started = time.monotonic()
        command = BenchCommand(
            bench_command.built(),
            names=models,
            counters="",
            records=records,
            repetitions=repetitions,
        )
        subprocesses.output([*command.words(), *options])
        seconds = time.monotonic() - started
        for line in records.read_text().splitlines():
            record = json.loads(line)
            if record["status"] == "ok" and "known" not in record:
                yield {
                    "tool": "kmapbench",
                    "case": record["case"],
                    "figure": record["cost_core_cycles"],
                    "ticks": record["cost"],
                    **_moment(seconds),
                }


def _theirs(models: list[str]) -> Iterator[dict]:
    """Nanoseconds a pair, the median that Google Benchmark itself gives."""
    program = build_dir() / "bench" / "tools" / "kmap_google"
    started = time.monotonic()
    chosen = f"--benchmark_filter=^({'|'.join(models)})$"
    text = subprocesses.output(
        [
            program,
            chosen,
            *BUDGET,
            "--benchmark_enable_random_interleaving=true",
            "--benchmark_format=json",
        ]
    )
    seconds = time.monotonic() - started
    for row in json.loads(text)["benchmarks"]:
        if row.get("aggregate_name") == "median":
            yield {
                "tool": "google",
                "case": row["run_name"],
                "figure": row["real_time"],
                **_moment(seconds),
            }


def _moment(seconds: float) -> dict:
    """How long the launch took, and what else the machine does."""
    return {"seconds": round(seconds, 3), "load": os.getloadavg()[0]}


def machine() -> dict:
    """The first line of a file."""
    return {
        "cpu": running_kernel.cpu_model(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m lab.studies.timing",
        description="Launches user models many times and keeps each launch's figures.",
    )
    parser.add_argument("trial", choices=("known", "spread", "campaigns"))
    parser.add_argument("file", type=Path, help="JSON lines; must not be there yet")
    parser.add_argument(
        "--launches", type=int, help="default 20; of campaigns 10 a side; of spread 80"
    )
    parser.add_argument("--campaigns", type=int, default=20)
    asked = parser.parse_args(arguments)
    launches = asked.launches or {"known": 20, "spread": 80, "campaigns": 10}[asked.trial]
    figures = (
        campaigns(asked.campaigns, launches)
        if asked.trial == "campaigns"
        else {"known": known, "spread": spread}[asked.trial](launches)
    )
    with asked.file.open("x") as file, Display() as display:
        print(json.dumps({"trial": asked.trial, **machine()}), file=file)
        for figure in figures:
            print(json.dumps(figure), file=file, flush=True)
            display.detail(
                f"campaign {figure['campaign']}"
                if "campaign" in figure
                else f"launch {figure['launch']}"
            )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (KmapbenchError, OSError) as error:
        sys.exit(f"trial: {error}")
