# SPDX-License-Identifier: Apache-2.0
"""The list `benchmarks` of Google Benchmark's JSON, sorted by benchmark: repetitions, failures and
aggregates of each.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.data.bad_data import BadData
from analysis.data.grouping import group_by, numbered
from analysis.data.json_files import JsonObject, is_number

_TIME_UNITS = ("ns", "us", "ms", "s")
# Aggregates that every library makes of two repetitions and more.
_AGGREGATES = ("mean", "median", "stddev")


@dataclass
class Benchmark:
    """One benchmark of a launch."""

    repetitions: list[JsonObject] = field(default_factory=list)  # entries with a time
    failures: list[str] = field(default_factory=list)  # of each repetition without one: why
    is_aggregate: bool = False  # the one repetition is the median that the library made


@dataclass
class _Group:
    """Entries of one name that are of one benchmark."""

    index: Hashable  # family and instance
    label: str
    seen: set[Hashable] = field(default_factory=set)  # repetitions or aggregates
    entries: list[JsonObject] = field(default_factory=list)
    last: int = -1  # place of the last entry


def benchmarks(entries: Sequence[Any], where: str) -> dict[str, Benchmark]:
    """Benchmarks by name, in the order of the file. Of those that share a name each has one of its
    own, by its label or a number. BadData names the entry that is of no such form.
    """
    for number, entry in enumerate(entries):
        _check(entry, f"{where}: benchmarks[{number}]")
    kinds = _kinds(entries)
    named: dict[str, list[_Group]] = {}
    aggregates: dict[str, list[_Group]] = {}
    for place, (entry, (kind, name)) in enumerate(zip(entries, kinds)):
        if kind == "iteration":
            _put(named.setdefault(name, []), entry, entry.get("repetition_index"), place)
        elif kind:
            _put(aggregates.setdefault(name, []), entry, kind, place)
    found: dict[str, Benchmark] = {}
    names = dict.fromkeys(name for kind, name in kinds if kind)
    for name in names:
        is_aggregate = name not in named
        groups = aggregates[name] if is_aggregate else named[name]
        for case, group in zip(_names(name, groups, names), groups):
            found[case] = _of_aggregates(group) if is_aggregate else _of_repetitions(group)
    return found


def _check(entry: Any, where: str) -> None:
    """BadData where an entry is not what the library writes; whether its figures are numbers is
    looked at later.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise BadData(f"{where} has no name; run the program again")
    if not isinstance(entry.get("run_name", ""), str) or not isinstance(
        entry.get("repetition_index", 0), int
    ):
        raise BadData(
            f"{where} ({entry['name']:.60}): run_name or repetition_index is wrong; run the program"
            " again"
        )
    if _is_fit(entry) or entry.get("error_occurred") or entry.get("skipped"):
        return
    if entry.get("time_unit") not in _TIME_UNITS or "real_time" not in entry:
        raise BadData(
            f"{where} ({entry['name']:.60}) has no real_time with a time_unit: not Google"
            " Benchmark's, or broken; run the program again"
        )
    for name in ("real_time", "cpu_time"):
        if not isinstance(entry.get(name, 0), int | float) or isinstance(entry.get(name), bool):
            raise BadData(
                f"{where} ({entry['name']:.60}): {name} is no number; run the program again"
            )


def _is_fit(entry: JsonObject) -> bool:
    """Whether an entry is of a fitted complexity: no time of anything."""
    return "big_o" in entry or "rms" in entry or entry.get("aggregate_name") in ("BigO", "RMS")


