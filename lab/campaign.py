# SPDX-License-Identifier: Apache-2.0
"""A campaign on disk: results/README.md describes the format, results/schema/ checks it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jsonschema

from lab.errors import KmapbenchError
from lab.paths import RESULTS

FORMAT = 1
_UNITS = {"icount": "instructions", "tsc": "ticks"}

_DRAFT = jsonschema.Draft202012Validator
_COUNTS = {"type": "integer", "minimum": 0}


def _items(validator, items, instance, schema):
    """The draft's own check, but for an array of counts, which holds thousands: a call for each would take seconds of a run."""
    if items == _COUNTS and isinstance(instance, list) and all(type(value) is int and value >= 0 for value in instance):
        return
    yield from _DRAFT.VALIDATORS["items"](validator, items, instance, schema)


_Validator = jsonschema.validators.extend(_DRAFT, {"items": _items})


@cache
def _validator(name: str) -> jsonschema.protocols.Validator:
    schema = json.loads((RESULTS / "schema" / f"{name}.schema.json").read_text())
    return _Validator(schema)


def validate(name: str, value: dict) -> None:
    """Checks a value against results/schema/NAME.schema.json."""
    error = jsonschema.exceptions.best_match(_validator(name).iter_errors(value))
    if error:
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        raise KmapbenchError(f"{name}: {where}: {error.message[:200]}")


def now() -> str:
    """This moment, as campaigns write it: UTC, to the millisecond, which tells boots apart that begin side by side."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Campaign:
    """Writes a campaign. What has been written stays, whatever happens to us."""

    def __init__(self, folder: Path, header: dict):
        self.folder = folder
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise KmapbenchError(f"{folder}: there already; give another --out") from None
        except OSError as error:
            raise KmapbenchError(f"{folder}: {error.strerror}; give another --out") from None
        self.header = {"format": FORMAT, "name": folder.name, **header, "started": now(), "ended": None, "order": []}
        self.save()

    def save(self) -> None:
        """campaign.json, replaced whole."""
        validate("campaign", self.header)
        write_json(self.folder / "campaign.json", self.header)

    def begin_boot(self, variant: str, boot: int) -> "Boot":
        """The next step of the order, begun now."""
        step = {"variant": variant, "boot": boot, "started": now(), "ended": None, "status": "running"}
        self.header["order"].append(step)
        self.save()
        return Boot(self, step)

    def end(self) -> None:
        self.header["ended"] = now()
        self.save()


class Boot:
    """One boot's folder."""

    def __init__(self, campaign: Campaign, step: dict):
        self._campaign = campaign
        self._step = step
        self.variant = step["variant"]
        self.number = step["boot"]
        self.folder = campaign.folder / self.variant / f"boot-{self.number:02d}"
        self.folder.mkdir(parents=True)
        self.records: list[dict] = []

    def append(self, record: dict) -> None:
        """Adds a record to micro.jsonl; it is on disk when this returns."""
        validate("record", record)
        _append_line(self.folder / "micro.jsonl", record)
        self.records.append(record)

    def append_path(self, path: dict) -> None:
        validate("path", path)
        _append_line(self.folder / "path.jsonl", path)

    def append_crashed(self, case: str, clock: str, problem: str, last: list[str]) -> None:
        """The record of a case that was being measured when its boot ended. last: the console's last lines."""
        self.append(
            {
                "case": case,
                "variant": self.variant,
                "boot": self.number,
                "launch": 1,
                "clock": clock,
                "unit": _UNITS[clock],
                "better": "lower",
                "status": "crashed",
                "reason": problem,
                "console": last,
                "ops": 0,
                "cost": None,
                "empty": None,
                "exact": False,
                "oracle": "none",
                "counters": {},
                "rejected": {},
                "samples": [],
                "empty_samples": [],
            }
        )

    def failed_oracles(self) -> list[str]:
        """Cases in which protection did not hold."""
        return [record["case"] for record in self.records if record["oracle"] == "failed"]

    def write_environment(self, environment: dict) -> None:
        validate("environment", environment)
        write_json(self.folder / "environment.json", environment)

    def end(self, problem: str | None = None) -> None:
        self._step["ended"] = now()
        self._step["status"] = "crashed" if problem else "ok"
        if problem:
            self._step["reason"] = problem
        self._campaign.save()


def _append_line(path: Path, value: dict) -> None:
    with _naming(path), path.open("a") as file:
        file.write(json.dumps(value, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: dict) -> None:
    """Replaces a file by a new one, at once and for good."""
    scratch = path.with_name(f".{path.name}.new")
    with _naming(path), scratch.open("w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """A failed write does not say of which file; we do."""
    try:
        yield
    except OSError as error:
        raise KmapbenchError(f"{path}: {error.strerror}; what was written before is kept") from None


def new_folder(parent: Path, name: str) -> Path:
    """A name nobody has yet: the minute, what is measured, and a number where that is taken."""
    stem = f"{time.strftime('%Y-%m-%dT%H%M')}-{name}"
    candidate, number = parent / stem, 1
    while candidate.exists():
        number += 1
        candidate = parent / f"{stem}-{number}"
    return candidate
