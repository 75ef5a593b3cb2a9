# SPDX-License-Identifier: Apache-2.0
"""Compares what was measured: refuses where more than the factor differs, else a verdict for each
case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.compare import compatibility, lost_cases, more_pairs, pmem_page, refusals
from analysis.compare.lost_cases import LostCase, is_asked_for
from analysis.compare.source import PKRS_WRITES, Figures, Source, identical
from analysis.data.bad_data import BadData
from analysis.data.grouping import group_by
from analysis.stats.comparison import Comparison
from analysis.stats.family import against_itself, compare_family
from analysis.stats.sample import Sample, SamplePair, Unit
from analysis.stats.verdict import ALPHA, CHANGED, OPEN
from formats.case_names import OF_THE_MODULE


@dataclass(frozen=True)
class SourcePair:
    """One source against another."""

    old: Source
    new: Source
    rows: list[Comparison]
    aa: list[Comparison]  # of the campaign's baseline against itself
    allowed: dict[
        str, tuple[str, str]
    ]  # undeclared differences that --allow let pass, with both values
    notes: list[str] = field(default_factory=list)
    lost: list[LostCase] = field(default_factory=list)
    left_out: list[Comparison] = field(default_factory=list)  # of tables, not of counts

    @property
    def identical(self) -> bool:
        return any(row.pair.identical for row in self.rows + self.left_out)


def compare(
    pairs: Sequence[tuple[Source, Source]],
    allow: Sequence[str] = (),
    metrics: Sequence[str] = (),
    cases: Sequence[str] = (),
) -> list[SourcePair]:
    """A group for each pair of sources.

    p is adjusted over all rows of all groups together: that is what a reader sees at once.
    allow: facts that may differ; metrics: by name, 'all', or none: those that answer the question;
    cases: globs of those that are compared; none: all.
    """
    refusals.check_names(pairs, allow, metrics, cases)
    same = [identical(old, new) for old, new in pairs]
    refusals.check_sides([pair for pair, is_same in zip(pairs, same) if not is_same], allow)
    planned = [
        _planned(old, new, metrics, cases, is_same, number)
        for number, ((old, new), is_same) in enumerate(zip(pairs, same))
    ]
    rows = iter(
        compare_family(
            [pair for _, sample_pairs in planned for pair in sample_pairs], _alpha(pairs)
        )
    )
    groups = [
        replace(group, rows=[next(rows) for _ in sample_pairs]) for group, sample_pairs in planned
    ]
    return [
        replace(
            group,
            aa=_against_itself(groups, group),
            notes=group.notes + more_pairs.advice(group.old, group.rows),
        )
        for group in groups
    ]


def only_changed(group: SourcePair) -> SourcePair:
    """The same with those rows alone that differ."""
    shown = [row for row in group.rows if row.verdict in CHANGED + OPEN]
    left_out = [row for row in group.rows if row.verdict not in CHANGED + OPEN]
    return replace(group, rows=shown, left_out=left_out)


def _alpha(pairs: Sequence[tuple[Source, Source]]) -> float:
    """What one look at these campaigns may spend: those that are looked at several times share it
    out.
    """
    return min((source.alpha for pair in pairs for source in pair), default=ALPHA)


def _planned(
    old: Source,
    new: Source,
    metrics: Sequence[str],
    cases: Sequence[str],
    same: bool,
    number: int,
) -> tuple[SourcePair, list[SamplePair]]:
    """same: both are the same files; number: of the group."""
    old, new, notes_on = pmem_page.with_pmem_pages(old, new)
    remarks = [note for case, note in notes_on.items() if is_asked_for(case, cases)]
    sample_pairs = [
        replace(pair, group=number)
        for case in old.cases
        if case in new.cases and is_asked_for(case, cases)
        for pair in _pairs(old, new, case, metrics, same)
    ]
    sample_pairs.sort(key=lambda pair: bool(OF_THE_MODULE.fullmatch(pair.case)))
    if not sample_pairs:
        raise refusals.nothing_in_common(old, new, metrics, cases)
    lost = lost_cases.find_lost_cases(old, new, metrics, cases)
    allowed = {} if same else compatibility.differences(old, new)
    return (
        SourcePair(old, new, [], [], allowed, [*remarks, *_notes(old, new, metrics)], lost),
        sample_pairs,
    )


def _pairs(
    old: Source, new: Source, case: str, metrics: Sequence[str], same: bool
) -> list[SamplePair]:
    names = [name for name in old.cases[case] if (case, name) in new.figures]
    if not metrics:
        names = [
            name
            for name in _first_of_each(old.chosen, names)
            if name != PKRS_WRITES or _is_any(old, new, case, name)
        ]
    elif "all" not in metrics:
        names = [name for name in names if name in metrics]
    return [
        _pair(
            case,
            old.figures[case, name],
            new.figures[case, name],
            old.campaign is not None and old.campaign == new.campaign,
            same,
        )
        for name in names
    ]


def _is_any(old: Source, new: Source, case: str, name: str) -> bool:
    return any(side.figures[case, name].side.values.any() for side in (old, new))


def _first_of_each(groups: Iterable[Sequence[str]], names: Sequence[str]) -> list[str]:
    """The first name that is available, of each group that has one."""
    first = []
    for group in groups:
        available = [name for name in group if name in names]
        first += available[:1]
    return first


def _pair(case: str, old: Figures, new: Figures, one_order: bool, same: bool) -> SamplePair:
    a, b = old.metric, new.metric
    if (a.unit, a.better, a.clock) != (b.unit, b.better, b.clock):
        raise BadData(
            f"{case}: {a.name} is in {a.unit} by {a.clock} in {old.side.label} and in {b.unit} by"
            f" {b.clock} in {new.side.label}: never compared; give sides of one clock"
        )
    # The margin is in core cycles: by the mean of both sides' clocks, so that it does not matter
    # which side is old.
    cycle = None if a.cycle is None or b.cycle is None else (a.cycle * b.cycle) ** 0.5
    sides = (old.side, new.side)
    if not one_order:
        places = _places(old.times, new.times)
        sides = (
            replace(old.side, slots=places[0], rounds=None),
            replace(new.side, slots=places[1], rounds=None),
        )
    return SamplePair(case, replace(a, cycle=cycle), *sides, identical=same)


def _places(
    old: np.ndarray | None, new: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Places of two sides' launches in the order of their times; none where these are not known, or
    two are of one time.
    """
    if old is None or new is None:
        return None, None
    together = np.concatenate([old, new])
    order, places = np.unique(together, return_inverse=True)
    if len(order) < len(together):
        return None, None
    return places[: len(old)].astype(float), places[len(old) :].astype(float)


