# SPDX-License-Identifier: Apache-2.0
"""Checks of one line of micro.jsonl: BadData says which field is wrong."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.data.bad_data import BadData
from analysis.data.json_files import LARGEST, JsonObject, is_number

# Fields that every record has, with their types; and words that some of them are.
_FIELDS: dict[str, tuple[type, ...]] = {
    "case": (str,),
    "variant": (str,),
    "boot": (int,),
    "launch": (int,),
    "clock": (str,),
    "unit": (str,),
    "better": (str,),
    "status": (str,),
    "ops": (int,),
    "cost": (int, float, type(None)),
    "empty": (int, float, type(None)),
    "exact": (bool,),
    "oracle": (str,),
}
_WORDS: dict[str, frozenset[str]] = {
    "clock": frozenset({"icount", "tsc", "wall"}),
    "unit": frozenset({"instructions", "ticks", "ns"}),
    "better": frozenset({"lower", "higher"}),
    "status": frozenset({"ok", "skipped", "flagged", "crashed"}),
    "oracle": frozenset({"held", "failed", "none"}),
}

# Fields that some records have.
_OPTIONAL_FIELDS: dict[str, tuple[type, ...]] = {
    "assumed_write_cycles": (int, float),
    "cost_shifted": (int, float, type(None)),
    "cost_core_cycles": (int, float, type(None)),
    "chain": (int, float, type(None)),
    "counted_windows": (dict,),
    "counters": (dict,),
    "histogram": (dict,),
    "irqs": (str,),
    "known": (int,),
    "known_adds": (int,),
    "overhead": (dict,),
    "pages": (int,),
    "percentiles": (dict,),
    "pkrs_writes": (int, float),
    "reason": (str,),
    "rejected": (dict,),
    "samples": (list, np.ndarray),
    "shifted_samples": (list, np.ndarray),
    "stand_in": (bool,),
}


# Times of n and of 2n operations in turn.
SAMPLES = ("samples", "shifted_samples")

# What a histogram has of a record's times.
_WINDOWS = frozenset({"case_n", "case_2n", "empty_n", "empty_2n"})

# Relative error of a cost that is computed anew from its samples, by arithmetic alone.
ARITHMETIC = 1e-6

# Names and types of records that are right, as most of a campaign are the same: which of their
# fields are numbers. Anybody may write others, so no more than so many are kept.
_forms: dict[tuple[Any, ...], tuple[str, ...]] = {}
_MOST_FORMS = 64


def check_record(raw: JsonObject, where: str) -> None:
    """Checks a record, and makes its samples arrays of numbers. where: file and line, for the
    message.
    """
    form = (*raw, *map(type, raw.values()))
    numbers = _forms.get(form)
    if numbers is None:
        numbers = _check_form(raw, where)
        if len(_forms) < _MOST_FORMS:
            _forms[form] = numbers
    _check_values(raw, numbers, where)
    _check_numbers(raw, where)
    for field, is_right, words in (
        ("counters", _is_counter, "counter {} is wrong"),
        ("counted_windows", _are_counted_windows, "counted_windows of {} are wrong"),
    ):
        for name, value in raw.get(field, {}).items():
            if not is_right(value):
                raise _wrong(raw, where, words.format(name[:40]))
    if "histogram" in raw:
        _check_histogram(raw, where)
    for name in SAMPLES:
        if name in raw:
            raw[name] = _sample_times(raw[name], name, raw, where)
    if raw["status"] == "ok":
        _check_cost(raw, where)


def _check_values(raw: JsonObject, numbers: tuple[str, ...], where: str) -> None:
    for name in numbers:
        if not is_number(raw[name]):
            raise _wrong(raw, where, f"field {name} is no finite number of 64 bits")
    for name, words in _WORDS.items():
        if raw[name] not in words:
            raise _wrong(raw, where, f"field {name} is wrong: {raw[name]!s:.40}")


def _check_numbers(raw: JsonObject, where: str) -> None:
    if not all(
        type(count) is int and 0 <= count < LARGEST for count in raw.get("rejected", {}).values()
    ):
        raise _wrong(raw, where, "field rejected is wrong")
    for name in ("overhead", "percentiles"):
        if not all(one is None or is_number(one) for one in raw.get(name, {}).values()):
            raise _wrong(raw, where, f"field {name} is wrong")


def _check_cost(raw: JsonObject, where: str) -> None:
    """Whether an operation was measured, and an exact cost is what each of its samples says."""
    if raw["ops"] < 1:
        raise _wrong(raw, where, f"field ops is wrong: {raw['ops']}")
    if raw.get("pkrs_writes", 0) < 0:
        raise _wrong(raw, where, f"field pkrs_writes is wrong: {raw['pkrs_writes']}")
    cost, empty, samples = raw["cost"], raw["empty"], raw.get("samples", ())
    if raw["exact"] and len(samples) and cost is not None and empty is not None:
        said = (samples[1] - samples[0]) / raw["ops"] - empty
        if abs(said - cost) > ARITHMETIC * max(1.0, abs(said)):
            raise _wrong(raw, where, f"exact, and its samples say {said:g}, not {cost:g}")


def _is_counter(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if "unavailable" in value:
        return True
    numbers = [value.get(name) for name in ("value", "enabled", "running")]
    return all(map(is_number, numbers)) and value["running"] > 0


def _are_counted_windows(value: Any) -> bool:
    """Whether a cost is what its samples say, where there is one."""
    if not isinstance(value, dict):
        return False
    if "unavailable" in value:
        return "cost" not in value
    if "samples" not in value:  # of a packed campaign that had too many
        return is_number(value.get("cost"))
    pairs = [value.get(name) or [] for name in ("samples", "empty_samples")]
    if not all(isinstance(one, list) and all(map(is_number, one)) for one in pairs):
        return False
    cost, ops, problem = value.get("cost"), value.get("ops"), value.get("problem", "")
    if not (is_number(cost) and is_number(ops) and isinstance(problem, str)):
        return False
    if ops < 1 or not pairs[0] or len(pairs[0]) % 2 or len(pairs[0]) != len(pairs[1]):
        return False
    counts = np.array(pairs, dtype=np.float64).reshape(2, -1, 2)
    of_case, of_empty = (counts[:, :, 1] - counts[:, :, 0]) / ops
    return abs(float(np.median(of_case - of_empty)) - cost) <= ARITHMETIC * max(1.0, abs(cost))


def _check_form(raw: JsonObject, where: str) -> tuple[str, ...]:
    """Checks which fields there are, and their types; those that are numbers."""
    for name in _FIELDS:
        if name not in raw:
            raise _wrong(raw, where, f"field {name} is missing")
    numbers = []
    for name, allowed in (_FIELDS | _OPTIONAL_FIELDS).items():
        if name not in raw:
            continue
        kind = type(raw[name])
        if kind not in allowed:  # and no bool for an int
            more = f": {raw[name]!s:.40}" if name in _WORDS else ""
            raise _wrong(raw, where, f"field {name} is wrong{more}")
        if kind in (int, float):
            numbers.append(name)
    return tuple(numbers)


def _wrong(raw: JsonObject, where: str, what: str) -> BadData:
    return BadData(
        f"{where}: case {raw.get('case', '?')!s:.60}: {what}; take the line out, or measure again"
    )


def _check_histogram(raw: JsonObject, where: str) -> None:
    if not _WINDOWS <= set(raw["histogram"]):
        raise _wrong(raw, where, "field histogram is wrong")
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


def _sample_times(
    values: list[Any] | NDArray[np.int64], name: str, raw: JsonObject, where: str
) -> NDArray[np.float64]:
    """Pairs of times as one numeric array. values: as read_lines gives them."""
    if len(values) % 2:
        raise _wrong(raw, where, f"{name} are not pairs of numbers")
    if isinstance(values, list):
        if not set(map(type, values)) <= {int, float}:
            raise _wrong(raw, where, f"{name} are not pairs of numbers")
        if values and not (0 <= min(values) and max(values) < LARGEST):
            raise _wrong(raw, where, f"{name} are no times of 64 bits")
    times = np.array(values, dtype=np.float64)
    if raw["exact"] and len(times) and (times.reshape(-1, 2) != times[:2]).any():
        raise _wrong(raw, where, f"exact, and its {name} differ")
    return times
