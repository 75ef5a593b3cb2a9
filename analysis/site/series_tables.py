# SPDX-License-Identifier: Apache-2.0
"""Walks along a series of patches (`kmapbench bisect --series`) as pages: what each patch costs."""

from pathlib import Path
from typing import Any

from analysis.data.bad_data import BadData, printable
from analysis.data.json_files import is_number, read_document
from formats import series_table

Context = dict[str, Any]


def read_walk(path: Path) -> Context:
    """A walk in words; BadData where it is none."""
    raw = read_document(path)
    if not isinstance(raw, dict) or raw.get("format") != series_table.FORMAT:
        raise BadData(f"{path}: no walk along a series of format {series_table.FORMAT}")
    try:
        return {
            "case": str(raw["case"]),
            "like": printable(str(raw["like"])),
            "source": printable(str(raw["source"])),
            "is_static": bool(raw["static"]),
            "rows": _rows(raw["patches"]),
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadData(
            f"{path}: no whole walk along a series ({type(error).__name__}: {error}); make it"
            " again with ./kmapbench bisect --series"
        ) from None


def _rows(patches: list[Context]) -> list[Context]:
    rows = []
    before: Context = {"cost": None, "functions": {}}
    for number, patch in enumerate(patches):
        cost, last = patch["cost"], before["cost"]
        if cost is not None and not is_number(cost):
            raise ValueError(f"{cost!s:.40} is no figure")
        added = None if cost is None or last is None else cost - last
        rows.append(
            {
                "number": number,
                "subject": printable(str(patch["subject"])),
                "cost": cost,
                "why": printable(str(patch["why"])),
                "added": added,
                "moved": _moved(before["functions"], patch["functions"]) if added else [],
            }
        )
        before = patch
    return rows


def _moved(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """The functions in which two kernels differ."""
    return [
        f"{printable(chain)}: {old:g} to {new:g} ({new - old:+g})"
        for chain in sorted({*before, *after})
        if (old := before.get(chain, 0)) != (new := after.get(chain, 0))
    ]
