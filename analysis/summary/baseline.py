# SPDX-License-Identifier: Apache-2.0
"""What the patch adds to an operation: its cost against the unpatched path with the same touch."""

from collections.abc import Collection, Mapping, Sequence

from analysis.summary.cases import Row

_UNPATCHED = "kernel/kmap_local/dram"
_COMPARABLE = ("model/", "kernel/kmap_local/")


class Baseline:
    """The unpatched path's figures of one metric, a field of Row, by case: of a row's own baseline,
    else of the first variant that has each.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        metric: str,
        patched: Collection[str] = (),
        baselines: Mapping[str, str] | None = None,
    ):
        """patched: variants whose own path is the patched one, and no baseline; baselines: which
        variant each is held against.
        """
        self._metric = metric
        self._patched = patched
        self._baselines = baselines or {}
        unpatched = [
            row for row in rows if row.variant not in patched and row.case.startswith(_UNPATCHED)
        ]
        self._figures = {row.case: getattr(row, metric) for row in reversed(unpatched)}
        self._own = {(row.variant, row.case): getattr(row, metric) for row in unpatched}

    def added(self, row: Row) -> float | None:
        """What the row takes more than the unpatched path, in units; None where there is nothing to
        hold it against.
        """
        own = row.variant not in self._patched and row.case.startswith("kernel/")
        figure = getattr(row, self._metric)
        if own or figure is None or not row.case.startswith(_COMPARABLE):
            return None
        baseline = self._figure(row.variant, f"{_UNPATCHED}/{row.case.split('/')[-1]}")
        return None if baseline is None else figure - baseline

    def _figure(self, variant: str, touched: str) -> float | None:
        """Of the unpatched path with a touch, or without where nobody has that."""
        for case in (touched, _UNPATCHED):
            old = self._baselines.get(variant, variant)
            if (old, case) in self._own:
                return self._own[old, case]
            if case in self._figures:
                return self._figures[case]
        return None
