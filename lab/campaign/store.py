# SPDX-License-Identifier: Apache-2.0
"""A campaign on disk: results/README.md describes the format, results/schema/ checks it."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from formats import schema
from formats.campaign_format import CONTROL_REASON, FORMAT, UNITS
from lab.campaign import environment_diff
from lab.campaign.schedule import Step
from lab.core.errors import KmapbenchError

_COUNTS = {"type": "integer", "minimum": 0}


@cache
def _validator(name: str) -> Any:
    """A jsonschema.Validator. Imported here, since reading a campaign works without it."""
    import jsonschema

    draft = jsonschema.Draft202012Validator

    def items(validator: Any, items: Any, instance: Any, schema: Any) -> Iterator[Any]:
        """The draft's own check, but for an array of counts, which holds thousands: a call for each
        would take seconds of a run.
        """
        if (
            items == _COUNTS
            and isinstance(instance, list)
            and all(type(value) is int and value >= 0 for value in instance)
        ):
            return
        yield from draft.VALIDATORS["items"](validator, items, instance, schema)

    return jsonschema.validators.extend(draft, {"items": items})(schema.load(name))


def validate(name: str, value: dict[str, Any]) -> None:
    """Checks a value against results/schema/NAME.schema.json."""
    from jsonschema import exceptions

    error = exceptions.best_match(_validator(name).iter_errors(value))
    if error:
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        raise KmapbenchError(f"{name}: {where}: {error.message[:200]}")


def now() -> str:
    """This moment, as campaigns write it: UTC, to the millisecond, which tells boots apart that
    begin side by side.
    """
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Campaign:
    """Writes a campaign. What has been written stays, whatever happens to us.

    A boot is the unit: one that was cut short is made again whole, and what it left is kept beside
    it (BOOT.try-N).
    """

    def __init__(self, folder: Path, header: dict[str, Any]):
        """folder: holds a campaign.json; begin() and reopen() see to that. Nobody else may write to
        it meanwhile.
        """
        self.folder = folder
        self.header = header
        self._lock = _locked(folder)

    @classmethod
    def begin(cls, folder: Path, header: dict[str, Any], plan: str = "") -> "Campaign":
        """A new campaign. Its folder appears with campaign.json in it, so that each one there is
        can be resumed.

        plan: what plan.toml will say.
        """
        if folder.exists():
            raise KmapbenchError(f"{folder}: there already; give another --out")
        header = header | {"asked": shown(header, header["asked"])}
        header = {
            "format": FORMAT,
            "name": folder.name,
            **header,
            "started": now(),
            "ended": None,
            "order": [],
        }
        validate("campaign", header)
        scratch = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            scratch.mkdir(parents=True)
            (scratch / "plan.toml").write_text(plan)
            write_json(scratch / "campaign.json", header)
            scratch.rename(folder)
            _sync(folder.parent)
        except OSError as error:
            raise KmapbenchError(f"{folder}: {error.strerror}; give another --out") from None
        return cls(folder, header)

    @classmethod
    def reopen(cls, folder: Path) -> "Campaign":
        """A campaign that was cut short; go_on() has to be called before anything is added
        to it.
        """
        header = read(folder)
        return cls(folder, header)

    def go_on(self, header: dict[str, Any]) -> None:
        """Makes ready for the rest of it. header: what it would be begun with now, which has to be
        the same.
        """
        for name in ("variants", "tools", "kmapbench", "planned"):
            if difference := next(
                environment_diff.differences(self.header[name], header[name], name), None
            ):
                raise KmapbenchError(
                    f"{self.folder}: it was begun with something else: {difference}; go on with"
                    " that, or begin a new campaign"
                )
        for step in self.header["order"]:
            if step["status"] == "running":
                step |= {
                    "ended": now(),
                    "status": "interrupted",
                    "reason": "kmapbench was ended in the middle of it",
                }
        self.save()

    def differences(self) -> list[str]:
        """What boots of one variant had not in common, a line each."""
        return [
            f"{step['variant']}, boot {step['boot']}: {one}"
            for step in self.header["order"]
            for one in step.get("differs", [])
        ]

    def save(self) -> None:
        """campaign.json, replaced whole."""
        validate("campaign", self.header)
        write_json(self.folder / "campaign.json", self.header)

    def left(self) -> list[Step]:
        """Steps that are still to be made well."""
        return left(self.header)

    def begin_boot(self, variant: str, boot: int) -> "Boot":
        """A step of the plan, begun now, for the first time or again."""
        tries = [
            step
            for step in self.header["order"]
            if (step["variant"], step["boot"]) == (variant, boot)
        ]
        folder = self.folder / variant / f"boot-{boot:02d}"
        if folder.exists():
            folder.rename(
                folder.with_name(f"{folder.name}.try-{len(tries)}")
            )  # as set_aside of that try has it
        step = {
            "variant": variant,
            "boot": boot,
            "try": len(tries) + 1,
            "started": now(),
            "ended": None,
            "status": "running",
        }
        self.header["order"].append(step)
        self.save()
        return Boot(self, step, folder)

    def end(self) -> None:
        self.header["ended"] = now()
        self.save()

    def release(self) -> None:
        """Others may write to it."""
        os.close(self._lock)


def record_without_samples(
    case: str, variant: str, boot: int, clock: str, **fields: Any
) -> dict[str, Any]:
    """A record of what has no loop of ours. fields: status, ops, cost and what else there is to
    say.
    """
    return {
        "case": case,
        "variant": variant,
        "boot": boot,
        "launch": 1,
        "clock": clock,
        "unit": UNITS[clock],
        "better": "lower",
        "empty": None,
        "exact": False,
        "oracle": "none",
        "counters": {},
        "rejected": {},
        "samples": [],
        "empty_samples": [],
    } | fields


class Boot:
    """One boot's folder."""

    def __init__(self, campaign: Campaign, step: dict[str, Any], folder: Path):
        self._campaign = campaign
        self._step = step
        self.variant = step["variant"]
        self.number = step["boot"]
        self.folder = folder
        with naming(folder):
            folder.mkdir(parents=True)
            _sync(folder.parent)
        self.set_aside = folder.with_name(
            f"{folder.name}.try-{step['try']}"
        )  # where it is if it is made again
        self.crashed = False
        self.records: list[dict[str, Any]] = []

    def append(self, record: dict[str, Any]) -> None:
        """Adds a record to micro.jsonl; it is on disk when this returns."""
        validate("record", record)
        _append_line(self.folder / "micro.jsonl", record)
        self.records.append(record)

    def append_path(self, path: dict[str, Any]) -> None:
        validate("path", path)
        _append_line(self.folder / "path.jsonl", path)

    def append_crashed(self, case: str, clock: str, problem: str, last: list[str]) -> None:
        """The record of a case that was being measured when its boot ended. last: the console's
        last lines.
        """
        crashed = {"status": "crashed", "reason": problem, "console": last, "ops": 0, "cost": None}
        self.append(record_without_samples(case, self.variant, self.number, clock, **crashed))

    def failed_oracles(self) -> list[str]:
        """Cases in which protection did not hold."""
        return [record["case"] for record in self.records if record["oracle"] == "failed"]

    def failed_control(self) -> str | None:
        """What is wrong with a case of known length, if anything is: then no figure of this boot is
        true.
        """
        reasons = (
            record["reason"]
            for record in self.records
            if "known" in record and record.get("reason", "").startswith(CONTROL_REASON)
        )
        return next(reasons, None)

    def write_environment(self, environment: dict[str, Any], config: Path | None = None) -> None:
        """What it ran on, held against the variant's other boots. config: the kernel's .config;
        without it, as the environment names it.
        """
        environment = shown(self._campaign.header, environment)
        validate("environment", environment)
        write_json(self.folder / "environment.json", environment)
        others = (
            path
            for path in sorted(self.folder.parent.glob("boot-*/environment.json"))
            if path.parent != self.folder
        )
        if other := next(others, None):
            if found := list(
                environment_diff.differences(json.loads(other.read_text()), environment)
            ):
                self._step["differs"] = found
        config = config or Path(environment["kernel"].get("config_file") or "/nonexistent")
        if config.is_file() and not (self.folder.parent / "config").exists():
            write_bytes(self.folder.parent / "config", config.read_bytes())

    def write_micro(self, value: dict[str, Any]) -> None:
        """micro.json: what Google Benchmark has to say."""
        write_json(self.folder / "micro.json", shown(self._campaign.header, value))

    def end(self, problem: str | None = None) -> None:
        self.crashed = problem is not None
        self._end("crashed" if problem else "ok", problem)

    def interrupt(self, reason: str) -> None:
        """It was ended before its time, which says nothing of its kernel."""
        self._end("interrupted", reason)

    def _end(self, status: str, reason: str | None) -> None:
        self._step |= {"ended": now(), "status": status} | ({"reason": reason} if reason else {})
        self._campaign.save()


