# SPDX-License-Identifier: Apache-2.0
"""fio's JSON, of any job file and of fio 3.0 and later: every job, each direction of it that moved
data; a run is one launch.

Which fields there are, by fio's stat.c and client.c: bw_bytes from 3.2 on, sync from 3.4, N from
3.18, job_start from 3.36; global options of several clients are a list from 3.39 on.
"""

import os
import re
from pathlib import Path
from typing import Any

from analysis.compare import compatibility
from analysis.compare.foreign_launches import Launch, Program, as_source
from analysis.compare.source import Source
from analysis.data.bad_data import BadData
from analysis.data.foreign_json import Documents
from analysis.data.grouping import numbered
from analysis.data.json_files import JsonObject, is_number
from analysis.stats.sample import Metric

# mixed: with unified_rw_reporting
_DIRECTIONS = ("read", "write", "trim", "mixed")
_LATENCY = ("ns", "lower")
_METRICS = {
    "clat_mean": _LATENCY,
    "lat_mean": _LATENCY,
    "clat_p50": _LATENCY,
    "clat_p99": _LATENCY,
    "iops": ("I/Os a second", "higher"),
    "bandwidth": ("MB/s", "higher"),
}
# Of a sync there is lat_mean only. Median and tail are looked at, too.
_CHOSEN = (("clat_mean", "lat_mean"), ("clat_p50",), ("clat_p99",), ("iops",), ("bandwidth",))
_PERCENTILES = {50.0: "clat_p50", 99.0: "clat_p99"}
_VERSION = re.compile(r"fio-(\d+)\.(\d+)")
# The first with latencies in nanoseconds: 2.99 is what became 3.0.
_FIRST = (2, 99)
# Fields of a direction of which the first one that is there says whether it moved data.
_MOVED = ("io_bytes", "io_kbytes", "total_ios", "iops")
_NOT_IN_FILE = "not in the file"
# Times of a document are in whole seconds, two of them rounded.
_ROUNDED_SECONDS = 2


def is_output(document: object) -> bool:
    """Whether a JSON document has this program's form; client_stats: of fio --client."""
    return (
        isinstance(document, dict)
        and "fio version" in document
        and ("jobs" in document or "client_stats" in document)
    )


def source(files: dict[Path, Documents], label: str) -> Source:
    """The runs in these files, each a launch. BadData where none has a figure, or one is broken."""
    launches, notes = [], []
    for path, documents in files.items():
        notes += documents.notes
        for document in documents.values:
            _check(document, str(path))
        runs = _runs(documents)
        if len(runs) < len(documents.values):
            notes.append(
                f"{path}: {len(documents.values)} documents: the last was taken, as the others are"
                " states of the same run (--status-interval)"
            )
        for number, document in enumerate(runs, 1):
            launches.append(
                _launch(document, str(path) if len(runs) == 1 else f"{path}, document {number}")
            )
    found = as_source(launches, Program("fio's JSON", _metric, _CHOSEN), label, tuple(files), notes)
    if not found.figures:
        why = "; ".join(f"{case}: {reason}" for case, reason in found.without_figure.items())
        raise BadData(
            f"{label}: no job has a figure" + (f" ({why:.200})" if why else "") + "; run fio again"
        )
    return found


def _metric(_case: str, name: str) -> Metric:
    unit, better = _METRICS[name]
    return Metric(name, unit, better, "wall")


def _check(document: JsonObject, where: str) -> None:
    version, jobs = document["fio version"], _jobs(document)
    if not isinstance(version, str) or not version.startswith("fio"):
        raise BadData(
            f"{where}: not fio's, though like it: its fio version is {version!s:.20}; give files of"
            " Google Benchmark or fio"
        )
    number = _VERSION.match(version)
    if number and tuple(map(int, number.groups())) < _FIRST:
        raise BadData(
            f"{where}: written by {version:.20}, which has no latencies in nanoseconds; run fio 3.0"
            " or later"
        )
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise BadData(f"{where}: jobs is no list of jobs; run fio again with --output-format=json")


def _jobs(document: JsonObject) -> Any:
    return document["jobs"] if "jobs" in document else document["client_stats"]


def _runs(documents: Documents) -> list[JsonObject]:
    """The last document of each run: with --status-interval fio writes one again and again.

    A list was made by somebody, of runs or of states of one: of these each has moved more than the
    one before. Documents one after the other are states, unless they cannot be.
    """
    runs: list[JsonObject] = []
    for document in documents.values:
        if runs and _is_later_state(runs[-1], document, documents.in_list):
            runs[-1] = document
        else:
            runs.append(document)
    return runs


def _is_later_state(before: JsonObject, after: JsonObject, needs_more: bool) -> bool:
    """Whether two documents may be of one run. needs_more: only if the later one has moved more."""
    old, new = (dict(_named(document)) for document in (before, after))
    for name in old.keys() & new.keys():
        started = old[name].get("job_start")
        if started is not None and started != new[name].get("job_start"):
            return False
    if _settings(before) != _settings(after) or _is_begun_later(before, after):
        return False
    moved, more = ([_moved_bytes(jobs, name) for name in old] for jobs in (old, new))
    grown = all(one <= other for one, other in zip(moved, more))
    return grown and (not needs_more or moved != more)


def _is_begun_later(before: JsonObject, after: JsonObject) -> bool:
    """Whether the later document is of a run that began when the other had ended: its jobs are then
    not older by the time between the two.
    """
    between = _ended(after) - _ended(before)
    old, new = ([_elapsed(job) for job in _jobs(document)] for document in (before, after))
    if not any(old) or not any(new):
        return False
    return between >= max(new) or sum(new) - sum(old) < between - _ROUNDED_SECONDS


