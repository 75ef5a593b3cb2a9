# SPDX-License-Identifier: Apache-2.0
"""The arguments of `compare`, as pairs of sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from analysis.compare import from_campaign, from_fio, from_google_benchmark
from analysis.compare.source import Source
from analysis.data.bad_data import BadData, no_side, no_such_file
from analysis.data.foreign_json import read_documents
from analysis.data.load import Campaign, load
from analysis.summary import controls
from formats.campaign_format import USER_SPACE

_FOREIGN = (from_google_benchmark, from_fio)


@dataclass(frozen=True)
class _Campaign:
    """A side that is a campaign."""

    text: str  # the argument
    campaign: Campaign
    untrusted: list[str]  # why none of its figures can be trusted
    names: tuple[str, ...] = ()  # variants in the argument
    only: tuple[str, ...] = ()  # variants that are asked for, of all that it has; none: all

    @property
    def named(self) -> str | None:
        """The variant in the argument, where it is one."""
        return self.names[0] if len(self.names) == 1 else None

    @property
    def variants(self) -> list[str]:
        all_variants = from_campaign.variants(self.campaign)
        return [name for name in all_variants if not self.only or name in self.only]

    @property
    def kernels(self) -> list[str]:
        return [variant for variant in self.variants if variant != USER_SPACE]

    def source(self, variant: str) -> Source:
        return from_campaign.source(self.campaign, variant, f"{self.campaign.folder}:{variant}")


@dataclass(frozen=True)
class _Foreign:
    """A side that was written by another program."""

    text: str  # the argument
    source: Source


_Side = _Campaign | _Foreign


class Pairs(NamedTuple):
    """What is compared, the old source first."""

    sources: list[tuple[Source, Source]]
    notes: list[str]
    lone: list[str]  # variants that were measured, or should have been, on one side only
    untrusted: list[str]  # why no figure of a campaign among them can be trusted


def pair_sources(arguments: list[str], baseline: str | None, variants: Sequence[str] = ()) -> Pairs:
    """Pairs to compare. baseline: of one campaign, the variant that the others are compared with.
    variants: only these; none: all.
    """
    sides = [_open_side(argument, tuple(variants)) for argument in arguments]
    for name in variants:
        if not any(isinstance(side, _Campaign) and name in side.variants for side in sides):
            raise BadData(f"--variants {name}: in none of {', '.join(arguments)}")
    if len(sides) == 1:
        return _pair_within(sides[0], baseline)
    if baseline is not None:
        raise BadData(
            "--baseline chooses among the variants of one campaign: name that variant as"
            " FOLDER:VARIANT, first"
        )
    for side in sides:
        if isinstance(side, _Campaign) and len(side.names) > 1:
            raise BadData(
                f"{side.text}: several variants are compared with each other; give no other side"
            )
    old, *others = sides
    all_pairs = Pairs([], [] if len(others) == 1 else [f"baseline: {old.text}"], [], [])
    for new in others:
        found = _pair_sides(old, new)
        all_pairs.sources.extend(found.sources)
        all_pairs.notes.extend(found.notes)
        all_pairs.lone.extend(found.lone)
    for side in sides:
        if isinstance(side, _Campaign):
            all_pairs.notes.extend(side.campaign.warnings)
            all_pairs.untrusted.extend(side.untrusted)
    return _with_first(all_pairs, all_pairs.untrusted)


def _with_first(pairs: Pairs, notes: list[str]) -> Pairs:
    return pairs._replace(notes=[*notes, *pairs.notes])


def _open_side(text: str, only: tuple[str, ...]) -> _Side:
    path, names = Path(text), tuple[str, ...]()
    if not path.exists() and not path.is_symlink() and ":" in text:
        folder, _, listed = text.rpartition(":")
        path, names = Path(folder), tuple(dict.fromkeys(listed.split(",")))
    is_there = path.exists() or path.is_symlink()
    if not is_there:
        raise BadData(no_such_file(Path(text)))
    if not names and not (path / "campaign.json").exists():
        return _Foreign(text, _open_foreign(path))
    campaign = load(path)
    untrusted = [f"{path}: NOT VALID: {why}" for why in controls.problems(campaign)]
    side = _Campaign(text, campaign, untrusted, names, only)
    for name in names:
        if name not in side.variants:
            raise BadData(f"{path}: no records of {name}; there are {', '.join(side.variants)}")
    return side


def _open_foreign(path: Path) -> Source:
    """A file of another program, or a folder of such files, each a launch."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise BadData(no_side(path))
    documents = {
        file: read_documents(file, no_such_file(file), _is_foreign_output) for file in files
    }
    values = [value for found in documents.values() for value in found.values]
    for program in _FOREIGN:
        if all(map(program.is_output, values)):
            return program.source(documents, str(path))
    raise BadData(f"{path}: both Google Benchmark's JSON and fio's; give files of one program")


