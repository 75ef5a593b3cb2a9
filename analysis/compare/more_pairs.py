# SPDX-License-Identifier: Apache-2.0
"""What to do about comparisons that are unresolved."""

import shlex
from collections.abc import Sequence

from analysis.compare.source import Source
from analysis.stats.comparison import Comparison
from analysis.stats.verdict import ALPHA


def advice(source: Source, rows: Sequence[Comparison]) -> list[str]:
    """What more pairs would take where something is unresolved, and whether this campaign has any
    of its level left for them. source: the old side.
    """
    needed = [row.boots_to_resolve for row in rows if row.boots_to_resolve is not None]
    if not needed or source.campaign is None:
        return []
    said = f"about {max(needed)} pairs would resolve all that can be"
    if source.looks_left is None:
        return [
            f"{said}: this campaign has spent its {ALPHA:.2f} in one look, and more pairs in it"
            " would need more; begin a new one with run --until-resolved"
        ]
    if not source.looks_left:
        return [f"{said}: the {ALPHA:.2f} of this campaign is used up; it takes a new one"]
    look = next((one for one in source.looks_left if one >= max(needed)), source.looks_left[-1])
    more = "" if look >= max(needed) else ", which is its last and may be too few"
    return [
        f"{said}: run --resume {shlex.quote(str(source.campaign))} goes on out of the same"
        f" {ALPHA:.2f}, to the look at {look} pairs{more}"
    ]
