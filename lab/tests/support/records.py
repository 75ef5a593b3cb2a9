# SPDX-License-Identifier: Apache-2.0
"""Records of cases, without those of controls, which come with them in each process."""

import json
from collections.abc import Iterable
from pathlib import Path


def of_cases(file: Path) -> list[dict]:
    """Of a micro.jsonl."""
    return without_controls(map(json.loads, file.read_text().splitlines()))


def without_controls(records: Iterable[dict]) -> list[dict]:
    return [record for record in records if "known" not in record]


def with_paths(boot: Path) -> dict[str, dict]:
    """Of a boot's folder: records by case, each with what the observer saw of it as "path"."""
    records = {record["case"]: record for record in of_cases(boot / "micro.jsonl")}
    for path in map(json.loads, (boot / "path.jsonl").read_text().splitlines()):
        if path["case"] in records:
            records[path["case"]]["path"] = path
    return records


# The least that environment.json has.
ENVIRONMENT = {
    "format": 1,
    "kernel": {
        "release": "6",
        "version": "#1",
        "machine": "x86_64",
        "cmdline": "quiet",
        "config_sha256": None,
    },
    "cpu": {"vendor_id": "GenuineIntel", "model name": "A CPU", "microcode": "0x1"},
    "clock": {"clocksource": "tsc", "tsc_step_ticks": 1, "tsc_hz": 1e9},
    "kmapbench": {"commit": "unknown", "dirty": False, "compiler": "GNU", "build_type": "Release"},
}