def _is_foreign_output(document: object) -> bool:
    return any(program.is_output(document) for program in _FOREIGN)


def _pair_within(side: _Side, baseline: str | None) -> Pairs:
    """The variants of one campaign, each with the baseline."""
    if isinstance(side, _Foreign):
        raise BadData(f"{side.text}: one file has nothing to be compared with: give two")
    variants = list(side.names) if len(side.names) > 1 else side.kernels
    if side.named is not None or len(variants) < 2:
        raise BadData(
            f"{side.text}: one variant has nothing to be compared with: give another side, or a"
            " campaign of several variants"
        )
    if baseline is not None and baseline not in variants:
        raise BadData(f"--baseline {baseline}: not in {side.text}; there are {', '.join(variants)}")
    first = baseline or (side.names[0] if side.names else unpatched(side.campaign, variants))
    old = side.source(first)
    pairs = [(old, side.source(variant)) for variant in variants if variant != first]
    lone = [
        name
        for name in side.campaign.header["variants"]
        if name != USER_SPACE and name not in variants and not side.names and not side.only
    ]
    notes = [f"baseline: {first}", *(f"no record of {name}" for name in lone)]
    found = Pairs(pairs, [*notes, *side.campaign.warnings], lone, side.untrusted)
    return _with_first(found, side.untrusted)


def unpatched(campaign: Campaign, variants: list[str]) -> str:
    """The first unpatched variant, else the first."""
    return next(
        (
            name
            for name in variants
            if campaign.header["variants"].get(name, {}).get("patched") is False
        ),
        variants[0],
    )


def _pair_sides(old: _Side, new: _Side) -> Pairs:
    if isinstance(old, _Campaign) and isinstance(new, _Campaign):
        names, lone = _pair_variants(old, new)
        notes = [f"only in {side}: {', '.join(variants)}" for side, variants in lone.items()]
        return Pairs(
            [_with_two_labels(old.source(a), new.source(b)) for a, b in names],
            notes,
            [name for variants in lone.values() for name in variants],
            [],
        )
    if isinstance(old, _Foreign) and isinstance(new, _Foreign):
        if old.source.kind == new.source.kind:
            return Pairs([_with_two_labels(old.source, new.source)], [], [], [])
    kinds = [
        side.source.kind if isinstance(side, _Foreign) else "a campaign of kmapbench"
        for side in (old, new)
    ]
    raise BadData(
        f"{old.text} is {kinds[0]} and {new.text} {kinds[1]}: their figures are never"
        " mixed; give two of a kind"
    )


def _with_two_labels(old: Source, new: Source) -> tuple[Source, Source]:
    """The sources, the new one relabelled if a reader could not tell them apart."""
    return (old, new) if old.label != new.label else (old, new.named(f"{new.label} (again)"))


def _pair_variants(
    old: _Campaign, new: _Campaign
) -> tuple[list[tuple[str, str]], dict[str, list[str]]]:
    """Names of variants to compare: the named ones; else those of one name; else the only kernel of
    each side. And those that only one side has, by the side.
    """
    match (old.named, new.named):
        case (str(before), str(after)):
            return [(before, after)], {}
        case (str(before), None):
            return [(before, _counterpart(before, old, new))], {}
        case (None, str(after)):
            return [(_counterpart(after, old, new), after)], {}
    common = [name for name in old.variants if name in new.variants]
    same = [(name, name) for name in common]
    if not set(common) - {USER_SPACE} and (old.kernels or new.kernels):
        if (len(old.kernels), len(new.kernels)) != (1, 1):
            raise _ambiguous(old, new)
        return [(old.kernels[0], new.kernels[0]), *same], {}
    lone = {
        side.text: [name for name in side.variants if name not in common] for side in (old, new)
    }
    return same, {side: names for side, names in lone.items() if names}


def _counterpart(variant: str, old: _Campaign, new: _Campaign) -> str:
    """What a named variant is compared with, on the side that names none."""
    other = new if old.named else old
    if variant in other.variants:
        return variant
    if len(other.kernels) != 1:
        raise _ambiguous(old, new)
    return other.kernels[0]


def _ambiguous(old: _Campaign, new: _Campaign) -> BadData:
    return BadData(
        f"{old.text} has {', '.join(old.variants)} and {new.text} {', '.join(new.variants)}: which"
        " to compare is not clear; name them, as FOLDER:VARIANT"
    )
