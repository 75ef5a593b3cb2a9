# SPDX-License-Identifier: Apache-2.0
"""What a site says of one case: newest figures, paths, changes, and the data of its chart."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

from analysis.compare.source import PKRS_WRITES
from analysis.data.bad_data import printable
from analysis.data.grouping import group_by
from analysis.history.case_history import CaseHistory, Change
from analysis.history.figure_store import Known
from analysis.report.charts import style
from analysis.report.comparison import format
from analysis.report.history import history_sentences as sentences
from analysis.site.campaign_reader import CampaignReader, SiteCampaign
from analysis.site.case_texts import describe_case
from analysis.site.site_data import file_name
from analysis.stats.verdict import OPEN, Verdict

Context = dict[str, Any]


class SetupRow(NamedTuple):
    """The history of a case on kernels of one setup (campaign_content.py)."""

    setup: str
    row: CaseHistory


# Words of a change for the worse.
_WORSE = (Verdict.SLOWER, OPEN[0])


class CaseModel:
    """The cases of a site."""

    def __init__(
        self,
        campaigns: Sequence[SiteCampaign],
        rows: Iterable[SetupRow],
        reader: CampaignReader,
    ):
        """campaigns: all, the oldest first; rows: of those that are valid."""
        self._by_digest = {one.known.digest: one for one in campaigns}
        self._places = {one.known.digest: place for place, one in enumerate(campaigns)}
        self._reader = reader
        self._rows = group_by(rows, lambda one: one.row.case)
        self._lacking = _lacking(campaigns, reader)
        self._counted = _newest_counted(campaigns)
        self.cases = sorted({*self._rows, *self._lacking})

    def context(self, case: str) -> Context:
        """What the page of a case says; of its paths only which campaigns have them."""
        rows = self._rows.get(case, [])
        drawn = [row for _, row in rows if _is_drawn(row)]
        return {
            "case": case,
            "file": file_name(case),
            "what": describe_case(case),
            "tables": self._newest(case, rows),
            "paths": [self._link(one) | {"variants": names} for one, names in self.paths(case)],
            "changes_of_case": [self.change(*pair) for pair in _changes(rows)],
            "judged": [self._judged(*one) for one in rows],
            "lacking": self._lacking.get(case, []),
            "has_chart": len({one.digest for row in drawn for one in row.campaigns}) > 1,
        }

    def paths(self, case: str) -> list[tuple[SiteCampaign, list[str]]]:
        """The newest campaign of each kernel and machine that counted a case by function, and its
        variants that have.
        """
        return list(self._counted.get(case, {}).values())

    @cached_property
    def all_changes(self) -> list[Context]:
        """The changes of all cases, the newest first."""
        every = [pair for case in self.cases for pair in _changes(self._rows.get(case, []))]
        every.sort(
            key=lambda pair: (
                -self._places[pair[1].after.digest],
                pair[0].row.case,
                pair[0].row.variant,
                pair[0].row.metric.name,
                pair[0].row.machine,
            ),
        )
        return [self.change(*pair) for pair in every]

    def chart(self, case: str) -> Context:
        """The data of a case's charts: a series for each variant, metric, setup and machine. Its
        places are those of `ids`.
        """
        rows = [one for one in self._rows.get(case, []) if _is_drawn(one.row)]
        names = sorted({one.row.variant for one in rows})
        made = {one.digest for _, row in rows for one in row.campaigns}
        digests = sorted(made, key=self._places.__getitem__)
        places = {digest: place for place, digest in enumerate(digests)}
        return {
            "ids": [self._by_digest[digest].id for digest in digests],
            "series": [
                {
                    "title": format.describe_metric(row.metric),
                    "unit": row.metric.unit,
                    "variant": row.variant,
                    "setup": setup,
                    "machine": row.machine,
                    "colour": style.looks(row.variant, names)[0],
                    "at": [places[one.digest] for one in row.campaigns],
                    "values": [float(value) for value in row.values],
                    "changes": [
                        [places[one.after.digest], sentences.describe_change(row, one)]
                        for one in row.changes
                    ],
                }
                for setup, row in rows
            ],
        }

    def change(self, one: SetupRow, change: Change) -> Context:
        """A change in words, with the campaigns before and after it."""
        row = one.row
        return {
            "case": row.case,
            "file": file_name(row.case),
            "variant": row.variant,
            "setup": one.setup,
            "machine": row.machine,
            "metric": format.describe_metric(row.metric),
            "word": sentences.word(row, change),
            "amount": sentences.amount(row, change),
            "is_worse": change.verdict in _WORSE,
            "differing": printable(sentences.describe_differing(change)),
            "after": self._link(self._of(change.after)),
            "before": self._link(self._of(change.before)),
            "permalink": urlencode(
                {
                    side: f"{self._of(known).id}:{row.variant}"
                    for side, known in (("a", change.before), ("b", change.after))
                },
                errors="replace",
            ),
        }

    def _newest(self, case: str, rows: Sequence[SetupRow]) -> list[Context]:
        """A table for each metric; a row for each variant, setup and machine."""
        tables = group_by(
            [one for one in rows if _is_drawn(one.row)],
            lambda one: format.describe_metric(one.row.metric),
        )
        return [
            {
                "heading": heading,
                "unit": of_metric[0].row.metric.unit,
                "is_emulated": of_metric[0].row.metric.clock == "icount",
                "rows": [self._cell(case, *one) for one in sorted(of_metric, key=_newest_last)],
            }
            for heading, of_metric in tables.items()
        ]

    def _cell(self, case: str, setup: str, row: CaseHistory) -> Context:
        campaign = self._of(row.campaigns[-1])
        figures = self._reader.figure_of(campaign, row.variant, case)
        found, writes = figures[row.metric.name], figures.get(PKRS_WRITES)
        low, high = (format.format_value(found[end]) for end in ("low", "high"))
        many = f"{found['n']} {found['of'] if found['n'] == 1 else _PLURALS[found['of']]}"
        spread = many
        if found["n"] > 1:
            spread = f"{many}, identical" if found["exact"] else f"[{low}, {high}], {many}"
        return {
            "variant": row.variant,
            "setup": setup,
            "machine": row.machine,
            "value": format.format_value(found["median"]),
            "is_exact": found["exact"],
            "spread": spread,
            "writes": "-" if writes is None else format.format_value(writes["median"]),
            "campaign": self._link(campaign),
        }

    def _judged(self, setup: str, row: CaseHistory) -> Context:
        return {
            "variant": row.variant,
            "setup": setup,
            "machine": row.machine,
            "metric": row.metric.name.replace("_", " "),
            "now": sentences.describe_now(row),
        }

    def _of(self, known: Known) -> SiteCampaign:
        return self._by_digest[known.digest]

    def _link(self, campaign: SiteCampaign) -> Context:
        return {"id": campaign.id, "name": campaign.known.name, "day": campaign.day}


_PLURALS = {"boot": "boots", "launch": "launches", "repetition": "repetitions"}


def _is_drawn(row: CaseHistory) -> bool:
    return row.metric.name != PKRS_WRITES


def _newest_last(one: SetupRow) -> tuple[str, str, str]:
    return one.row.campaigns[-1].begun, one.setup, one.row.variant


def _changes(rows: Iterable[SetupRow]) -> list[tuple[SetupRow, Change]]:
    return [(one, change) for one in rows for change in one.row.changes]


def _lacking(
    campaigns: Sequence[SiteCampaign], reader: CampaignReader
) -> Mapping[str, list[Context]]:
    """Of each case the variants that have no figure in the newest campaign which asked for it, and
    why.
    """
    newest: dict[tuple[str, str], SiteCampaign] = {}
    for one in campaigns:
        for variant, cases in one.card["lacking"]:
            newest |= {(case, variant): one for case in cases}
        for variant, cases in one.card["measured"]:
            for case in cases:
                newest.pop((case, variant), None)
    found: dict[str, list[Context]] = {}
    for (case, variant), one in newest.items():
        why = reader.why_lacking(one, variant, case)
        row = {"variant": variant, "why": why, "id": one.id, "name": one.known.name}
        found.setdefault(case, []).append(row)
    return found


def _newest_counted(
    campaigns: Sequence[SiteCampaign],
) -> dict[str, dict[tuple[str, str], tuple[SiteCampaign, list[str]]]]:
    """By case, and by setup and machine."""
    found: dict[str, dict[tuple[str, str], tuple[SiteCampaign, list[str]]]] = {}
    for one in campaigns:
        if one.card["problems"]:
            continue
        of_this: dict[tuple[str, str, str], list[str]] = {}
        for case, name in one.card["counted"]:
            variant = one.variants.get(name)
            if variant:
                key = (case, variant["setup"], variant["machine"])
                of_this.setdefault(key, []).append(name)
        order = list(one.variants)
        for (case, setup, machine), names in of_this.items():
            found.setdefault(case, {})[setup, machine] = (one, sorted(names, key=order.index))
    return found
