# SPDX-License-Identifier: Apache-2.0
"""A history as JSON, for programs: each change has its word under the key "verdict"."""

import json

from analysis.history.case_history import CaseHistory, Change, History
from analysis.report.comparison.as_json import finite

FORMAT = 1


def export(history: History) -> str:
    value = {
        "format": FORMAT,
        "campaigns": [{"name": one.name, "begun": one.begun} for one in history.campaigns],
        "not_read": list(history.broken.values()),
        "rows": [_row(row) for row in history.rows],
    }
    return json.dumps(finite(value), indent=2, allow_nan=False) + "\n"


def _row(row: CaseHistory) -> dict:
    return {
        "variant": row.variant,
        "case": row.case,
        "metric": row.metric.name,
        "unit": row.metric.unit,
        "better": row.metric.better,
        "clock": row.metric.clock,
        "machine": row.machine,
        "exact": row.exact,
        "campaigns": [one.name for one in row.campaigns],
        "values": row.values.tolist(),
        "changes": [_change(change) for change in row.changes],
        "level": row.level,
        "since": row.since,
        "margin": row.margin,
        "smallest_marked": row.smallest,
        "not_judged": row.reason or None,
    }


def _change(change: Change) -> dict:
    return {
        "verdict": str(change.verdict),
        "before": change.before.name,
        "after": change.after.name,
        "difference": change.difference,
        "ratio": change.ratio,
        "interval_90": None if change.interval is None else vars(change.interval),
        "differing": {name: list(values) for name, values in change.differing.items()},
    }
