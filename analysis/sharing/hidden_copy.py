# SPDX-License-Identifier: Apache-2.0
"""A copy of a campaign's files as others may see them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.data import archive
from analysis.data.bad_data import BadData
from analysis.data.json_files import JsonObject, read_bytes, read_document
from analysis.data.load import load
from analysis.sharing import campaign_parts
from formats import known_names, private_names

# What `report` makes: written anew from the copy, and not copied.
_REPORTS = re.compile(r"(report\.txt|details\.txt|report/.*|charts/.*|pack\.json)")
# What is packed in another form, or made anew.
_KNOWN = re.compile(rf"{_REPORTS.pattern}|{re.escape(archive.NAME)}")
_TRIES = re.compile(r".*/boot-\d+\.try-\d+/.*")


@dataclass(frozen=True)
class Copy:
    """Files of a campaign that were copied into a folder of their own."""

    source: Path
    folder: Path
    name: str  # of the campaign, as others may see it
    started: str
    is_hidden: bool  # names were taken out
    names: dict[str, str]  # known ones of the machine that measured, by kind
    left_out: list[JsonObject]

    def shown(self, text: str) -> str:
        """A text as it is in the copy."""
        return private_names.hide_names(text, self.names) if self.is_hidden else text


def copy(source: Path, folder: Path, own_names: Mapping[str, str], hide: bool) -> Copy:
    """Copies what a packed campaign may have, without what `report` makes. hide: take names out.

    A BadData where it is no campaign, or a variant is called by a name that is to be hidden.
    """
    header = load(source, with_paths=False).header
    boots = archive.boots_folder(source)
    files = {
        path.relative_to(root).as_posix(): path
        for root in dict.fromkeys((boots, source))
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    kept = {
        inside: read_bytes(path)
        for inside, path in files.items()
        if campaign_parts.part_of(inside) and not _REPORTS.fullmatch(inside)
    }
    names = _known(kept, own_names)
    if hide:
        _check_variants(source, header, names)
    name = private_names.hide_names(header["name"], names) if hide else header["name"]
    copied = Copy(
        source, folder, _folder_name(name), header["started"], hide, names, _left_out(source, files)
    )
    for inside, data in kept.items():
        path = folder / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_hidden(inside, data, copied) if hide else data)
    return copied


def _known(kept: Mapping[str, bytes], own_names: Mapping[str, str]) -> dict[str, str]:
    """Names of the machine in front, and those that the files give away, but for words that cases
    are called by.
    """
    told = known_names.told_names(data.decode(errors="replace") for data in kept.values())
    cases = set()
    for inside, data in kept.items():
        if inside.endswith("micro.jsonl"):
            cases |= {found for found in re.findall(rb'"case": ?"([^"]*)"', data)}
    words = {word.lower() for case in cases for word in re.split(r"[/_]", case.decode())}
    return {name: kind for name, kind in {**own_names, **told}.items() if name.lower() not in words}


def _check_variants(source: Path, header: JsonObject, names: Mapping[str, str]) -> None:
    variants = [*header["variants"], *(step["variant"] for step in header["order"])]
    for variant in dict.fromkeys(variants):
        if found := next(private_names.find_names(variant, names), None):
            raise BadData(
                f"{source}: the variant {variant:.40} is called by a {found.kind}, and its records"
                " are by that name: measure with another --label, or give --with-names"
            )


def _folder_name(name: str) -> str:
    """A campaign's name as that of a folder."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", name).lstrip(".-") or "campaign"


def _left_out(source: Path, files: Mapping[str, Path]) -> list[JsonObject]:
    """What no packed campaign has, and what this one lost when it was packed before."""
    lost: list[JsonObject] = []
    if (manifest := source / campaign_parts.MANIFEST).is_file():
        before = read_document(manifest)
        lost = before.get("left_out", []) if isinstance(before, dict) else []
    tries = [path for inside, path in files.items() if _TRIES.fullmatch(inside)]
    others = [
        path
        for inside, path in files.items()
        if path not in tries and not _KNOWN.fullmatch(inside) and not campaign_parts.part_of(inside)
    ]
    for what, paths, why in (
        ("tries that were cut short", tries, "no figure is of them"),
        ("other files", others, "no report is of them, and anything may be in them"),
    ):
        if paths:
            size = sum(path.stat().st_size for path in paths)
            lost.append({"what": what, "files": len(paths), "bytes": size, "why": why})
    return lost


def _hidden(inside: str, data: bytes, copied: Copy) -> bytes:
    """A file without names, which is the same where it has none."""
    text = data.decode(errors="replace")
    if inside == "campaign.json":
        value = private_names.hide_in_json(json.loads(text), copied.names)
        value["asked"] |= {"anonymize": True}
        return f"{json.dumps(value, indent=2)}\n".encode()
    if inside == "plan.toml":
        return private_names.hide_in_plan(text, copied.names).encode()
    if inside.endswith(("environment.json", "micro.json")):
        value = json.loads(text)
        shown = private_names.hide_in_json(value, copied.names)
        return data if shown == value else f"{json.dumps(shown, indent=2)}\n".encode()
    if inside.endswith("micro.jsonl"):
        return b"".join(_hidden_line(line, copied) for line in data.splitlines(keepends=True))
    if inside.endswith("path.jsonl"):
        return data
    shown_text = copied.shown(text)
    return data if shown_text == text else shown_text.encode()


def _hidden_line(line: bytes, copied: Copy) -> bytes:
    if not line.endswith(b"\n"):
        return b""  # torn by a crash, and never read
    value = json.loads(line)
    shown = private_names.hide_in_json(value, copied.names)
    if shown == value:
        return line
    return f"{json.dumps(shown, separators=(',', ':'))}\n".encode()
