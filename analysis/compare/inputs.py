# SPDX-License-Identifier: Apache-2.0
"""What `compare` was given, as pairs of sources: the old side first."""

from dataclasses import dataclass
from pathlib import Path

from analysis.compare import from_campaign, from_fio, from_google_benchmark
from analysis.compare.source import Source
from analysis.data.bad_data import BadData, no_side
from analysis.data.json_files import read_document
from analysis.data.load import Campaign, load

HOST = "host"  # what campaigns call user models on the machine itself
_FOREIGN = (from_google_benchmark, from_fio)


@dataclass(frozen=True)
class _Opened:
    """One argument."""

    text: str
    campaign: Campaign | None = None
    variant: str | None = None  # that was named
    foreign: Source | None = None

    def source(self, variant: str) -> Source:
        return from_campaign.source(self.campaign, variant, f"{self.campaign.folder}:{variant}")


def pairs(
    arguments: list[str], baseline: str | None
) -> tuple[list[tuple[Source, Source]], list[str]]:
    """What to compare with what, and what to say of it. baseline: of one campaign, the variant to
    compare the others with.
    """
    opened = [_open(argument) for argument in arguments]
    if len(opened) == 1:
        return _within(opened[0], baseline)
    if baseline is not None:
        raise BadData(
            "--baseline chooses among the variants of one campaign: name that variant as"
            " FOLDER:VARIANT, first"
        )
    notes = [] if len(opened) == 2 else [f"baseline: {opened[0].text}"]
    found = []
    for new in opened[1:]:
        found += _matched(opened[0], new, notes)
    return found, notes + [
        warning for one in opened if one.campaign for warning in one.campaign.warnings
    ]


def _open(text: str) -> _Opened:
    path, variant = Path(text), None
    if not path.exists() and not path.is_symlink() and ":" in text:
        folder, _, variant = text.rpartition(":")
        path = Path(folder)
    if (
        variant is None
        and not (path / "campaign.json").exists()
        and (path.exists() or path.is_symlink())
    ):
        return _Opened(text, foreign=_open_foreign(path))
    campaign = load(path, with_paths=False)
    if variant is not None and variant not in from_campaign.variants(campaign):
        raise BadData(
            f"{path}: no records of {variant}; there are"
            f" {', '.join(from_campaign.variants(campaign))}"
        )
    return _Opened(text, campaign, variant)


def _open_foreign(path: Path) -> Source:
    """A file of another program, or a folder of such files, each a launch."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise BadData(no_side(path))
    documents = {
        file: read_document(
            file,
            f"{file}: no such file; give a campaign, or a JSON file of Google Benchmark or fio",
        )
        for file in files
    }
    for format in _FOREIGN:
        if all(map(format.is_one, documents.values())):
            return format.source(documents, str(path))
    stranger = next(
        (
            file
            for file, document in documents.items()
            if not any(format.is_one(document) for format in _FOREIGN)
        ),
        path,
    )
    raise BadData(
        f"{stranger}: neither Google Benchmark's JSON nor fio's, or both in one folder; give files"
        " of one program"
    )


def _within(one: _Opened, baseline: str | None) -> tuple[list[tuple[Source, Source]], list[str]]:
    if one.campaign is None:
        raise BadData(f"{one.text}: one file has nothing to be compared with: give two")
    variants = [name for name in from_campaign.variants(one.campaign) if name != HOST]
    if one.variant is not None or len(variants) < 2:
        raise BadData(
            f"{one.text}: one variant has nothing to be compared with: give another side, or a"
            " campaign of several variants"
        )
    if baseline is not None and baseline not in variants:
        raise BadData(f"--baseline {baseline}: not in {one.text}; there are {', '.join(variants)}")
    first = baseline or unpatched(one.campaign, variants)
    old = one.source(first)
    return [(old, one.source(name)) for name in variants if name != first], [
        f"baseline: {first}",
        *one.campaign.warnings,
    ]


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


def _matched(old: _Opened, new: _Opened, notes: list[str]) -> list[tuple[Source, Source]]:
    if old.foreign or new.foreign:
        before, after = (one.foreign for one in (old, new))
        if not (before and after) or before.kind != after.kind:
            kinds = [
                one.foreign.kind if one.foreign else "a campaign of kmapbench" for one in (old, new)
            ]
            raise BadData(
                f"{old.text} is {kinds[0]} and {new.text} {kinds[1]}: their figures are never"
                " mixed; give two of a kind"
            )
        return [_apart(before, after)]
    return [_apart(old.source(a), new.source(b)) for a, b in _names(old, new, notes)]


def _apart(old: Source, new: Source) -> tuple[Source, Source]:
    """Two sources of one name would be told apart by nobody."""
    return (old, new) if old.label != new.label else (old, new.named(f"{new.label} (again)"))


def _names(old: _Opened, new: _Opened, notes: list[str]) -> list[tuple[str, str]]:
    """Which variant with which: as named; else those of one name; else the only one of
    each side.
    """
    there = [from_campaign.variants(one.campaign) for one in (old, new)]
    if old.variant and new.variant:
        return [(old.variant, new.variant)]
    if old.variant or new.variant:
        named = old.variant or new.variant
        other = _only(named, there[1] if old.variant else there[0])
        if other is None:
            raise _ambiguous(old, new, there)
        return [(named, other) if old.variant else (other, named)]
    common = [name for name in there[0] if name in there[1]]
    kernels = [[name for name in names if name != HOST] for names in there]
    if not set(common) - {HOST} and any(kernels):
        if [len(names) for names in kernels] != [1, 1]:
            raise _ambiguous(old, new, there)
        return [(kernels[0][0], kernels[1][0]), *((name, name) for name in common)]
    notes += [
        f"only in {one.text}: {', '.join(lone)}"
        for one, names in zip((old, new), there)
        if (lone := [name for name in names if name not in common])
    ]
    return [(name, name) for name in common]


def _only(named: str, there: list[str]) -> str | None:
    if named in there:
        return named
    kernels = [name for name in there if name != HOST]
    return kernels[0] if len(kernels) == 1 else None


def _ambiguous(old: _Opened, new: _Opened, there: list[list[str]]) -> BadData:
    return BadData(
        f"{old.text} has {', '.join(there[0])} and {new.text} {', '.join(there[1])}: which to"
        " compare is not clear; name them, as FOLDER:VARIANT"
    )
