# SPDX-License-Identifier: Apache-2.0
"""What a gate was asked and how far it came, from the files in its folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from analysis.data.bad_data import BadData, printable
from analysis.data.json_files import JsonObject, read_document
from formats import schema
from formats.gate_files import BASE, CAMPAIGN, FILE, HEAD

SIDES = (BASE, HEAD)
# How both are called in print.
WORDS = {BASE: "BASE", HEAD: "HEAD"}


@dataclass(frozen=True)
class GateFolder:
    """A gate's folder; gate.json as it stands there."""

    folder: Path
    facts: JsonObject
    header: JsonObject | None  # campaign.json, where a campaign was begun

    @property
    def campaign(self) -> Path:
        """The folder of the campaign, which need not be there."""
        return self.folder / CAMPAIGN

    @property
    def cases(self) -> list[str]:
        """Globs of the cases that were asked for; none: all that were measured."""
        asked = self.facts["cases"]
        return [] if asked in ("default", "all") else [asked]

    def describe(self, side: str) -> str:
        """A side in a few words: its commit, patches, or where it was built."""
        said = self.facts["sides"][side]
        text = said.get("subject") or said["said"]
        patches = said.get("patches", [])
        more = f" with {len(patches)} patch{'' if len(patches) == 1 else 'es'}" if patches else ""
        return printable(f"{text}{more}")

    def steps(self, side: str) -> list[JsonObject]:
        """The boots of a side that were begun, tries included, in their order."""
        order = self.header["order"] if self.header else []
        return [step for step in order if step["variant"] == side]

    def missing_boots(self, side: str) -> list[int]:
        """Boots that were planned and never came to their end."""
        planned = self.header.get("planned", []) if self.header else []
        done = {step["boot"] for step in self.steps(side) if step["status"] == "ok"}
        return [
            one["boot"] for one in planned if one["variant"] == side and one["boot"] not in done
        ]


def read_folder(folder: Path) -> GateFolder:
    """The files of a gate; BadData where it is none, or one of them is broken."""
    path = folder / FILE
    facts = _checked("gate", path, f"{folder}: no gate there; give a folder of ./kmapbench gate")
    header: JsonObject | None = None
    campaign = folder / CAMPAIGN / "campaign.json"
    if campaign.exists():
        header = _checked("campaign", campaign, "")
    return GateFolder(folder, facts, header)


def _checked(name: str, path: Path, missing: str) -> JsonObject:
    value: Any = read_document(path, missing)
    validator = jsonschema.Draft202012Validator(schema.load(name))
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error:
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        raise BadData(f"{path}: {where:.80}: {error.message:.120}; begin a new gate")
    assert isinstance(value, dict)
    return value