def _kinds(entries: Sequence[JsonObject]) -> list[tuple[str, str]]:
    """Of each entry 'iteration', the aggregate that it is, or '' (left out); and the name of its
    benchmark.
    """
    counted = Counter(entry["name"] for entry in entries if "run_type" not in entry)
    bases = _bases_of_aggregates(entries)
    kinds = []
    for entry in entries:
        name = entry.get("run_name", entry["name"])
        if _is_fit(entry):
            kinds.append(("", name))
        elif entry.get("run_type", "iteration") != "iteration":
            kinds.append((str(entry.get("aggregate_name", "aggregate")), name))
        elif "run_type" not in entry:
            kinds.append(_kind_by_name(name, counted, bases))
        else:
            kinds.append(("iteration", name))
    return kinds


def _kind_by_name(name: str, counted: Counter[str], bases: set[str]) -> tuple[str, str]:
    """The same before 1.5. counted: entries of each name; bases: as of _bases_of_aggregates."""
    base, _, aggregate = name.rpartition("_")
    if aggregate in _AGGREGATES and (base in bases or counted[base] > counted[name]):
        return aggregate, base
    return "iteration", name


def _bases_of_aggregates(entries: Sequence[JsonObject]) -> set[str]:
    """Names of which all aggregates stand together, as the library writes them: with the same
    iterations, which benchmarks that are only called so hardly have.
    """
    bases = set()
    for three in zip(entries, entries[1:], entries[2:]):
        base = three[0]["name"].removesuffix("_mean")
        names = [entry["name"] for entry in three]
        if (
            names == [f"{base}_{one}" for one in _AGGREGATES]
            and len({str(entry.get("iterations")) for entry in three}) == 1
        ):
            bases.add(base)
    return bases


def _put(groups: list[_Group], entry: JsonObject, part: Hashable, place: int) -> None:
    """Adds an entry to the group that it belongs to. part: which repetition or aggregate it is;
    None: before 1.5, where entries of a benchmark stand together.
    """
    index = (entry.get("family_index"), entry.get("per_family_instance_index"))
    label = str(entry.get("label", ""))
    fitting = [
        group
        for group in groups
        if group.index == index
        and (part not in group.seen if part is not None else group.last == place - 1)
    ]
    # A label may be another in each repetition: it parts entries only where nothing else tells.
    group = next((group for group in fitting if group.label == label), None)
    if group is None and part is not None:
        group = next(iter(fitting), None)
    if group is None:
        group = _Group(index, label)
        groups.append(group)
    group.seen.add(part)
    group.entries.append(entry)
    group.last = place


def _names(name: str, groups: Sequence[_Group], taken: Collection[str]) -> list[str]:
    """Names of benchmarks that share one. taken: those that the file has itself."""
    if len(groups) == 1:
        return [name]
    labels = [group.label for group in groups]
    labelled = [f"{name} [{label}]" if label else name for label in labels]
    if len(set(labels)) == len(labels) and not set(labelled) - {name} & set(taken):
        return labelled
    return numbered([name] * len(groups), taken)


def _of_repetitions(group: _Group) -> Benchmark:
    reasons = [_why_none(entry) for entry in group.entries]
    return Benchmark(
        [entry for entry, reason in zip(group.entries, reasons) if not reason],
        [reason for reason in reasons if reason],
    )


def _of_aggregates(group: _Group) -> Benchmark:
    by_name = group_by(group.entries, lambda entry: _aggregate_name(entry))
    median = by_name.get("median", [])
    if not median:
        return Benchmark(failures=["aggregates only, and no median among them"])
    benchmark = _of_repetitions(_Group(group.index, group.label, entries=median[:1]))
    benchmark.is_aggregate = bool(benchmark.repetitions)
    return benchmark


def _aggregate_name(entry: JsonObject) -> str:
    return str(entry.get("aggregate_name") or entry["name"].rpartition("_")[2])


def _why_none(entry: JsonObject) -> str:
    """Why an entry has no time; empty where it has one."""
    if entry.get("error_occurred"):
        return f"failed: {entry.get('error_message', '')}".removesuffix(": ")
    if entry.get("skipped"):
        return f"skipped: {entry.get('skip_message', '')}".removesuffix(": ")
    return "" if is_number(entry["real_time"]) else "without a finite time"
