# SPDX-License-Identifier: Apache-2.0
"""Records with histograms in place of their samples, for a campaign that is too large to be handed
on with all of them.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from analysis.data.json_files import JsonObject, read_lines

# What is left out, as pack.json has it.
WHAT = "samples"

# Leading bits of a value that choose its bucket, as in bench/record/histogram.cc.
_KEPT_BITS = 8
# Of a record's samples, two times in turn each: the windows of its histogram.
_WINDOWS = {
    "samples": ("case_n", "case_2n"),
    "empty_samples": ("empty_n", "empty_2n"),
    "shifted_samples": ("shifted_n", "shifted_2n"),
}


def histogram(values: Sequence[int]) -> JsonObject:
    """How often which values are there, as kmap_bench writes it: buckets of first, last and
    count.
    """
    buckets = Counter(map(_bucket, values))
    return {
        "count": len(values),
        "sum": sum(values),
        "min": min(values),
        "max": max(values),
        "buckets": [[first, last, count] for (first, last), count in sorted(buckets.items())],
    }


def _bucket(value: int) -> tuple[int, int]:
    rest = (1 << max(value.bit_length() - _KEPT_BITS, 0)) - 1
    return value & ~rest, value | rest


def of_record(record: JsonObject) -> JsonObject:
    """A record without samples. As it is where all are the same, where they are no times of loops,
    and where it has none, or histograms already.
    """
    if record["exact"] or record["clock"] != "tsc" or not record.get("samples"):
        return record
    changed = {name: value for name, value in record.items() if name not in _WINDOWS}
    changed["histogram"] = {
        window: histogram(record[name][turn::2])
        for name, windows in _WINDOWS.items()
        for turn, window in enumerate(windows)
        if record.get(name)
    }
    if "counted_windows" in record:
        changed["counted_windows"] = {
            event: {name: value for name, value in counted.items() if name not in _WINDOWS}
            for event, counted in record["counted_windows"].items()
        }
    return changed


def rewrite(file: Path) -> int:
    """Takes the samples out of a micro.jsonl; how many bytes less it has."""
    before = file.stat().st_size
    records = [of_record(record) for _, record in read_lines(file, [])]
    lines = [json.dumps(record, separators=(",", ":")) for record in records]
    file.write_text("".join(f"{line}\n" for line in lines))
    return before - file.stat().st_size
