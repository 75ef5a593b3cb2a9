# SPDX-License-Identifier: Apache-2.0
"""What the patch adds to an operation: its cost against the unpatched path with the same touch."""

from collections.abc import Collection, Sequence

from analysis.summary.cases import Row

_UNPATCHED = "kernel/kmap_local/dram"
_COMPARABLE = ("model/", "kernel/kmap_local/")


class Baseline:
    """The unpatched path's figures of one metric, a field of Row, by case; of the first variant
    that has each.
    """

    def __init__(self, rows: Sequence[Row], metric: str, patched: Collection[str] = ()):
        """patched: variants whose own path is the patched one, and no baseline."""
        self._metric = metric
        self._patched = patched
        unpatched = [
            row for row in rows if row.variant not in patched and row.case.startswith(_UNPATCHED)
        ]
        self._figures = {row.case: getattr(row, metric) for row in reversed(unpatched)}

    def added(self, row: Row) -> float | None:
        """What the row takes more than the unpatched path, in units; None where there is nothing to
        hold it against.
        """
        own = row.variant not in self._patched and row.case.startswith("kernel/")
        figure = getattr(row, self._metric)
        if own or figure is None or not row.case.startswith(_COMPARABLE):
            return None
        baseline = self._figures.get(
            f"{_UNPATCHED}/{row.case.split('/')[-1]}", self._figures.get(_UNPATCHED)
        )
        return None if baseline is None else figure - baseline
