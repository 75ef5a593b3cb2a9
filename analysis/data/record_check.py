# SPDX-License-Identifier: Apache-2.0
"""Checks of one line of micro.jsonl: BadData says which field is wrong."""

from array import array
from typing import Any

from analysis.data.bad_data import BadData
from analysis.data.json_files import LARGEST, JsonObject, is_number

# What a field may be: types, or the words there are.
Allowed = tuple[type, ...] | frozenset[str]

# Fields that every record has.
_FIELDS: dict[str, Allowed] = {
    "case": (str,),
    "variant": (str,),
    "boot": (int,),
    "launch": (int,),
    "clock": frozenset({"icount", "tsc", "wall"}),
    "unit": frozenset({"instructions", "ticks", "ns"}),
    "better": frozenset({"lower", "higher"}),
    "status": frozenset({"ok", "skipped", "flagged", "crashed"}),
    "ops": (int,),
    "cost": (int, float, type(None)),
    "empty": (int, float, type(None)),
    "exact": (bool,),
    "oracle": frozenset({"held", "failed", "none"}),
}

# Fields that some records have.
_OPTIONAL_FIELDS: dict[str, Allowed] = {
    "assumed_write_cycles": (int, float),
    "cost_shifted": (int, float, type(None)),
    "cost_core_cycles": (int, float, type(None)),
    "chain": (int, float, type(None)),
    "counters": (dict,),
    "histogram": (dict,),
    "irqs": (str,),
    "known": (int,),
    "known_adds": (int,),
    "overhead": (dict,),
    "pages": (int,),
    "reason": (str,),
    "rejected": (dict,),
    "samples": (list,),
    "shifted_samples": (list,),
    "stand_in": (bool,),
}


def check_record(raw: JsonObject, where: str) -> None:
    """Checks all fields but the samples. where: file and line, for the message."""
    for name, allowed in _FIELDS.items():
        if name not in raw:
            raise _wrong(raw, where, f"field {name} is missing")
        _check_field(raw, name, allowed, where)
    for name in _OPTIONAL_FIELDS.keys() & raw.keys():
        _check_field(raw, name, _OPTIONAL_FIELDS[name], where)
    if not all(
        type(count) is int and 0 <= count < LARGEST for count in raw.get("rejected", {}).values()
    ):
        raise _wrong(raw, where, "field rejected is wrong")
    if not all(figure is None or is_number(figure) for figure in raw.get("overhead", {}).values()):
        raise _wrong(raw, where, "field overhead is wrong")
    for name, counter in raw.get("counters", {}).items():
        if not _is_counter(counter):
            raise _wrong(raw, where, f"counter {name:.40} is wrong")
    if "histogram" in raw:
        _check_histogram(raw, where)


def _is_counter(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if "unavailable" in value:
        return True
    numbers = [value.get(name) for name in ("value", "enabled", "running")]
    return all(map(is_number, numbers)) and value["running"] > 0


def _check_field(raw: JsonObject, name: str, allowed: Allowed, where: str) -> None:
    value = raw[name]
    if isinstance(allowed, frozenset):
        if not isinstance(value, str) or value not in allowed:
            raise _wrong(raw, where, f"field {name} is wrong: {value!s:.40}")
    elif type(value) not in allowed:  # and no bool for an int
        raise _wrong(raw, where, f"field {name} is wrong")
    elif type(value) in (int, float) and not is_number(value):
        raise _wrong(raw, where, f"field {name} is no finite number of 64 bits")


def _wrong(raw: JsonObject, where: str, what: str) -> BadData:
    return BadData(
        f"{where}: case {raw.get('case', '?')!s:.60}: {what}; take the line out, or measure again"
    )


def _check_histogram(raw: JsonObject, where: str) -> None:
    for window in raw["histogram"].values():
        if not isinstance(window, dict) or not all(
            is_number(window.get(key)) for key in ("count", "sum", "min", "max")
        ):
            raise _wrong(raw, where, "field histogram is wrong")
        buckets = window.get("buckets")
        if not isinstance(buckets, list) or not all(
            isinstance(bucket, list) and len(bucket) == 3 and all(map(is_number, bucket))
            for bucket in buckets
        ):
            raise _wrong(raw, where, "field histogram is wrong")
        if raw["exact"] and window["min"] != window["max"]:
            raise _wrong(raw, where, "exact, and its histogram has more than one value")


def sample_times(values: list[Any], name: str, raw: JsonObject, where: str) -> "array[float]":
    """Pairs of times as one numeric array."""
    if len(values) % 2 or not set(map(type, values)) <= {int, float}:
        raise _wrong(raw, where, f"{name} are not pairs of numbers")
    if values and not (0 <= min(values) and max(values) < LARGEST):
        raise _wrong(raw, where, f"{name} are no times of 64 bits")
    if raw["exact"] and values != values[:2] * (len(values) // 2):
        raise _wrong(raw, where, f"exact, and its {name} differ")
    return array("d", values)
