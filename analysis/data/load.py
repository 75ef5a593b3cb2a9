# SPDX-License-Identifier: Apache-2.0
"""A campaign's files as objects. results/README.md describes them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import jsonschema

from analysis.data import archive
from analysis.data.bad_data import BadData, no_campaign
from analysis.data.json_files import JsonObject, read_document, read_lines, read_text
from analysis.data.path_check import is_surely_path
from analysis.data.read_ahead import read_files
from analysis.data.record_check import SAMPLES, check_record
from analysis.data.records import Record, Records
from formats import schema
from formats.campaign_format import FORMAT

__all__ = ["Campaign", "CountedPath", "Record", "Records", "load"]

# Fields of a record that are long, and of which nothing is worked out.
_UNREAD = ("empty_samples",)
# Records that are checked before they are put into columns.
_AT_ONCE = 500
# (variant, case) -> clock, unit and direction
Clocks = dict[tuple[str, str], tuple[str, str, str]]


@dataclass(frozen=True)
class CountedPath:
    """Instructions of one record by function, counted from outside the guest."""

    case: str
    variant: str
    boot: int
    ops: int
    instructions: int
    empty_instructions: int
    wrmsr: int
    pkrs_writes: int  # those of them that write IA32_PKRS
    functions: list[JsonObject]
    stacks: list[JsonObject] = field(default_factory=list)  # the same by who had called whom


@dataclass
class Campaign:
    """All of a campaign that reports and comparisons need."""

    folder: Path
    header: JsonObject
    records: Records = field(default_factory=Records)
    paths: list[CountedPath] = field(default_factory=list)
    controls: Records = field(
        default_factory=Records
    )  # cases of known length, which say whether the others are true
    control_paths: list[CountedPath] = field(default_factory=list)
    environments: dict[str, JsonObject] = field(
        default_factory=dict
    )  # of the first boot of each variant
    boots: dict[tuple[str, int], JsonObject] = field(
        default_factory=dict
    )  # environment of each boot that handed one out
    configs: dict[str, dict[str, str]] = field(
        default_factory=dict
    )  # symbols of each variant's kernel that are set, where its .config was kept
    files: dict[str, list[Path]] = field(
        default_factory=dict
    )  # of records and environments, by variant
    warnings: list[str] = field(default_factory=list)


def load(folder: Path, with_paths: bool = True) -> Campaign:
    """Reads a campaign; BadData where it is none, or a file in it is broken. with_paths: also what
    was counted from outside.
    """
    path = folder / "campaign.json"
    header = read_document(path, no_campaign(folder))
    version = header.get("format") if isinstance(header, dict) else None
    if version != FORMAT or isinstance(version, bool):
        raise BadData(
            f"{path}: format {version!s:.20}, and this kmapbench reads {FORMAT}: use the version"
            " that made it"
        )
    _check("campaign", header, path)
    campaign = Campaign(folder, header)
    boots = archive.boots_folder(folder)
    try:
        _add_boots(campaign, boots, with_paths)
    except BadData as error:  # of a file that is gone when we are: named as it lies in the archive
        raise BadData(str(error).replace(str(boots), _shown(folder, boots))) from None
    if not len(campaign.records):
        raise BadData(f"{folder}: not one record; see its console.log files for why, and run again")
    return campaign


def _shown(folder: Path, boots: Path) -> str:
    return str(folder if boots == folder else folder / archive.NAME)


def _add_boots(campaign: Campaign, folder: Path, with_paths: bool) -> None:
    """Reads all VARIANT/boot-NN of a folder into a campaign."""
    clocks: Clocks = {}
    found = _boot_folders(folder)
    micros = [boot / "micro.jsonl" for boot in found]
    # Closed here, whatever ends it: a traceback would keep its processes until Python's own end.
    with closing(read_files(micros, campaign.warnings, SAMPLES, _UNREAD)) as read:
        for boot, micro, lines in zip(found, micros, read):
            _add_boot(campaign, boot, micro, lines, clocks, with_paths)


def _add_boot(
    campaign: Campaign,
    boot: Path,
    micro: Path,
    lines: Iterator[tuple[int, JsonObject]],
    clocks: Clocks,
    with_paths: bool,
) -> None:
    variant, number = boot.parent.name, int(boot.name.removeprefix("boot-"))
    if variant not in campaign.configs:
        campaign.configs[variant] = _config(boot.parent / "config")
    _add_records(campaign, micro, lines, variant, number, clocks)
    campaign.files.setdefault(variant, []).extend((micro, boot / "environment.json"))
    if with_paths:
        _add_paths(campaign, boot / "path.jsonl")
    try:
        environment = read_document(boot / "environment.json")
    except FileNotFoundError:
        return  # the boot ended before it told
    _check("environment", environment, boot / "environment.json")
    campaign.boots[variant, number] = environment
    campaign.environments.setdefault(variant, environment)


def _boot_folders(folder: Path) -> list[Path]:
    """VARIANT/boot-NN, without what else begins like it: a crashed try, say."""
    found = [
        path for path in folder.glob("*/boot-*") if path.name.removeprefix("boot-").isdecimal()
    ]
    return sorted(found, key=lambda path: (path.parent.name, int(path.name.removeprefix("boot-"))))


def _add_records(
    campaign: Campaign,
    path: Path,
    lines: Iterator[tuple[int, JsonObject]],
    variant: str,
    boot: int,
    clocks: Clocks,
) -> None:
    seen = set()
    found: list[JsonObject] = []
    older: dict[str, float] | None = None
    for number, raw in lines:
        where = f"{path}:{number}"
        check_record(raw, where)
        if raw["clock"] == "icount" and raw["cost"] is not None and "pkrs_writes" not in raw:
            if older is None:
                older = _pkrs_writes(path.with_name("path.jsonl"))
            if raw["case"] in older:
                raw["pkrs_writes"] = older[raw["case"]]
        found.append(raw)
        if len(found) == _AT_ONCE:
            _extend(campaign, found)
            found = []
        if (raw["variant"], raw["boot"]) != (variant, boot):
            raise BadData(
                f"{where}: a record of {raw['variant']:.40}, boot {raw['boot']}, in another's"
                " folder; put it where it belongs"
            )
        key = (raw["case"], raw["launch"])
        if key in seen:
            raise BadData(
                f"{where}: case {raw['case']:.60}: there already in this boot; take one of the"
                " lines out"
            )
        seen.add(key)
        clock = (raw["clock"], raw["unit"], raw["better"])
        if clocks.setdefault((variant, raw["case"]), clock) != clock:
            other = " ".join(clocks[variant, raw["case"]])
            raise BadData(
                f"{where}: case {raw['case']:.60}: {' '.join(clock)} here and {other} elsewhere:"
                " never mixed; keep one in this campaign"
            )
    _extend(campaign, found)


def _extend(campaign: Campaign, records: list[JsonObject]) -> None:
    campaign.records.extend([raw for raw in records if "known" not in raw])
    campaign.controls.extend([raw for raw in records if "known" in raw])


def _pkrs_writes(path: Path) -> dict[str, float]:
    """An operation, by case: where records do not have them, as those of before 2026-11-29."""
    counted = (_path(line, f"{path}:{number}") for number, line in read_lines(path, []))
    return {one.case: one.pkrs_writes / one.ops for one in counted}


def _add_paths(campaign: Campaign, path: Path) -> None:
    controls = set(campaign.controls.names["case"])
    for number, line in read_lines(path, campaign.warnings):
        counted = _path(line, f"{path}:{number}")
        (campaign.control_paths if counted.case in controls else campaign.paths).append(counted)


def _config(path: Path) -> dict[str, str]:
    try:
        lines = read_text(path).splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if line.startswith("CONFIG_") and "=" in line)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema.load(name))


def _check(name: str, value: object, path: Path) -> None:
    error = jsonschema.exceptions.best_match(_validator(name).iter_errors(value))
    if error:
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        raise BadData(
            f"{path}: {where:.80}: {error.message:.120}; restore it, or use the version that"
            " made it"
        )


def _path(raw: JsonObject, where: str) -> CountedPath:
    if not is_surely_path(raw):
        error = jsonschema.exceptions.best_match(_validator("path").iter_errors(raw))
        if error:
            raise BadData(f"{where}: {error.message:.120}; take the line out")
    return CountedPath(**{"pkrs_writes": raw["wrmsr"]} | raw)
