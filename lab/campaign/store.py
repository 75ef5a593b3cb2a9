# SPDX-License-Identifier: Apache-2.0
"""A campaign on disk: results/README.md describes the format, results/schema/ checks it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from formats.campaign_format import CONTROL_REASON, FORMAT
from lab.campaign import bare_record, environment_diff, rounds, safe_files, validation
from lab.campaign.anonymity import Anonymity
from lab.campaign.schedule import Step
from lab.core.errors import KmapbenchError


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
        self.anonymity = Anonymity(header)
        self._lock = safe_files.lock(folder)

    @classmethod
    def begin(cls, folder: Path, header: dict[str, Any], plan: str = "") -> "Campaign":
        """A new campaign. Its folder appears with campaign.json in it, so that each one there is
        can be resumed.

        plan: what plan.toml will say.
        """
        if folder.exists():
            raise KmapbenchError(f"{folder}: there already; give another --out")
        anonymity = Anonymity(header)
        anonymity.check_variants(header)
        begun: dict[str, Any] = {"started": now(), "ended": None, "order": []}
        header = {"format": FORMAT, "name": folder.name, **header, **begun}
        header = anonymity.value(header)
        validation.validate("campaign", header)
        scratch = folder.with_name(f".{folder.name}.{os.getpid()}")
        try:
            scratch.mkdir(parents=True)
            (scratch / "plan.toml").write_text(plan)
            safe_files.write_json(scratch / "campaign.json", header)
            scratch.rename(folder)
            safe_files.sync(folder.parent)
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
        header = self.anonymity.value(header)
        for name in ("variants", "tools", "kmapbench", "planned"):
            if difference := next(
                environment_diff.differences(self.header[name], header[name], name), None
            ):
                raise KmapbenchError(
                    f"{self.folder}: it was begun with something else: {difference}; go on with"
                    " that, or begin a new campaign"
                )
        rounds.settle(self.header, now())
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
        validation.validate("campaign", self.header)
        safe_files.write_json(self.folder / "campaign.json", self.header)

    def left(self) -> list[Step]:
        """Steps that are still to be made well."""
        return rounds.left(self.header)

    def begin_boot(self, variant: str, boot: int, attempt: int = 1) -> "Boot":
        """A step of the plan, begun now, for the first time or again. attempt: of its round."""
        rounds.keep_coin(self.header, variant, boot, attempt)
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

    def unfinished_boot(self) -> "Boot | None":
        """The boot that was begun last, if it has not ended: with the records that are whole."""
        last = self.header["order"][-1] if self.header["order"] else None
        if not last or last["status"] != "running":
            return None
        boot = Boot(self, last, self.folder / last["variant"] / f"boot-{last['boot']:02d}")
        boot.records = safe_files.read_whole_lines(boot.folder / "micro.jsonl")
        if boot.records:
            safe_files.write_lines(boot.folder / "micro.jsonl", boot.records)
        else:
            (boot.folder / "micro.jsonl").unlink(missing_ok=True)
        return boot

    def end(self) -> None:
        self.header["ended"] = now()
        self.save()
        if not self.left():  # else its folders are needed to go on
            self.anonymity.hide_in_plan(self.folder / "plan.toml")

    def release(self) -> None:
        """Others may write to it."""
        os.close(self._lock)


class Boot:
    """One boot's folder."""

    def __init__(self, campaign: Campaign, step: dict[str, Any], folder: Path):
        self._campaign = campaign
        self._step = step
        self.variant = step["variant"]
        self.number = step["boot"]
        self.folder = folder
        with safe_files.naming(folder):
            folder.mkdir(parents=True, exist_ok=True)
            safe_files.sync(folder.parent)
        self.set_aside = folder.with_name(
            f"{folder.name}.try-{step['try']}"
        )  # where it is if it is made again
        self.crashed = False
        self.records: list[dict[str, Any]] = []

    def append(self, record: dict[str, Any]) -> None:
        """Adds a record to micro.jsonl; it is on disk when this returns."""
        record = self._campaign.anonymity.value(record)
        validation.validate("record", record)
        safe_files.append_line(self.folder / "micro.jsonl", record)
        self.records.append(record)

    def append_paths(self, paths: list[dict[str, Any]]) -> None:
        """Adds lines to path.jsonl, and their PKRS writes to the records of the same cases."""
        for path in paths:
            validation.validate("path", path)
            safe_files.append_line(self.folder / "path.jsonl", path)
        writes = {path["case"]: path["pkrs_writes"] / path["ops"] for path in paths}
        if counted := [record for record in self.records if record["case"] in writes]:
            for record in counted:
                record["pkrs_writes"] = writes[record["case"]]
                validation.validate("record", record)
            safe_files.write_lines(self.folder / "micro.jsonl", self.records)

    def append_crashed(self, case: str, clock: str, problem: str, last: list[str]) -> None:
        """The record of a case that was being measured when its boot ended. last: the console's
        last lines.
        """
        crashed = {"status": "crashed", "reason": problem, "console": last, "ops": 0, "cost": None}
        self.append(
            bare_record.record_without_samples(case, self.variant, self.number, clock, **crashed)
        )

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
        environment = self._campaign.anonymity.value(environment)
        validation.validate("environment", environment)
        safe_files.write_json(self.folder / "environment.json", environment)
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
            data = self._campaign.anonymity.data(config.read_bytes())
            safe_files.write_bytes(self.folder.parent / "config", data)

    def write_micro(self, value: dict[str, Any]) -> None:
        """micro.json: what Google Benchmark has to say."""
        safe_files.write_json(self.folder / "micro.json", self._campaign.anonymity.value(value))

    def end(self, problem: str | None = None) -> None:
        self.crashed = problem is not None
        self._end("crashed" if problem else "ok", problem)

    def end_not_up(self, problem: str) -> None:
        """Its kernel was started, and another one came up."""
        self._step["came_up"] = False
        self.end(problem)

    def interrupt(self, reason: str) -> None:
        """It was ended before its time, which says nothing of its kernel."""
        self._end("interrupted", reason)

    def _end(self, status: str, reason: str | None) -> None:
        self._campaign.anonymity.hide_in_files(self.folder)
        reason = self._campaign.anonymity.text(reason or "")
        self._step |= {"ended": now(), "status": status} | ({"reason": reason} if reason else {})
        self._campaign.save()


def read(folder: Path) -> dict[str, Any]:
    """campaign.json of a campaign that can be gone on with."""
    header = peek(folder)
    validation.validate("campaign", header)
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
            f"{path}: {error.strerror}; give a folder that `./kmapbench run` made"
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
