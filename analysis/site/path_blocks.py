# SPDX-License-Identifier: Apache-2.0
"""The path of a case by function, as the page of the case shows it: a column for each variant."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from analysis.data.bad_data import printable
from analysis.data.load import Campaign, CountedPath
from analysis.report.charts.style import PART_COLOURS
from analysis.report.comparison.format import format_value
from analysis.summary import cost_parts

Context = dict[str, Any]
_BODY = "kb_body_"


def build_block(campaign: Campaign, case: str, variants: Sequence[str]) -> Context:
    """variants: those of the campaign that counted the case."""
    paths = [_first(campaign, case, variant) for variant in variants]
    counts = [cost_parts.by_chain(path) for path in paths]
    chains = dict.fromkeys(chain for one in counts for chain in one)
    rows = [
        {
            "chain": " > ".join(map(printable, chain)),
            "cells": [_words(one.get(chain)) for one in counts],
        }
        for chain in chains
    ]
    totals = [
        (sum(count for count, _ in one.values()), sum(writes for _, writes in one.values()))
        for one in counts
    ]
    parts = [cost_parts.per_operation(path) for path in paths]
    return {
        "variants": list(variants),
        "rows": rows,
        "totals": [_words((Fraction(count), Fraction(writes))) for count, writes in totals],
        "has_writes": any(writes for _, writes in totals),
        "bars": _bars(variants, parts),
        "key": [
            {"title": cost_parts.TITLES[part], "colour": colour}
            for part, colour in PART_COLOURS.items()
            if any(one[part] for one in parts)
        ],
    }


def body_of(campaign: Campaign, case: str, variants: Sequence[str]) -> str:
    """The function of the module in which a case's loop is; empty: it has none."""
    chains = (function["chain"] for function in _first(campaign, case, variants[0]).functions)
    names = (str(name) for chain in chains for name in chain[:1])
    return next((name for name in names if name.startswith(_BODY)), "")


def _first(campaign: Campaign, case: str, variant: str) -> CountedPath:
    """Of the first boot."""
    return next(path for path in campaign.paths if (path.case, path.variant) == (case, variant))


def _words(counts: tuple[Fraction, Fraction] | None) -> str:
    if counts is None:
        return "-"
    count, writes = counts
    said = format_value(float(count))
    return f"{said} ({format_value(float(writes))})" if writes else said


def _bars(variants: Sequence[str], parts: Sequence[dict[str, Fraction]]) -> list[Context]:
    """On one scale of 100; none where a part is below 0, or nothing was counted."""
    longest = max(sum(one.values()) for one in parts)
    if longest <= 0 or any(count < 0 for one in parts for count in one.values()):
        return []
    bars = []
    for variant, one in zip(variants, parts):
        drawn, begin = [], 0.0
        for part, colour in PART_COLOURS.items():
            width = float(100 * one[part] / longest)
            if width:
                drawn.append({"x": f"{begin:.3f}", "width": f"{width:.3f}", "colour": colour})
            begin += width
        bars.append({"variant": variant, "parts": drawn})
    return bars
