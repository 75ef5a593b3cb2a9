# SPDX-License-Identifier: Apache-2.0
"""Compares what was measured: refuses where more than the factor differs, else a verdict for each
case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.compare import compatibility, refusals
from analysis.compare.source import Figures, Source, identical
from analysis.data.bad_data import BadData
from analysis.data.grouping import group_by
from analysis.stats.comparison import Comparison, halves
from analysis.stats.family import compare_family
from analysis.stats.sample import Sample, SamplePair, Unit
from analysis.stats.verdict import Verdict
from formats import exit_codes


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

    @property
    def identical(self) -> bool:
        return any(row.pair.identical for row in self.rows)


def compare(
    pairs: Sequence[tuple[Source, Source]], allow: Sequence[str] = (), metrics: Sequence[str] = ()
) -> list[SourcePair]:
    """A group for each pair of sources. allow: facts that may differ; metrics: by name, 'all', or
    none: those that answer the question.

    p is adjusted over all cases of a metric in all groups together: that is what a reader sees at
    once.
    """
    refusals.check_names(pairs, allow, metrics)
    planned = [_planned(old, new, allow, metrics) for old, new in pairs]
    families: dict[str, list[SamplePair]] = {}
    for _, sample_pairs in planned:
        for pair in sample_pairs:
            families.setdefault(pair.metric.name, []).append(pair)
    against_itself = {
        name: compare_family(_aa_pairs(pairs, name, family)) for name, family in families.items()
    }
    results = {
        name: iter(compare_family(family, against_itself[name]))
        for name, family in families.items()
    }
    groups = []
    for group, sample_pairs in planned:
        names = dict.fromkeys(pair.metric.name for pair in sample_pairs)
        rows = [next(results[pair.metric.name]) for pair in sample_pairs]
        groups.append(
            replace(group, rows=rows, aa=[row for name in names for row in against_itself[name]])
        )
    return groups


def exit_code(groups: Sequence[SourcePair], fail_on: str | None) -> int:
    """fail_on: slower, unresolved (and slower), None."""
    verdicts = {row.verdict for group in groups for row in group.rows}
    if fail_on and Verdict.SLOWER in verdicts:
        return exit_codes.FAILED
    if fail_on == "unresolved" and verdicts & {Verdict.UNRESOLVED, Verdict.EXPLORATORY}:
        return exit_codes.UNRESOLVED
    return exit_codes.OK


def _planned(
    old: Source, new: Source, allow: Sequence[str], metrics: Sequence[str]
) -> tuple[SourcePair, list[SamplePair]]:
    same = identical(old, new)
    differ = {} if same else compatibility.differences(old, new)
    if not same:
        refusals.check_sides(old, new, differ, allow)
    sample_pairs = [
        pair
        for case in old.cases
        if case in new.cases
        for pair in _pairs(old, new, case, metrics, same)
    ]
    if not sample_pairs:
        raise refusals.nothing_in_common(old, new, metrics)
    return SourcePair(old, new, [], [], differ, _notes(old, new, metrics)), sample_pairs


def _pairs(
    old: Source, new: Source, case: str, metrics: Sequence[str], same: bool
) -> list[SamplePair]:
    names = [name for name in old.cases[case] if (case, name) in new.figures]
    if not metrics:
        names = _first_of_each(old.chosen, names)
    elif "all" not in metrics:
        names = [name for name in names if name in metrics]
    return [
        _pair(
            case,
            old.figures[case, name],
            new.figures[case, name],
            old.campaign == new.campaign,
            same,
        )
        for name in names
    ]


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
    places = (old.side.slots, new.side.slots) if one_order else (None, None)
    if old.times is not None and new.times is not None:
        places = _places(old.times, new.times)
    sides = (replace(old.side, slots=places[0]), replace(new.side, slots=places[1]))
    return SamplePair(case, replace(a, cycle=cycle), *sides, identical=same)


def _places(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Places of two sides' launches in the order of their times; none where two are of one time."""
    together = np.concatenate([old, new])
    order, places = np.unique(together, return_inverse=True)
    if len(order) < len(together):
        return None, None
    return places[: len(old)].astype(float), places[len(old) :].astype(float)


def _aa_pairs(
    pairs: Sequence[tuple[Source, Source]], metric: str, family: Sequence[SamplePair]
) -> list[SamplePair]:
    """Boots of each baseline against other boots of it. The new side of one campaign is no
    baseline, that of another is.
    """
    cases = {pair.case for pair in family if not pair.identical}
    baselines = {
        source.label: source
        for old, new in pairs
        for source in ([old] if old.campaign == new.campaign else [old, new])
    }
    aa = []
    for source in baselines.values():
        for case in source.cases:
            figures = source.figures.get((case, metric))
            if (
                case in cases
                and figures
                and figures.side.unit is Unit.BOOT
                and len(figures.side.values) > 1
            ):
                first, second = _halves(figures)
                if len(first.values) and len(
                    second.values
                ):  # boots that failed may all be of one half
                    aa.append(SamplePair(case, figures.metric, first, second))
    return aa


def _halves(figures: Figures) -> tuple[Sample, Sample]:
    """Two halves of the boots, as the plan divided them, else dealt out in their order."""
    side, first = figures.side, figures.first_half
    if first is None:
        return halves(side)
    half_slots = (None, None) if side.slots is None else (side.slots[first], side.slots[~first])
    return (
        replace(side, values=side.values[first], slots=half_slots[0]),
        replace(side, label=f"{side.label} again", values=side.values[~first], slots=half_slots[1]),
    )


def _notes(old: Source, new: Source, metrics: Sequence[str]) -> list[str]:
    notes = [*old.warnings, *new.warnings]
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
