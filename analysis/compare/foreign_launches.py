# SPDX-License-Identifier: Apache-2.0
"""Launches of other programs, each one JSON document, as a side of a comparison."""

import statistics
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.compare.source import Figures, Source
from analysis.data.grouping import group_by
from analysis.stats.sample import Metric, Sample, Unit

# Notes name so many cases; the rest is counted.
_NAMED = 3


@dataclass
class Launch:
    """What one document says. A case has a figure for each of its repetitions."""

    where: str  # file, and which document of it
    figures: dict[tuple[str, str], list[float]] = field(default_factory=dict)  # by case and metric
    # by case: why a repetition has no figure, one for each such repetition
    failures: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)  # metrics without a figure
    notes: dict[str, list[str]] = field(default_factory=dict)  # sentence -> cases
    # scope (a job, '' for the whole) -> setting -> value
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    time: float | None = None  # when it was made, in seconds since 1970

    @property
    def repetitions(self) -> dict[str, int]:
        """Of each case, how many have a figure."""
        counted: dict[str, int] = {}
        for (case, _), values in self.figures.items():
            counted[case] = max(len(values), counted.get(case, 0))
        return counted

    def note(self, sentence: str, case: str) -> None:
        cases = self.notes.setdefault(sentence, [])
        if case not in cases:
            cases.append(case)


@dataclass(frozen=True)
class Program:
    """What the figures of a program are."""

    kind: str  # "fio's JSON", ...
    metric: Callable[[str, str], Metric]  # of a case, by the metric's name
    chosen: tuple[tuple[str, ...], ...]  # as of Source


def as_source(
    launches: Sequence[Launch],
    program: Program,
    label: str,
    files: Sequence[Path],
    notes: Sequence[str],
) -> Source:
    """The repetitions of one launch, or the median of each of several launches.

    notes: what is to be said of the files beside what the launches say.
    """
    figures: dict[tuple[str, str], Figures] = {}
    left_out = _left_out(launches)
    for case, name in dict.fromkeys(key for launch in launches for key in launch.figures):
        having = [launch for launch in launches if (case, name) in launch.figures]
        values = (
            having[0].figures[case, name]
            if len(launches) == 1
            else [statistics.median(launch.figures[case, name]) for launch in having]
        )
        if not any(values):
            left_out[case, name] = "all are 0: nothing was timed"
            continue
        unit = Unit.REPETITION if len(launches) == 1 else Unit.LAUNCH
        figures[case, name] = Figures(
            program.metric(case, name),
            Sample(label, np.array(values, dtype=np.float64), unit=unit),
            times=None if unit is Unit.REPETITION else _times(having),
        )
    cases = dict.fromkeys(case for case, _ in figures)
    return Source(
        label,
        program.kind,
        figures,
        program.chosen,
        _facts(launches),
        tuple(files),
        without_figure=_without_figure(launches, left_out, cases),
        left_out={
            key: why for key, why in left_out.items() if key[0] in cases and key not in figures
        },
        warnings=(*notes, *(f"{label}: {note}" for note in _notes(launches, figures))),
    )


def _times(launches: Sequence[Launch]) -> np.ndarray | None:
    times = [launch.time for launch in launches if launch.time is not None]
    return np.array(times) if len(times) == len(launches) else None


def _left_out(launches: Sequence[Launch]) -> dict[tuple[str, str], str]:
    return {key: why for launch in launches for key, why in launch.left_out.items()}


def _without_figure(
    launches: Sequence[Launch], left_out: dict[tuple[str, str], str], cases: Collection[str]
) -> dict[str, str]:
    """Cases without any figure, and why."""
    why = {case: reason for (case, _), reason in left_out.items() if case not in cases}
    for launch in launches:
        for case, reasons in launch.failures.items():
            if case not in cases:
                why[case] = "; ".join(dict.fromkeys(reasons))
    return why


def _notes(launches: Sequence[Launch], figures: Collection[tuple[str, str]]) -> list[str]:
    """What befell some repetitions or launches of cases that have a figure all the same."""
    said: dict[str, list[str]] = {}
    counted = [launch.repetitions for launch in launches]
    for case in dict.fromkeys(case for case, _ in figures):
        reasons = [reason for launch in launches for reason in launch.failures.get(case, ())]
        if reasons:
            tried = len(reasons) + sum(repetitions.get(case, 0) for repetitions in counted)
            why = "; ".join(dict.fromkeys(reasons))
            said.setdefault(f"{len(reasons)} of {tried} repetitions {why}", []).append(case)
        having = sum(case in repetitions for repetitions in counted)
        if having < len(launches):
            said.setdefault(f"has figures in {having} of {len(launches)} launches", []).append(case)
    for (case, name), number in Counter(key for one in launches for key in one.left_out).items():
        if (case, name) in figures:
            sentence = f"{number} of {len(launches)} launches have no {name}"
            said.setdefault(sentence, []).append(case)
    for launch in launches:
        for sentence, named in launch.notes.items():
            kept = said.setdefault(sentence, [])
            kept += [case for case in named if case not in kept]
    return [f"{_named(named)}: {sentence}" for sentence, named in said.items()]


def _named(cases: Sequence[str]) -> str:
    more = f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else ""
    return f"{', '.join(cases[:_NAMED])}{more}"


def _facts(launches: Sequence[Launch]) -> dict[str, frozenset[str]]:
    """Values that each setting had. One that a launch leaves to its default has a value, too, so
    that it differs from the same with another value.
    """
    facts: dict[str, frozenset[str]] = {}
    scoped = group_by(
        ((scope, launch.settings[scope]) for launch in launches for scope in launch.settings),
        lambda pair: pair[0],
    )
    for scope, pairs in scoped.items():
        for name in dict.fromkeys(name for _, settings in pairs for name in settings):
            values = frozenset(settings.get(name, "none") for _, settings in pairs)
            facts[f"{scope}.{name}" if scope else name] = values
    return facts
