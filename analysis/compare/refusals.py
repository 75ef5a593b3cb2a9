# SPDX-License-Identifier: Apache-2.0
"""What `compare` refuses, and what to do about it: BadData in one line."""

import fnmatch
import shlex
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from analysis.compare import compatibility
from analysis.compare.source import Source
from analysis.data.bad_data import BadData
from analysis.data.grouping import group_by
from formats.case_names import PMEM_PAGES

# A refusal names so many differences; the rest is counted.
_NAMED = 4


def check_names(
    pairs: Sequence[tuple[Source, Source]],
    allow: Sequence[str],
    metrics: Sequence[str],
    cases: Sequence[str],
) -> None:
    """BadData where a name that was asked for is none that there is."""
    sources = [source for pair in pairs for source in pair]
    there = (case for source in sources for case in (*source.cases, *source.without_figure))
    check_cases(cases, dict.fromkeys([*there, *PMEM_PAGES]))
    facts = dict.fromkeys(name for source in sources for name in source.facts)
    for pattern in allow:
        if not any(compatibility.matches(name, [pattern]) for name in facts):
            near = get_close_matches(pattern, facts, 1)
            mend = (
                f"did you mean {shlex.quote(near[0])}?"
                if near
                else "without it the refusal names what they differ in"
            )
            raise BadData(
                f"--allow {shlex.quote(pattern)}: the sides have nothing of that name; {mend}"
            )
    known = sorted({name for source in sources for _, name in (*source.figures, *source.left_out)})
    for name in metrics:
        if name not in (*known, "all"):
            raise BadData(f"--metric {shlex.quote(name)}: there are {', '.join(known)}, and all")


def check_cases(patterns: Sequence[str], cases: Iterable[str]) -> None:
    """BadData where a glob matches none of these cases: what was asked for would go unjudged."""
    cases = list(cases)
    for pattern in patterns:
        if not fnmatch.filter(cases, pattern):
            near = get_close_matches(pattern, cases, 1)
            mend = (
                f"did you mean {shlex.quote(near[0])}?" if near else "./kmapbench cases lists all"
            )
            raise BadData(f"--cases {shlex.quote(pattern)}: no case of that name there; {mend}")


def check_sides(pairs: Sequence[tuple[Source, Source]], allow: Sequence[str]) -> None:
    """BadData where sides differ in more than was allowed, or the launches of one of them do. It
    ends with all that would have to be allowed for these pairs, to paste.

    pairs: all that are to be compared, but those that are the same files.
    """
    sources = {source.label: source for pair in pairs for source in pair}
    sweeps = [(source, _unlike(source, allow)) for source in sources.values()]
    refused = [
        {
            name: values
            for name, values in compatibility.differences(old, new).items()
            if not compatibility.matches(name, allow)
        }
        for old, new in pairs
    ]
    needed = [name for _, names in sweeps for name in names]
    needed += [name for differ in refused for name in differ]
    for source, names in sweeps:
        if names:
            raise _sweep(source, names, needed)
    for (old, new), differ in zip(pairs, refused):
        if differ:
            raise _refusal(old, new, differ, needed)


def nothing_in_common(
    old: Source, new: Source, metrics: Sequence[str], cases: Sequence[str]
) -> BadData:
    """Two sides without one case, or metric of a case, that both have. cases: globs of those that
    were asked for.
    """
    why = [
        f"{source.label} has no figure of {case}: {reason}"
        for source in (old, new)
        for case, reason in source.without_figure.items()
    ]
    more = f" ({'; '.join(why[:_NAMED])})" if why else ""
    metric = f"metric {' or '.join(metrics)} of a " if metrics else ""
    like = f" that is {' or '.join(cases)}" if cases else ""
    return BadData(
        f"{old.label} and {new.label} have no {metric}case{like} in common{more}; give sides that"
        " were measured alike"
    )


def _unlike(source: Source, allow: Sequence[str]) -> list[str]:
    """Settings that the files of another program were not all made with, beyond those allowed."""
    if source.campaign is not None:
        return []
    return [
        name
        for name in compatibility.unsteady_facts(source)
        if not compatibility.matches(name, allow)
    ]


def _sweep(source: Source, unlike: Sequence[str], needed: Iterable[str]) -> BadData:
    """Files that are no launches of one thing. needed: all that would have to be allowed."""
    named = [f"{name} ({compatibility.shown(source.facts[name])})" for name in unlike[:_NAMED]]
    return BadData(
        f"{source.label}: its files were made with different settings, and are no launches of one:"
        f" {_listed(named, unlike)}; give each setting a folder of its own, or say"
        f" {_allows(needed)}"
    )


def _refusal(
    old: Source, new: Source, refused: Mapping[str, tuple[str, str]], needed: Iterable[str]
) -> BadData:
    """Sides that differ. needed: all that would have to be allowed."""
    named = [
        f"{name} ({before} there, {after} here)"
        for name, (before, after) in list(refused.items())[:_NAMED]
    ]
    return BadData(
        f"{old.label} and {new.label} differ in {_listed(named, list(refused))}: a difference in"
        f" figures could be theirs; measure both alike, or say {_allows(needed)}"
    )


def _listed(named: Sequence[str], all_of_them: Sequence[str]) -> str:
    more = len(all_of_them) - len(named)
    return ", ".join(named) + (f", and {more} more" if more else "")


def _allows(names: Iterable[str]) -> str:
    """What lets these differ, to be pasted; of many that are below one name, that name."""
    by_parent = group_by(dict.fromkeys(names), lambda name: name.rpartition(".")[0])
    allowed = [
        name
        for parent, below in by_parent.items()
        for name in ([parent] if parent and len(below) > _NAMED else below)
    ]
    return " ".join(f"--allow {shlex.quote(name)}" for name in allowed)
