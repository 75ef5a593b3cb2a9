# SPDX-License-Identifier: Apache-2.0
"""What became of each case from campaign to campaign: `compare --history`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.compare import compatibility, from_campaign, refusals
from analysis.compare.lost_cases import is_asked_for
from analysis.data.bad_data import BadData
from analysis.data.grouping import group_by
from analysis.history.campaign_files import find_campaigns
from analysis.history.figure_store import Known, Series, Store
from analysis.stats import change_points
from analysis.stats.comparison import Interval
from analysis.stats.sample import Metric
from analysis.stats.verdict import Verdict, is_worse, judge_change, margin_in_units, margin_of_ratio


@dataclass(frozen=True)
class Change:
    """A level that moved between two campaigns, and stayed."""

    before: Known
    after: Known  # the first one of the new level
    verdict: Verdict
    difference: float  # in the metric's unit
    ratio: float | None  # after/before; None: a level at or below 0
    interval: Interval | None  # 90 %: of the ratio, else of the difference; None: an exact count
    differing: dict[str, tuple[str, str]]  # facts in which the two campaigns differ, both values


@dataclass(frozen=True)
class CaseHistory:
    """One metric of a case of one variant, oldest campaign first."""

    variant: str
    case: str
    metric: Metric
    machine: str
    exact: bool
    campaigns: list[Known]
    values: NDArray[np.float64]  # shape (campaigns,): the median over the boots of each
    changes: list[Change]
    level: float  # the median since the last change
    since: int  # campaigns since the last change
    smallest: float | None  # ratio (or difference) that would be marked after some more campaigns
    margin: float  # likewise: ratio, less 1, or difference
    reason: str = ""  # why it could not be judged; empty: it was

    @property
    def is_ratio(self) -> bool:
        return bool((self.values > 0).all())


@dataclass(frozen=True)
class History:
    """All that is said of some campaigns, the oldest first."""

    campaigns: list[Known]
    rows: list[CaseHistory]
    broken: dict[Path, str] = field(default_factory=dict)  # campaigns that cannot be read, and why


def read_history(
    folders: Sequence[Path],
    metrics: Sequence[str] = (),
    cases: Sequence[str] = (),
    store_file: Path | None = None,
) -> History:
    """Reads what is new in these folders, and judges each case. BadData where there is nothing to
    judge.

    metrics: by name, 'all', or none: those that answer the question; cases: globs, or none: all;
    store_file: of the store; None: in the cache.
    """
    with Store(store_file) as store:
        found, broken = store.add(find_campaigns(folders))
        if not found:
            raise BadData(next(iter(broken.values())))
        campaigns = in_order(found.values())
        refusals.check_cases(cases, (series.case for series in store.all_series()))
        rows = judge_cases(store, campaigns, metrics, cases)
    if not rows:
        like = f" of a case that is {' or '.join(cases)}" if cases else ""
        metric = f" by {' or '.join(metrics)}" if metrics else ""
        raise BadData(
            f"{', '.join(map(str, folders))}: no figure{like}{metric} in these campaigns; see"
            " ./kmapbench list"
        )
    return History(campaigns, rows, broken)


def in_order(campaigns: Iterable[Known]) -> list[Known]:
    """Each content once, the oldest first; of one time by name and content."""
    by_content: dict[str, Known] = {}
    for one in sorted(campaigns, key=lambda one: one.name):
        by_content.setdefault(one.digest, one)
    return sorted(by_content.values(), key=lambda one: (one.begun, one.name, one.digest))


def judge_cases(
    store: Store,
    campaigns: Sequence[Known],
    metrics: Sequence[str] = (),
    cases: Sequence[str] = (),
    of_variant: Callable[[str], Sequence[Known]] | None = None,
) -> list[CaseHistory]:
    """The history of each case over these campaigns of the store, which are in order.

    metrics, cases: as of read_history; of_variant: those of the campaigns that count for a variant;
    None: all.
    """
    rows = []
    for series in _chosen(store.all_series(), metrics, cases):
        part = of_variant(series.variant) if of_variant else campaigns
        if part and (row := _row(store, series, part)):
            rows.append(row)
    return _with_lost(rows)


def _chosen(every: Sequence[Series], metrics: Sequence[str], cases: Sequence[str]) -> list[Series]:
    asked = [series for series in every if is_asked_for(series.case, cases)]
    if metrics:
        return [one for one in asked if one.metric.name in metrics or "all" in metrics]
    chosen = []
    of_cases = group_by(asked, lambda one: (one.variant, one.case, one.metric.clock, one.machine))
    for found in of_cases.values():
        for names in from_campaign.CHOSEN:
            there = [one for name in names for one in found if one.metric.name == name]
            chosen += [one for one in there if one.metric.name == there[0].metric.name]
    return chosen


def _row(store: Store, series: Series, campaigns: Sequence[Known]) -> CaseHistory | None:
    figures = store.figures(series, campaigns)
    if figures is None:
        return None
    made = [campaigns[place] for place in figures.places]
    metric = replace(series.metric, cycle=figures.cycle)
    values = figures.values
    logs = bool((values > 0).all())
    scale = np.log(values) if logs else values
    if figures.exact:
        places = [int(place) for place in 1 + np.flatnonzero(np.diff(values))]
        changes = [_counted(metric, made, values, place) for place in places]
    else:
        found = change_points.find_changes(scale)
        places = [point.place for point in found]
        changes = [
            _measured(metric, made, values, point, edges)
            for point, edges in zip(found, zip([0, *places], [*places[1:], len(values)]))
        ]
    changes = [
        replace(
            change,
            differing=compatibility.differences(
                store.source(change.before, series.variant),
                store.source(change.after, series.variant),
            ),
        )
        for change in changes
    ]
    first = places[-1] if places else 0
    level = float(np.median(values[first:]))
    smallest = None if figures.exact else change_points.smallest_marked(scale[first:])
    return CaseHistory(
        variant=series.variant,
        case=series.case,
        metric=metric,
        machine=series.machine,
        exact=figures.exact,
        campaigns=made,
        values=values,
        changes=changes,
        level=level,
        since=len(values) - first,
        smallest=float(np.exp(smallest)) if smallest is not None and logs else smallest,
        margin=(
            margin_of_ratio(metric, level, level) if logs else margin_in_units(metric, level, level)
        ),
        reason=_why_not(figures.exact, len(values)),
    )


def _why_not(exact: bool, count: int) -> str:
    if exact:
        return "" if count > 1 else "one campaign has nothing to be compared with"
    fewest = change_points.FEWEST
    return "" if count >= fewest else f"fewer than {fewest} campaigns: no test reaches its level"


def _counted(
    metric: Metric, made: Sequence[Known], values: NDArray[np.float64], place: int
) -> Change:
    """A change of counts that repeat to the digit."""
    before, after = float(values[place - 1]), float(values[place])
    return Change(
        before=made[place - 1],
        after=made[place],
        verdict=judge_change(metric, after - before),
        difference=after - before,
        ratio=after / before if before > 0 and after > 0 else None,
        interval=None,
        differing={},
    )


def _measured(
    metric: Metric,
    made: Sequence[Known],
    values: NDArray[np.float64],
    point: change_points.ChangePoint,
    edges: tuple[int, int],
) -> Change:
    """edges: where the level before begins, and where the new one ends."""
    before = float(np.median(values[edges[0] : point.place]))
    after = float(np.median(values[point.place : edges[1]]))
    logs = bool((values > 0).all())
    if logs:
        margin = float(np.log1p(margin_of_ratio(metric, before, after)))
        interval = point.interval.mapped(np.exp)
        ratio = float(np.exp(point.difference))
        difference = 2 * float(np.sqrt(before * after) * np.sinh(point.difference / 2))
    else:
        margin = margin_in_units(metric, before, after)
        interval, ratio, difference = point.interval, None, point.difference
    return Change(
        before=made[point.place - 1],
        after=made[point.place],
        verdict=_word(metric, point, margin),
        difference=difference,
        ratio=ratio,
        interval=interval,
        differing={},
    )


def _word(metric: Metric, point: change_points.ChangePoint, margin: float) -> Verdict:
    low, high = point.interval.low, point.interval.high
    if -margin <= low and high <= margin:
        return Verdict.WITHIN
    worse = is_worse(metric, point.difference)
    if low > margin or high < -margin:
        return Verdict.SLOWER if worse else Verdict.FASTER
    return Verdict.SLOWER_OPEN if worse else Verdict.FASTER_OPEN


def _with_lost(rows: Sequence[CaseHistory]) -> list[CaseHistory]:
    """Rows of cases that the newest campaign of their variant and machine lacks say so."""
    newest: dict[tuple[str, str], Known] = {}
    for row in rows:
        key, last = (row.variant, row.machine), row.campaigns[-1]
        newest[key] = max(
            last, newest.get(key, last), key=lambda one: (one.begun, one.name, one.digest)
        )
    return [
        (
            row
            if row.reason or row.campaigns[-1] == newest[row.variant, row.machine]
            else replace(row, reason=f"no figure in {newest[row.variant, row.machine].name}")
        )
        for row in rows
    ]
