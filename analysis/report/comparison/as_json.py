# SPDX-License-Identifier: Apache-2.0
"""JSON, for programs: each row has its verdict under the key "verdict"."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from analysis.compare.engine import SourcePair
from analysis.report.comparison import format
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import Verdict

FORMAT = 1
_ORDER = [
    Verdict.SLOWER,
    Verdict.SLOWER_OPEN,
    Verdict.UNRESOLVED,
    Verdict.EXPLORATORY,
    Verdict.FASTER,
    Verdict.FASTER_OPEN,
    Verdict.WITHIN,
    Verdict.SAME,
]


def export(groups: Sequence[SourcePair], notes: Sequence[str]) -> str:
    value = {
        "format": FORMAT,
        "verdict": _worst([row for group in groups for row in group.rows + group.left_out]),
        "notes": list(notes),
        "groups": [
            {
                "old": group.old.label,
                "new": group.new.label,
                "verdict": _worst(group.rows + group.left_out),
                "identical": group.identical,
                "allowed": {name: list(values) for name, values in group.allowed.items()},
                "notes": group.notes,
                "rows": [_row(row) for row in group.rows],
                "aa": [_row(row) for row in group.aa],
            }
            for group in groups
        ],
    }
    return json.dumps(finite(value), indent=2, allow_nan=False) + "\n"


def _worst(rows: Sequence[Comparison]) -> Verdict:
    """One for all: the first that any row has, in the order of what a reader has to look at."""
    return min((row.verdict for row in rows), key=_ORDER.index)


def _row(row: Comparison) -> dict:
    skipped = ("pair",)
    fields = {name: value for name, value in asdict(row).items() if name not in skipped}
    return {
        "case": row.case,
        "metric": row.metric.name,
        "unit": row.metric.unit,
        "better": row.metric.better,
        "clock": row.metric.clock,
        "exact": row.exact,
        "n_old": row.n_old,
        "n_new": row.n_new,
        "unit_of_randomness": str(row.pair.new.unit),
        "change": format.format_change(row),
        **fields,
        "bootstrap_95": None,  # a key of format 1; no verdict rests on it
    }


def finite(value):
    """The value as JSON can have it, which has no infinity: an interval without an end ends at
    null.
    """
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
