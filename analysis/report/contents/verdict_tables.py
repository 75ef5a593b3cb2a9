# SPDX-License-Identifier: Apache-2.0
"""Tables of the variants of a campaign against its baseline, one per metric."""

from analysis.compare.within_campaign import Verdicts
from analysis.report.comparison import format
from analysis.report.contents.findings import Family
from analysis.report.model.table import Table, Value
from analysis.stats.comparison import Comparison

_INTERVAL = ("95 % from", "to")


def verdict_table(verdicts: Verdicts, shown: list[Comparison], family: Family) -> Table:
    """Table of some comparisons of a family, with the family's A/A rows last."""
    name = shown[0].metric.name
    rows = [*shown, *family.aa]
    timed = any(row.ratio_95 for row in rows)
    said = [
        f"New/old, {format.describe_metric(shown[0].metric)}.",
        format.describe_test(verdicts.groups),
        format.describe_aa(verdicts.groups),
    ]
    return Table(
        name=f"verdicts-{name}",
        heading=f"Variants against {verdicts.baseline}: {name.replace('_', ' ')}",
        caption=" ".join(sentence for sentence in said if sentence),
        columns=(
            "case",
            "variant",
            "verdict",
            "old",
            "new",
            "difference",
            "ratio",
            *(_INTERVAL if timed else ()),
            "old boots",
            "new boots",
            "why",
        ),
        rows=tuple(_row(row, timed) for row in rows),
    )


def _row(row: Comparison, timed: bool) -> tuple[Value, ...]:
    interval = row.ratio_95
    change: Value = format.format_change(row) if row.exact else row.difference
    bounds: tuple[Value, ...] = ()
    if timed:
        bounds = (interval.low, interval.high) if interval else (None, None)
    return (
        row.case,
        row.pair.new.label,
        format.word(row),
        row.old,
        row.new,
        change,
        row.ratio,
        *bounds,
        row.n_old,
        row.n_new,
        row.reason,
    )
