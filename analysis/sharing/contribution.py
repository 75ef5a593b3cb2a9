# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a campaign that somebody contributes: the check of CI, and of
`kmapbench pack --check`.
"""

import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema

from analysis.data import archive
from analysis.data.bad_data import BadData
from analysis.data.json_files import JsonObject, read_bytes, read_lines
from analysis.data.load import Campaign, load
from analysis.sharing import campaign_parts, name_check
from analysis.sharing.campaign_parts import MOST_PACKED_BYTES, MOST_UNPACKED_BYTES
from analysis.sharing.fingerprint_check import missing_facts
from analysis.sharing.record_truth import untrue_records
from formats import schema

# Of one kind so many are named.
_NAMED = 3


def problems(path: Path, words: Mapping[str, str]) -> list[str]:
    """Why an archive of `pack`, or a folder unpacked from one, is not taken, a line each; none: it
    is. words: known names, such as those of the machine that measured, by kind.
    """
    if not path.is_file():
        return [f"{path}: {one}" for one in _folder_problems(path, path.name, words)]
    if path.stat().st_size >= MOST_PACKED_BYTES:
        return [
            f"{path}: {path.stat().st_size:,d} bytes; less than {MOST_PACKED_BYTES:,d} are taken"
        ]
    with tempfile.TemporaryDirectory(prefix="kmapbench-check-") as scratch:
        target = Path(scratch)
        try:
            archive.unpack(path, target, MOST_UNPACKED_BYTES, _member_problem)
        except BadData as error:
            return [str(error)]
        tops = list(target.iterdir())
        if len(tops) != 1 or not tops[0].is_dir():
            return [f"{path}: has {len(tops)} folders; pack puts all of a campaign into one"]
        return [f"{path}: {one}" for one in _folder_problems(tops[0], tops[0].name, words)]


def _member_problem(member: tarfile.TarInfo) -> str:
    """What is wrong with a file in an archive, by its header alone."""
    inside = PurePosixPath(*PurePosixPath(member.name).parts[1:]).as_posix()
    if member.isdir():
        return ""
    if campaign_parts.part_of(inside) is None:
        return "is no file of a packed campaign"
    if member.uname or member.gname or member.uid or member.gid or member.pax_headers:
        return "says who packed it: pack it with ./kmapbench pack"
    return ""


def _folder_problems(folder: Path, name: str, words: Mapping[str, str]) -> Iterator[str]:
    files = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    for file in files:
        inside = file.relative_to(folder).as_posix()
        if file.is_symlink() or not file.is_file():
            yield f"{inside} is a link or a device"
            return
        if campaign_parts.part_of(inside) is None:
            yield f"{inside} is no file of a packed campaign"
    yield from _few(_names(folder, files, words))
    try:
        campaign = load(folder)
    except BadData as error:
        yield str(error).replace(f"{folder}/", "")
        return
    if campaign.header["name"] != name:
        yield f"its folder is {name}, and campaign.json calls it {campaign.header['name']:.60}"
    yield from campaign_problems(campaign)


def campaign_problems(campaign: Campaign) -> Iterator[str]:
    """What is wrong with what a campaign says: schema, state, oracle, controls, fingerprint."""
    yield from _few(_schema_problems(campaign))
    yield from _few(_state_problems(campaign))
    yield from _few(untrue_records(campaign))
    yield from _few(missing_facts(campaign))


def _few(lines: Iterator[str]) -> Iterator[str]:
    """The first lines, and how many more there are."""
    found = list(dict.fromkeys(lines))
    yield from found[:_NAMED]
    if len(found) > _NAMED:
        yield f"and {len(found) - _NAMED} more like the last one"


def _names(folder: Path, files: list[Path], words: Mapping[str, str]) -> Iterator[str]:
    for file in files:
        inside = file.relative_to(folder)
        for found in name_check.find_in_file(read_bytes(file), words):
            yield f"{inside} has a {found:.80}: give --anonymize to pack"
        for found in name_check.find_in_text(f" {inside} ", words):
            yield f"the name of {inside} has a {found:.80}"


def _schema_problems(campaign: Campaign) -> Iterator[str]:
    """Of records, by the whole schema; load() has checked all else by its own."""
    validator = jsonschema.Draft202012Validator(schema.load("record"))
    files = [path for files in campaign.files.values() for path in files]
    for path in (path for path in files if path.name == "micro.jsonl"):
        for number, value in read_lines(path, []):
            error = jsonschema.exceptions.best_match(validator.iter_errors(_without_counts(value)))
            if error:
                where = "/".join(map(str, error.absolute_path)) or "top level"
                yield f"{'/'.join(path.parts[-3:])}:{number}: {where}: {error.message:.100}"


def _without_counts(value: JsonObject) -> JsonObject:
    """A record with its first samples only, where all are counts: a check of each of thousands
    takes seconds.
    """
    return {name: one[:2] if _are_counts(one) else one for name, one in value.items()}


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)


def _state_problems(campaign: Campaign) -> Iterator[str]:
    """Of a campaign as a whole: it is complete, and it is known what measured it."""
    header = campaign.header
    if header["ended"] is None:
        yield "campaign.json: it has not ended: ./kmapbench run --resume, then pack it again"
    last = {(step["variant"], step["boot"]): step["status"] for step in header["order"]}
    for (variant, boot), status in last.items():
        if status != "ok":
            yield f"{variant}, boot {boot}: {status}: ./kmapbench run --resume, then pack it again"
    kmapbench = header["kmapbench"]
    if kmapbench["dirty"] or kmapbench["commit"] == "unknown":
        yield "campaign.json: measured by a kmapbench with local changes, or of no known commit"
