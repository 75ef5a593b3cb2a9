# SPDX-License-Identifier: Apache-2.0
"""`kmapbench pack`: a campaign as one small archive, with all that a reader needs to check it."""

import hashlib
import io
import json
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analysis.data import archive
from analysis.data.bad_data import BadData
from analysis.data.json_files import JsonObject, read_bytes, read_document
from analysis.sharing import campaign_parts, fewer_samples, hidden_copy, name_check, same_campaign
from analysis.sharing.campaign_parts import MANIFEST, MOST_PACKED_BYTES, OPTIONAL, PARTS, Part

# What liblzma may look back for what it has seen: the boots of a campaign are much alike.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 64 << 20}]
_WHY = f"the archive would have {MOST_PACKED_BYTES:,d} bytes or more"


@dataclass(frozen=True)
class Packed:
    """An archive that was written."""

    path: Path
    size: int  # bytes
    files: int
    left_out: list[JsonObject]  # what of the campaign is not in it


@dataclass(frozen=True)
class Asked:
    """What `pack` was asked for."""

    folder: Path
    out: Path | None
    anonymize: bool
    with_names: bool


def pack(
    asked: Asked, own_names: Mapping[str, str], write_report: Callable[[Path], object]
) -> Packed:
    """Writes the archive of a campaign, after it was read back and compared with the original.

    own_names: of this machine. write_report: writes a campaign's report into its folder. A BadData
    where names would be given away, or where the archive would be too large.
    """
    with tempfile.TemporaryDirectory(prefix="kmapbench-pack-") as name:
        scratch = Path(name)
        copied = hidden_copy.copy(asked.folder, scratch / "copy", own_names, asked.anonymize)
        if not asked.anonymize and not asked.with_names:
            _refuse_names(asked.folder, copied)
        write_report(copied.folder)
        if asked.anonymize and (found := next(_names_in(copied), "")):
            raise BadData(
                f"{asked.folder}: {found}, which --anonymize does not know to hide: take it out, or"
                " give --with-names"
            )
        data, left_out, count = _compress(copied)
        scratch_file = scratch / "packed.tar.xz"
        scratch_file.write_bytes(data)
        has_samples = all(one["what"] != fewer_samples.WHAT for one in left_out)
        _prove(asked, copied, scratch_file, scratch / "again", has_samples)
        out = asked.out or asked.folder.resolve().parent / f"{copied.name}.tar.xz"
        _write(out, data)
    return Packed(out, len(data), count, left_out)


def _refuse_names(folder: Path, copied: hidden_copy.Copy) -> None:
    """A BadData where a campaign was not made for others to see."""
    mend = "give --anonymize to hide names in the archive, or --with-names to keep them"
    header = read_document(folder / "campaign.json")
    if found := next(_names_in(copied), ""):
        raise BadData(f"{folder}: {found}; {mend}")
    if not header["asked"].get("anonymize"):
        raise BadData(f"{folder}: was measured without --anonymize; {mend}")


def _names_in(copied: hidden_copy.Copy) -> Iterator[str]:
    for path in sorted(path for paths in _files_by_part(copied.folder).values() for path in paths):
        for found in name_check.find_in_file(path.read_bytes(), copied.names):
            yield f"{path.relative_to(copied.folder)} has a {found:.80}"


def _compress(copied: hidden_copy.Copy) -> tuple[bytes, list[JsonObject], int]:
    """The archive, what was left out to make it small enough, and the number of its files."""
    files = _files_by_part(copied.folder)
    left_out = list(copied.left_out)
    while True:
        kept = [path for part in PARTS for path in files.get(part.name, [])]
        data = _archive(copied, [*kept, _write_manifest(copied, kept, left_out)])
        if len(data) < MOST_PACKED_BYTES:
            return data, left_out, len(kept) + 1
        if part := next((part for part in OPTIONAL if files.get(part.name)), None):
            left_out.append(_left_out(part, files.pop(part.name)))
        elif spared := sum(map(fewer_samples.rewrite, files.get("records", []))):
            size = {"files": len(files["records"]), "bytes": spared}
            left_out.append({"what": fewer_samples.WHAT, **size, "why": _WHY})
        else:
            raise BadData(_too_large(copied, files))


