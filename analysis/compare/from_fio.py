# SPDX-License-Identifier: Apache-2.0
"""fio's JSON, of any job file: every job, each direction of it that moved data; a file is one
launch.
"""

from pathlib import Path

import numpy as np

from analysis.compare import compatibility
from analysis.compare.source import Figures, Source
from analysis.data.bad_data import BadData
from analysis.data.json_files import is_number
from analysis.stats.sample import Metric, Sample, Unit

_DIRECTIONS = ("read", "write", "trim")
_METRICS = {
    "clat_mean": Metric("clat_mean", "ns", "lower", "wall"),
    "iops": Metric("iops", "I/Os a second", "higher", "wall"),
    "bandwidth": Metric("bandwidth", "MB/s", "higher", "wall"),
}
_CHOSEN = tuple((name,) for name in _METRICS)


def is_output(document: object) -> bool:
    """Whether a JSON document has this program's form."""
    return isinstance(document, dict) and "fio version" in document and "jobs" in document


def source(documents: dict[Path, dict], label: str) -> Source:
    launches = [_values(document, path) for path, document in documents.items()]
    figures = {}
    for case, name in dict.fromkeys(key for launch in launches for key in launch):
        values = np.array([launch[case, name] for launch in launches if (case, name) in launch])
        unit = Unit.LAUNCH if len(documents) > 1 else Unit.REPETITION
        figures[case, name] = Figures(_METRICS[name], Sample(label, values, unit=unit))
    if not figures:
        raise BadData(f"{label}: no job moved any data; run fio again")
    return Source(
        label,
        "fio's JSON",
        figures,
        _CHOSEN,
        compatibility.combine_facts(map(_facts, documents.values())),
        tuple(documents),
    )


def _facts(document: dict) -> dict[str, str]:
    facts = {
        "fio version": document["fio version"],
        "global options": document.get("global options", {}),
    }
    for case, job in _named(document["jobs"]):
        facts[case] = job.get("job options", {})
    return compatibility.flattened(facts)


def _named(jobs: list[dict]) -> list[tuple[str, dict]]:
    """Jobs by name; without group_reporting clones have one name, and are told apart by
    a number.
    """
    count: dict[str, int] = {}
    named = []
    for job in jobs:
        name = str(job.get("jobname", "job"))
        count[name] = count.get(name, 0) + 1
        named.append((name if count[name] == 1 else f"{name}#{count[name]}", job))
    return named


def _values(document: dict, path: Path) -> dict[tuple[str, str], float]:
    jobs = document["jobs"]
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise BadData(f"{path}: jobs is no list of jobs; run fio again with --output-format=json")
    found: dict[tuple[str, str], float] = {}
    for name, job in _named(jobs):
        if job.get("error"):
            raise BadData(
                f"{path}: job {name:.60} ended with error {job['error']!s:.20}; run fio again"
            )
        for direction in _DIRECTIONS:
            half = job.get(direction, {})
            if not isinstance(half, dict):
                raise BadData(f"{path}: job {name:.60}: {direction} is no object; run fio again")
            case, moved = f"{name}/{direction}", half.get("io_bytes", 0)
            if moved == 0:
                continue
            latency = half.get("clat_ns", {})
            figures = {
                "iops": half.get("iops"),
                "bandwidth": half.get("bw_bytes"),
                "io_bytes": moved,
            }
            if (
                isinstance(latency, dict) and latency.get("N") != 0 and "mean" in latency
            ):  # gtod_reduce=1 measures none
                figures["clat_mean"] = latency["mean"]
            for key, value in figures.items():
                if not is_number(value):
                    raise BadData(
                        f"{path}: job {name:.60}: {direction}: {key} is no finite number; run fio 3"
                        " or later again"
                    )
            found |= {
                (case, key): float(value) for key, value in figures.items() if key in _METRICS
            }
            found[case, "bandwidth"] /= 1e6
    return found