def read(folder: Path) -> dict[str, Any]:
    """campaign.json of a campaign that can be gone on with."""
    header = peek(folder)
    validate("campaign", header)
    return header


def peek(folder: Path) -> dict[str, Any]:
    """The same without the schema, which takes jsonschema: enough to say that a folder is no
    campaign.
    """
    path = folder / "campaign.json"
    try:
        header = json.loads(path.read_text())
    except OSError as error:
        raise KmapbenchError(
            f"{path}: {error.strerror}; give a folder that `kmapbench run` made"
        ) from None
    except ValueError as error:
        raise KmapbenchError(
            f"{path}: not JSON ({error}); restore it, or begin a new campaign"
        ) from None
    if not isinstance(header, dict) or "planned" not in header:
        raise KmapbenchError(
            f"{path}: made by an older kmapbench, without a plan to go on with; begin a new"
            " campaign"
        )
    return header


def shown(header: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """As much of a value as may be shown to everybody, where that was asked for."""
    if not header["asked"].get("anonymize"):
        return value
    hidden: dict[str, Any] = environment_diff.anonymous(
        value, {os.uname().nodename: "HOST", str(Path.home()): "~"}
    )
    return hidden


def left(header: dict[str, Any]) -> list[Step]:
    """Steps of the plan that have not been made well yet, in its order."""
    good = {(step["variant"], step["boot"]) for step in header["order"] if step["status"] == "ok"}
    return [
        Step(**step) for step in header["planned"] if (step["variant"], step["boot"]) not in good
    ]


def _locked(folder: Path) -> int:
    """A lock on a folder, which goes when it is closed, and with us in any case; as a
    descriptor.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise KmapbenchError(
            f"{folder}: another kmapbench is at work in it: wait for it, or end it"
        ) from None
    return fd


def _sync(folder: Path) -> None:
    """What was made or renamed in a folder is there after a power loss, too."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _append_line(path: Path, value: dict[str, Any]) -> None:
    with naming(path), path.open("a") as file:
        file.write(json.dumps(value, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces a file by a new one, at once and for good."""
    scratch = path.with_name(f".{path.name}.new")
    with naming(path), scratch.open("w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    _sync(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    with naming(path):
        path.write_bytes(content)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """A failed write does not say of which file; we do."""
    try:
        yield
    except OSError as error:
        raise KmapbenchError(
            f"{path}: {error.strerror}; what was written before is kept, and run --resume goes on"
            " after it"
        ) from None


def new_folder(parent: Path, name: str) -> Path:
    """A name nobody has yet: the minute, what is measured, and a number where that is taken."""
    stem = f"{time.strftime('%Y-%m-%dT%H%M')}-{name}"
    candidate, number = parent / stem, 1
    while candidate.exists():
        number += 1
        candidate = parent / f"{stem}-{number}"
    return candidate