def _files_by_part(folder: Path) -> dict[str, list[Path]]:
    """Files of a copy, by the name of their part; what `report` makes for others is in none."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*"), key=lambda path: (path.name, str(path))):
        part = campaign_parts.part_of(path.relative_to(folder).as_posix())
        if path.is_file() and part and path.name != MANIFEST:
            files.setdefault(part.name, []).append(path)
    return files


def _left_out(part: Part, paths: Sequence[Path]) -> JsonObject:
    size = sum(path.stat().st_size for path in paths)
    made = {"made_by": part.made_by} if part.made_by else {}
    return {"what": part.name, "files": len(paths), "bytes": size, "why": _WHY, **made}


def _write_manifest(
    copied: hidden_copy.Copy, kept: Sequence[Path], left_out: Sequence[JsonObject]
) -> Path:
    path = copied.folder / MANIFEST
    described = {
        "format": 1,
        "name": copied.name,
        "names_hidden": copied.is_hidden,
        "left_out": list(left_out),
        "files": {
            file.relative_to(copied.folder).as_posix(): {
                "bytes": file.stat().st_size,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in sorted(kept)
        },
    }
    path.write_text(json.dumps(described, indent=2) + "\n")
    return path


def _archive(copied: hidden_copy.Copy, paths: Sequence[Path]) -> bytes:
    """The same bytes for the same files, whoever packs them and when."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as packed:
        for path in paths:
            inside = path.relative_to(copied.folder).as_posix()
            member = tarfile.TarInfo(f"{copied.name}/{inside}")
            member.size, member.mtime = path.stat().st_size, _begun(copied.started)
            with path.open("rb") as file:
                packed.addfile(member, file)
    return lzma.compress(buffer.getvalue(), format=lzma.FORMAT_XZ, filters=_FILTERS)


def _begun(started: str) -> int:
    """Seconds since 1970, for the dates of files."""
    return int(datetime.fromisoformat(started.replace("Z", "+00:00")).timestamp())


def _too_large(copied: hidden_copy.Copy, files: Mapping[str, Sequence[Path]]) -> str:
    sizes = {name: len(_archive(copied, paths)) for name, paths in files.items()}
    said = ", ".join(f"{name} {size:,d} bytes" for name, size in sizes.items())
    return (
        f"{copied.source}: packed it has {MOST_PACKED_BYTES:,d} bytes or more, and nothing more can"
        f" be left out ({said}): measure fewer cases or boots in one campaign"
    )


def _prove(
    asked: Asked, copied: hidden_copy.Copy, path: Path, target: Path, has_samples: bool
) -> None:
    """Reads an archive back; a BadData where it is not the campaign that was to be packed."""
    archive.unpack(path, target, campaign_parts.MOST_UNPACKED_BYTES)
    unpacked = target / copied.name
    for file in copied.folder.rglob("*"):
        inside = unpacked / file.relative_to(copied.folder)
        if inside.is_file() and read_bytes(inside) != file.read_bytes():
            raise BadData(f"{asked.folder}: {inside.name} is not what was packed: pack it again")
    differences = same_campaign.differences(asked.folder, unpacked, copied.shown, has_samples)
    if found := next(differences, ""):
        mend = "; --with-names changes nothing" if asked.anonymize else ""
        raise BadData(f"{asked.folder}: packed, it differs from the original in {found}{mend}")


def _write(out: Path, data: bytes) -> None:
    """Writes a file whole or not at all. One that is there is never replaced by another."""
    if out.exists():
        if out.is_file() and out.read_bytes() == data:
            return
        raise BadData(f"{out}: there already, and not the same; give another --out")
    part = out.with_name(f".{out.name}.part")
    part.write_bytes(data)
    part.replace(out)
