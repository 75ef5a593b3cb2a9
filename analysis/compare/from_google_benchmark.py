# SPDX-License-Identifier: Apache-2.0
"""Google Benchmark's JSON, of any program: a file is one launch."""

from pathlib import Path
from typing import Any

import numpy as np

from analysis.compare import compatibility
from analysis.compare.source import Figures, Source
from analysis.data.bad_data import BadData
from analysis.data.json_files import is_number
from analysis.stats.sample import Metric, Sample, Unit

_CHOSEN = (("real_time",),)
_NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
# Counters of one's own have no known direction, and are left out.
_METRICS = {
    "real_time": Metric("real_time", "ns", "lower", "wall"),
    "cpu_time": Metric("cpu_time", "ns", "lower", "cpu"),
    "bytes_per_second": Metric("bytes_per_second", "MB/s", "higher", "wall"),
    "items_per_second": Metric("items_per_second", "items/s", "higher", "wall"),
}
# Of the context: when and under which load it ran, and what, which is the factor.
_NOT_FACTS = ("date", "load_avg", "mhz_per_cpu", "executable")


def is_output(document: object) -> bool:
    """Whether a JSON document has this program's form."""
    return isinstance(document, dict) and "benchmarks" in document and "context" in document


def source(documents: dict[Path, dict], label: str) -> Source:
    """Repetitions of one file, or the median of each of several files."""
    launches = [_values(document, path) for path, document in documents.items()]
    figures = {}
    for case, name in dict.fromkeys(key for launch in launches for key in launch):
        found = [launch[case, name] for launch in launches if (case, name) in launch]
        values = (
            np.array(found[0])
            if len(documents) == 1
            else np.array([np.median(repetitions) for repetitions in found])
        )
        unit = Unit.REPETITION if len(documents) == 1 else Unit.LAUNCH
        figures[case, name] = Figures(_METRICS[name], Sample(label, values, unit=unit))
    if not figures:
        raise BadData(f"{label}: not one benchmark with a time; run the program again")
    contexts = [
        compatibility.flattened(_facts(document["context"], path))
        for path, document in documents.items()
    ]
    failed = {
        str(entry.get("name")): str(entry.get("error_message", ""))
        for document in documents.values()
        for entry in document["benchmarks"]
        if entry.get("error_occurred")
    }
    return Source(
        label,
        "Google Benchmark's JSON",
        figures,
        _CHOSEN,
        compatibility.combine_facts(contexts),
        tuple(documents),
        without_figure=failed,
    )


def _facts(context, path: Path) -> dict:
    if not isinstance(context, dict):
        raise BadData(f"{path}: context is no object; run the program again")
    return {name: value for name, value in context.items() if name not in _NOT_FACTS}


def _factor(name: str, time_unit: str) -> float:
    """Factor from a number in the file to the unit of _METRICS."""
    if name.endswith("_time"):
        return _NANOSECONDS[time_unit]
    return 1e-6 if name == "bytes_per_second" else 1.0


def _values(document: dict, path: Path) -> dict[tuple[str, str], list[float]]:
    """Each metric's repetitions, by benchmark; in units of _METRICS."""
    entries = document["benchmarks"]
    if not isinstance(entries, list):
        raise BadData(f"{path}: benchmarks is no list; run the program again")
    found: dict[tuple[str, str], list[float]] = {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise BadData(f"{path}: benchmarks[{number}] has no name; run the program again")
        if entry.get("run_type", "iteration") != "iteration" or entry.get("error_occurred"):
            continue
        case = entry.get("run_name", entry["name"])
        unit = entry.get("time_unit", "ns")
        if not isinstance(case, str) or not isinstance(unit, str) or unit not in _NANOSECONDS:
            raise BadData(
                f"{path}: {entry['name']:.60}: run_name or time_unit is wrong; run the program"
                " again"
            )
        for name in _METRICS:
            if name not in entry and name != "real_time":
                continue
            value: Any = entry.get(name)
            if not is_number(value):
                raise BadData(
                    f"{path}: {entry['name']:.60}: {name} is no finite number; run the program"
                    " again"
                )
            found.setdefault((case, name), []).append(value * _factor(name, unit))
    return found