def _ended(document: JsonObject) -> float:
    """When a document was written, in seconds since 1970; 0 where it does not say."""
    milliseconds, seconds = document.get("timestamp_ms"), document.get("timestamp")
    if is_number(milliseconds):
        return float(milliseconds) / 1000
    return float(seconds) if is_number(seconds) else 0.0


def _elapsed(job: JsonObject) -> float:
    elapsed = job.get("elapsed")
    return float(elapsed) if is_number(elapsed) else 0.0


def _moved_bytes(jobs: dict[str, JsonObject], name: str) -> float:
    return sum(
        _moved(half)
        for direction in _DIRECTIONS
        if isinstance(half := jobs.get(name, {}).get(direction), dict)
    )


def _named(document: JsonObject) -> list[tuple[str, JsonObject]]:
    """Jobs by name, of a client with its host. Without group_reporting clones have one name, and
    are told apart by a number.
    """
    names = []
    for job in _jobs(document):
        name = str(job.get("jobname", "job"))
        if "hostname" in job and name != "All clients":
            name = f"{job['hostname']}/{name}"
        names.append(name)
    return list(zip(numbered(names, names), _jobs(document)))


def _launch(document: JsonObject, where: str) -> Launch:
    launch = Launch(where, time=_ended(document) or None, settings=_settings(document))
    for name, job in _named(document):
        _add_job(launch, name, job)
    return launch


def _settings(document: JsonObject) -> dict[str, dict[str, str]]:
    settings = {"": {"fio version": document["fio version"]}}
    common = document.get("global options", {})
    for options in common if isinstance(common, list) else [common]:
        host = options.get("hostname") if isinstance(options, dict) else None
        scope = f"global options of {host}" if host else "global options"
        settings[scope] = compatibility.flattened(options) if isinstance(options, dict) else {}
    for name, job in _named(document):
        options = job.get("job options", {})
        own = compatibility.flattened(options) if isinstance(options, dict) else {}
        settings[name] = settings.get(name, {}) | own  # a job may be called `global options`
    return settings


def _add_job(launch: Launch, name: str, job: JsonObject) -> None:
    halves = {direction: job.get(direction, {}) for direction in (*_DIRECTIONS, "sync")}
    for direction, half in halves.items():
        if not isinstance(half, dict):
            raise BadData(
                f"{launch.where}: job {name:.60}: {direction} is no object; run fio again"
            )
    moved = [direction for direction in _DIRECTIONS if _moved(halves[direction]) > 0]
    error = job.get("error")
    if error:
        why = f"ended with error {error!s:.20}{_meaning(error)}"
        for case in [f"{name}/{direction}" for direction in moved] or [name]:
            launch.failures[case] = [why]
        return
    if job.get("total_err"):
        why = f"{job['total_err']!s:.20} I/Os failed and were passed over (continue_on_error)"
        launch.note(why, name)
    for direction in moved:
        _add_direction(launch, f"{name}/{direction}", halves[direction])
    synced = halves["sync"].get("lat_ns")
    if _is_measured(synced):
        _add(launch, f"{name}/sync", "lat_mean", synced["mean"])
    elif not moved:
        launch.failures[name] = ["moved no data"]


def _meaning(error: Any) -> str:
    return f" ({os.strerror(error)})" if type(error) is int and error > 0 else ""


def _moved(half: JsonObject) -> float:
    """Bytes, or what else tells whether there were any."""
    moved = next((half[name] for name in _MOVED if name in half), 0)
    return float(moved) if is_number(moved) else 0.0


def _add_direction(launch: Launch, case: str, half: JsonObject) -> None:
    if _is_measured(half.get("clat_ns")):
        _add(launch, case, "clat_mean", half["clat_ns"]["mean"])
        for name, value in _percentiles(half["clat_ns"]).items():
            _add(launch, case, name, value)
    else:
        launch.left_out[case, "clat_mean"] = "not measured (disable_clat, gtod_reduce)"
    if _is_measured(half.get("lat_ns")):
        _add(launch, case, "lat_mean", half["lat_ns"]["mean"])
    if "bw_bytes" in half:
        _add(launch, case, "bandwidth", half["bw_bytes"], 1e-6)
    elif "bw" in half:  # KiB/s
        _add(launch, case, "bandwidth", half["bw"], 1024e-6)
    else:
        launch.left_out[case, "bandwidth"] = _NOT_IN_FILE
    if "iops" in half:
        _add(launch, case, "iops", half["iops"])
    else:
        launch.left_out[case, "iops"] = _NOT_IN_FILE


def _add(launch: Launch, case: str, name: str, value: Any, factor: float = 1.0) -> None:
    """Adds a figure. A rate of 0 is none where data was moved: fio's clock counts milliseconds."""
    if not is_number(value):
        launch.note(f"{name} is no number of 64 bits, and was left out", case)
    elif value == 0 and name in ("iops", "bandwidth"):
        launch.left_out[case, name] = "it is 0, though data was moved"
    else:
        launch.figures[case, name] = [value * factor]


def _is_measured(latency: Any) -> bool:
    """Whether there is a latency: where none was measured it is 0, too, and N tells only from 3.18
    on.
    """
    if not isinstance(latency, dict) or "mean" not in latency:
        return False
    return bool(latency["N"]) if "N" in latency else any((latency["mean"], latency.get("max")))


def _percentiles(latency: JsonObject) -> dict[str, Any]:
    """Those of _PERCENTILES that the job was asked for."""
    listed = latency.get("percentile")
    found = {}
    for key, value in listed.items() if isinstance(listed, dict) else ():
        try:
            name = _PERCENTILES.get(float(key))
        except ValueError:
            continue
        if name and value:
            found[name] = value
    return found