def _against_itself(groups: Sequence[SourcePair], group: SourcePair) -> list[Comparison]:
    """Boots of each baseline against other boots of it, by each metric that the group has; what
    repeats to the digit is no row. The new side of one campaign is no baseline, that of another is.
    """
    names = {(row.case, row.metric.name) for row in group.rows if not row.pair.identical}
    one_campaign = group.old.campaign is not None and group.old.campaign == group.new.campaign
    rows = []
    for source in [group.old] if one_campaign else [group.old, group.new]:
        for (case, name), figures in source.figures.items():
            side = figures.side
            if (case, name) not in names or side.exact or side.unit is not Unit.BOOT:
                continue
            if len(side.values) < 2:
                continue
            first, second = _halves(figures)
            # boots that failed may all be of one half
            if len(first.values) and len(second.values):
                rows.append(against_itself(SamplePair(case, figures.metric, first, second)))
    return rows


def _halves(figures: Figures) -> tuple[Sample, Sample]:
    """Two halves of the boots, as the plan divided them, else every other one."""
    side, first = figures.side, figures.first_half
    if first is None:
        first = np.arange(len(side.values)) % 2 == 0
    return _part(side, first, ""), _part(side, ~first, " again")


def _part(side: Sample, boots: np.ndarray, more: str) -> Sample:
    return Sample(f"{side.label}{more}", side.values[boots], unit=side.unit)


def _notes(old: Source, new: Source, metrics: Sequence[str]) -> list[str]:
    notes = [*old.warnings, *new.warnings]
    if preemption := compatibility.preemption(old, new):
        notes.append(preemption)
    if old.alpha < ALPHA and old.campaign == new.campaign:
        notes.append(
            f"a campaign that is looked at as it grows: this look spends {old.alpha:.2f} of the"
            f" {ALPHA:.2f} that all looks share"
        )
    for source, other in ((old, new), (new, old)):
        lone = [
            case
            for case in source.cases
            if case not in other.cases and case not in other.without_figure
        ]
        if lone:
            notes.append(f"only in {source.label}: {', '.join(lone)}")
        for why in dict.fromkeys(source.without_figure.values()):
            cases = [case for case, said in source.without_figure.items() if said == why]
            notes.append(f"{source.label}: no figure of {', '.join(cases)}: {why}")
        notes += [f"{source.label}: {why}" for why in _left_out(source, metrics)]
        made = "files" if source.campaign is None else "boots"
        notes += [
            f"{source.label}: {name} changed among its {made}"
            for name in compatibility.unsteady_facts(source)
        ]
    return notes


def _left_out(source: Source, metrics: Sequence[str]) -> list[str]:
    """Why cases lack metrics that are looked at."""
    looked_at = metrics or [name for group in source.chosen for name in group]
    by_sentence = group_by(
        (
            (f"no {name}: {why}", case)
            for (case, name), why in source.left_out.items()
            if name in looked_at or "all" in looked_at
        ),
        lambda pair: pair[0],
    )
    return [
        f"{', '.join(case for _, case in pairs)}: {sentence}"
        for sentence, pairs in by_sentence.items()
    ]
