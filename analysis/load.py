# SPDX-License-Identifier: Apache-2.0
"""A campaign's files as objects. results/README.md describes them."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.errors import BadData

FORMAT = 1

# Fields that every record has, with the types they may have.
_RECORD_FIELDS = {
    "case": (str,),
    "variant": (str,),
    "boot": (int,),
    "launch": (int,),
    "clock": (str,),
    "unit": (str,),
    "status": (str,),
    "ops": (int,),
    "cost": (int, float, type(None)),
    "empty": (int, float, type(None)),
    "exact": (bool,),
    "oracle": (str,),
}

# Fields that some records have.
_OPTIONAL_FIELDS = {
    "cost_shifted": (int, float, type(None)),
    "histogram": (dict,),
    "irqs": (str,),
    "pages": (int,),
    "stand_in": (bool,),
    "rejected": (dict,),
}


@dataclass(frozen=True)
class Record:
    """One case measured in one boot or launch."""

    case: str
    variant: str
    boot: int
    launch: int
    clock: str
    unit: str
    status: str
    reason: str
    ops: int
    cost: float | None  # units an operation
    empty: float | None
    cost_core_cycles: float | None
    exact: bool
    oracle: str
    samples: np.ndarray  # shape (samples, 2): time of n and of 2n operations
    shifted_samples: np.ndarray  # the same at another alignment; none: the case has no such copy
    cost_shifted: float | None = None  # cost at that alignment
    histogram: dict | None = None  # in place of samples where there are very many; by window
    irqs: str | None = None  # what was off around each sample, of kernel cases
    pages: int | None = None  # that the case went round
    stand_in: bool = False  # another register in place of IA32_PKRS
    rejected: dict[str, int] = field(default_factory=dict)  # samples taken again, by cause
    overhead_ticks: float | None = None  # of a sample, beside its timed windows
    ioctl_share: float | None = None  # of the system call, that is not the module's


@dataclass(frozen=True)
class CountedPath:
    """Where the instructions of one record went, counted from outside."""

    case: str
    variant: str
    boot: int
    ops: int
    instructions: int
    empty_instructions: int
    wrmsr: int
    functions: list[dict]


@dataclass
class Campaign:
    """All of a campaign that the report needs."""

    folder: Path
    header: dict
    records: list[Record] = field(default_factory=list)
    paths: list[CountedPath] = field(default_factory=list)
    environments: dict[str, dict] = field(default_factory=dict)  # of the first boot of each variant
    warnings: list[str] = field(default_factory=list)


def load(folder: Path) -> Campaign:
    """Reads a campaign; BadData where it is none, or a file in it is broken."""
    header = _read_json(folder / "campaign.json", f"{folder}: no campaign there (no campaign.json); give a folder that `kmapbench run` made")
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else None
        raise BadData(f"{folder / 'campaign.json'}: format {found}, and this kmapbench reads {FORMAT}: use the version that made it")
    campaign = Campaign(folder, header)
    for boot in sorted(folder.glob("*/boot-*")):
        for line in _lines(boot / "micro.jsonl", campaign.warnings):
            campaign.records.append(_record(line, boot / "micro.jsonl"))
        for line in _lines(boot / "path.jsonl", campaign.warnings):
            campaign.paths.append(_path(line, boot / "path.jsonl"))
        environment = boot / "environment.json"
        if environment.exists():
            campaign.environments.setdefault(boot.parent.name, _read_json(environment, ""))
    if not campaign.records:
        raise BadData(f"{folder}: not one record; see its console.log files for why, and run again")
    return campaign


def _read_json(path: Path, missing: str):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise BadData(missing or f"{path}: missing") from None
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadData(f"{path}: not JSON ({error}); restore it or leave the campaign out") from None


def _lines(path: Path, warnings: list[str]) -> list[dict]:
    """The lines of a file of JSON lines; a torn last one is dropped with a word."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path}: {error}") from None
    *whole, rest = text.split("\n")
    if rest:
        warnings.append(f"{path}: the last line is torn, and was dropped")
    values = []
    for number, line in enumerate(whole, 1):
        try:
            value = json.loads(line, parse_constant=_no_constant)
        except ValueError as error:
            raise BadData(f"{path}:{number}: not JSON ({error}); take the line out") from None
        if not isinstance(value, dict):
            raise BadData(f"{path}:{number}: not an object; take the line out")
        values.append(value)
    return values


def _no_constant(name: str):
    raise ValueError(f"{name} is no figure")


def _record(raw: dict, path: Path) -> Record:
    expected = _RECORD_FIELDS | {name: types for name, types in _OPTIONAL_FIELDS.items() if name in raw}
    for name, types in expected.items():
        value = raw.get(name, _MISSING)
        # bool is an int to Python, and no count to us
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise BadData(f"{path}: case {raw.get('case', '?')!s:.60}: field {name} is {'missing' if value is _MISSING else 'wrong'}")
        if isinstance(value, float) and not math.isfinite(value):
            raise BadData(f"{path}: case {raw['case']:.60}: field {name} is no finite number")
    if raw["exact"] and any(not _one_value(window) for window in raw.get("histogram", {}).values()):
        raise BadData(f"{path}: case {raw['case']:.60}: exact, and its histogram has more than one value")
    overhead = raw["overhead"] if isinstance(raw.get("overhead"), dict) else {}
    return Record(
        **{name: raw[name] for name in _RECORD_FIELDS},
        **{name: raw[name] for name in _OPTIONAL_FIELDS if name in raw},
        reason=str(raw.get("reason", "")),
        cost_core_cycles=raw.get("cost_core_cycles"),
        samples=_pairs(raw, "samples", path),
        shifted_samples=_pairs(raw, "shifted_samples", path),
        overhead_ticks=overhead.get("sample"),
        ioctl_share=overhead.get("ioctl_share"),
    )


def _one_value(window) -> bool:
    return isinstance(window, dict) and window.get("min", 0) == window.get("max", 1)


def _pairs(raw: dict, name: str, path: Path) -> np.ndarray:
    try:
        return np.asarray(raw.get(name, []), dtype=np.float64).reshape(-1, 2)
    except (ValueError, TypeError):
        raise BadData(f"{path}: case {raw['case']:.60}: {name} are not pairs of numbers") from None


def _path(raw: dict, path: Path) -> CountedPath:
    try:
        return CountedPath(**raw)
    except TypeError as error:
        raise BadData(f"{path}: {error}") from None


_MISSING = object()
