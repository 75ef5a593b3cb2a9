# SPDX-License-Identifier: Apache-2.0
"""Google Benchmark's JSON, of any program and of library 1.4 and later: a document is one launch.

Which fields there are, by the library's src/json_reporter.cc: run_name, run_type, repetition_index
and host_name from 1.5 on; family_index and aggregate_unit from 1.6; skipped from 1.8. Before 1.5
aggregates are told by their names.
"""

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from analysis.compare import benchmark_entries, compatibility
from analysis.compare.benchmark_entries import Benchmark
from analysis.compare.foreign_launches import Launch, Program, as_source
from analysis.compare.source import Source
from analysis.data.bad_data import BadData
from analysis.data.foreign_json import Documents
from analysis.data.json_files import JsonObject, is_number
from analysis.stats.sample import Metric

_NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
# Counters of one's own have no known direction, and are left out.
_METRICS = {
    "real_time": ("ns", "lower", "wall"),
    "cpu_time": ("ns", "lower", "cpu"),
    "bytes_per_second": ("MB/s", "higher", "cpu"),
    "items_per_second": ("items/s", "higher", "cpu"),
}
_BY_WALL_CLOCK = re.compile(r"/(?:real|manual)_time\b")
# Of the context: when and under which load it ran, and what, which is the factor.
_NOT_SETTINGS = ("date", "load_avg", "mhz_per_cpu", "executable")
# What the library has always written; other tools have the two outer keys, too.
_CONTEXT = ("num_cpus", "mhz_per_cpu", "library_build_type")


def is_output(document: object) -> bool:
    """Whether a JSON document has this program's form."""
    return isinstance(document, dict) and "benchmarks" in document and "context" in document


def source(files: dict[Path, Documents], label: str) -> Source:
    """All documents of these files, each a launch. BadData where one of them is another tool's."""
    launches = []
    for path, documents in files.items():
        for number, document in enumerate(documents.values, 1):
            where = str(path) if len(documents.values) == 1 else f"{path}, document {number}"
            launches.append(_launch(document, where))
    found = as_source(
        launches,
        Program("Google Benchmark's JSON", _metric, (("real_time",),)),
        label,
        tuple(files),
        [note for documents in files.values() for note in documents.notes],
    )
    if not found.figures:
        why = "; ".join(f"{case}: {reason}" for case, reason in found.without_figure.items())
        raise BadData(
            f"{label}: not one benchmark with a time"
            + (f" ({why:.200})" if why else "")
            + "; run the program again"
        )
    return found


def _metric(case: str, name: str) -> Metric:
    """A metric; rates are by CPU time unless the benchmark asked for another clock, which its name
    says then.
    """
    unit, better, clock = _METRICS[name]
    if name.endswith("_per_second") and _BY_WALL_CLOCK.search(case):
        clock = "wall"
    return Metric(name, unit, better, clock)


def _launch(document: JsonObject, where: str) -> Launch:
    context, entries = document["context"], document["benchmarks"]
    if not isinstance(context, dict) or not context.keys() & set(_CONTEXT):
        raise BadData(
            f"{where}: not Google Benchmark's, though like it: its context has none of"
            f" {', '.join(_CONTEXT)}; give files of Google Benchmark or fio"
        )
    if not isinstance(entries, list):
        raise BadData(f"{where}: benchmarks is no list; run the program again")
    settings = {name: value for name, value in context.items() if name not in _NOT_SETTINGS}
    launch = Launch(
        where,
        settings={"": compatibility.flattened(_with_numbered_items(settings))},
        time=_seconds(context.get("date")),
    )
    for case, benchmark in benchmark_entries.benchmarks(entries, where).items():
        _add(launch, case, benchmark)
    return launch


def _add(launch: Launch, case: str, benchmark: Benchmark) -> None:
    if benchmark.failures:
        launch.failures[case] = benchmark.failures
    if benchmark.is_aggregate:
        launch.note("aggregates only: the median of the repetitions is compared", case)
    for entry in benchmark.repetitions:
        for name in _METRICS:
            if name not in entry:
                continue
            value: Any = entry[name]
            if is_number(value):
                figure = value * _factor(name, entry["time_unit"])
                launch.figures.setdefault((case, name), []).append(figure)
            else:
                launch.note(f"{name} is {_shown(value)}, and was left out", case)


def _factor(name: str, time_unit: str) -> float:
    """Factor from a number in the file to the unit of _METRICS."""
    if name.endswith("_time"):
        return _NANOSECONDS[time_unit]
    return 1e-6 if name == "bytes_per_second" else 1.0


def _shown(value: Any) -> str:
    return "infinite" if value in (float("inf"), float("-inf")) else "no number of 64 bits"


def _with_numbered_items(value: Any) -> Any:
    """Lists, such as that of caches, as objects: so a difference names the item."""
    if isinstance(value, list):
        return {str(number): _with_numbered_items(item) for number, item in enumerate(value)}
    if isinstance(value, dict):
        return {name: _with_numbered_items(item) for name, item in value.items()}
    return value


def _seconds(date: Any) -> float | None:
    """A launch's date since 1970; None where it has none that can be read. Before 1.5 it has no
    zone: then all are read in one, so that their order is right.
    """
    try:
        read = datetime.fromisoformat(date)
    except (TypeError, ValueError):
        return None
    return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()
