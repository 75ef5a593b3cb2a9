# SPDX-License-Identifier: Apache-2.0
"""The folder of a site: files that are written where they changed, and a manifest of them."""

import hashlib
import json
import os
from pathlib import Path, PurePosixPath
from typing import Any

from analysis.data.bad_data import BadData

MANIFEST = "kmapbench-site.json"
# Folders of ours, in which nothing else is left.
_OWN = ("assets", "badges", "case", "data")


class SiteFolder:
    """Where a site is written to. Use `close` when all of it was."""

    def __init__(self, folder: Path, maker: str):
        """maker: what the program is that writes; of what another one has written nothing is kept.
        BadData where the folder has something else in it, or cannot be made.
        """
        self.folder = folder
        self._maker = maker
        check_folder(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            known = _read(folder / MANIFEST)
            if not known:  # what an interrupted build leaves behind is known to be ours
                self._replace(MANIFEST, _encoded({"maker": maker, "files": {}, "kept": {}}))
        except OSError as error:
            raise BadData(f"{folder}: {error.strerror}; give --out a folder to write to") from None
        self._there: dict[str, str] = known.get("files", {})
        is_same = known.get("maker") == maker
        self._old = self._there if is_same else {}
        self.kept: dict[str, Any] = known.get("kept", {}) if is_same else {}
        self._new: dict[str, str] = {}
        self.written = 0  # files

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, if it is not there as it should be."""
        digest = hashlib.sha256(content).hexdigest()
        if self._new.get(name) == digest:
            return
        self._new[name] = digest
        if self._old.get(name) != digest or not self._is_whole(name, digest):
            self._replace(name, content)
            self.written += 1

    def keep(self, name: str) -> bool:
        """Leaves a file as it was written earlier. False: it is not there as it was."""
        if name in self._new:
            return True
        digest = self._old.get(name, "")
        if not self._is_whole(name, digest):
            return False
        self._new[name] = digest
        return True

    def close(self, kept: dict[str, Any]) -> None:
        """Writes the manifest, and removes files of an earlier site that are not in this one. kept:
        what the next build has in `kept`.
        """
        for name in self._stale():
            (self.folder / name).unlink(missing_ok=True)
        content = _encoded({"maker": self._maker, "files": self._new, "kept": kept})
        path = self.folder / MANIFEST
        if not path.is_file() or path.read_bytes() != content:
            self._replace(MANIFEST, content)

    def _stale(self) -> set[str]:
        found = set(self._there)
        for parent in _OWN:
            for path in (self.folder / parent).rglob("*"):
                if path.is_file() or path.is_symlink():
                    found.add(str(path.relative_to(self.folder)))
        return found - set(self._new)

    def _is_whole(self, name: str, digest: str) -> bool:
        try:
            with open(self.folder / name, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            return False

    def _replace(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.new")
        scratch.write_bytes(content)
        os.replace(scratch, path)


def check_folder(folder: Path) -> None:
    """BadData where a site would be written over something else."""
    if folder.exists() and not folder.is_dir():
        raise BadData(f"{folder}: no folder; give --out another one")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise BadData(
            f"{folder}: there is something else in it (no {MANIFEST}); give --out an empty folder,"
            " or one with a site"
        )


def _read(path: Path) -> dict[str, Any]:
    """A manifest; empty where it is not there as it was written: then all is made anew."""
    try:
        content = path.read_bytes()
        known = json.loads(content)
        is_whole = content == _encoded({name: known[name] for name in ("maker", "files", "kept")})
        # What it names is removed one day: nothing outside the folder may be in it.
        return known if is_whole and all(map(_is_inside, known["files"])) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _encoded(value: dict[str, Any]) -> bytes:
    """A manifest with a hash of itself."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    whole = value | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    return json.dumps(whole, sort_keys=True, separators=(",", ":")).encode() + b"\n"
