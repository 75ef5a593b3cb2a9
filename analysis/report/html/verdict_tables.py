# SPDX-License-Identifier: Apache-2.0
"""The variants of a campaign against its baseline, as tables of the page: one a metric, and so one
clock, each.
"""

from analysis.compare.within_campaign import Verdicts
from analysis.report.comparison import format
from analysis.report.table import Table, Value
from analysis.stats.comparison import Comparison

_INTERVAL = ("95 % from", "to")


def of(verdicts: Verdicts) -> list[Table]:
    return [sheet(verdicts, family) for family in verdicts.families()]


def sheet(verdicts: Verdicts, family: list[Comparison]) -> Table:
    """Verdicts of what was judged together, with its A/A rows last."""
    name = family[0].metric.name
    rows = [*family, *verdicts.aa(family)]
    timed = any(row.ratio_95 for row in rows)
    said = [
        f"New/old, {format.metric(family[0])}.",
        format.test(verdicts.groups),
        format.against_itself(verdicts.groups),
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
    change = format.change(row) if row.exact else row.difference
    bounds = ((interval.low, interval.high) if interval else (None, None)) if timed else ()
    return (
        row.case,
        row.pair.new.label,
        str(row.verdict),
        row.old,
        row.new,
        change,
        row.ratio,
        *bounds,
        row.n_old,
        row.n_new,
        row.reason,
    )
