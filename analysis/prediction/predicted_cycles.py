# SPDX-License-Identifier: Apache-2.0
"""What llvm-mca predicts of each case, and how far that is from what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
from numpy.typing import NDArray

from analysis.data.bad_data import BadData, printable
from analysis.data.grouping import group_by
from analysis.data.json_files import read_document
from analysis.data.load import load
from analysis.data.records import Record
from formats import prediction_file, schema
from formats.campaign_format import USER_SPACE

# A prediction that is further off on this machine is not fit to be used.
LARGEST_ERROR = 0.15
# The fence and the loop of the user models whose pairs stand alone.
FENCE = "user/empty/alone"

# Cycles of one PKRS write: what is shown, and the only published number that we found.
WRITE_CYCLES = (20, 300)
PUBLISHED_WRITE = 185
PUBLISHED_SOURCE = "i7-12700H; BULKHEAD, NDSS 2025, table III"


@dataclass(frozen=True)
class Cycles:
    """Predicted cycles of one operation without its PKRS writes, the loop's end taken away."""

    alone: float  # by itself; a load waits for the stores that it reads
    rate: float  # of operations that overlap
    in_order: float  # by itself; each load waits for all stores before it

    @property
    def low(self) -> float:
        return min(self.alone, self.rate, self.in_order)

    @property
    def high(self) -> float:
        return max(self.alone, self.rate, self.in_order)


@dataclass(frozen=True)
class PredictedCase:
    """One case of one variant."""

    case: str
    variant: str
    instructions: int
    writes: int
    cycles: dict[str, Cycles]  # by CPU
    refused: str  # why nothing is predicted; empty where something is


@dataclass(frozen=True)
class Measured:
    """Core cycles of an operation in several records."""

    median: float
    low: float
    high: float
    records: int

    @classmethod
    def of(cls, cycles: NDArray[np.float64]) -> "Measured":
        low, median, high = (float(one) for one in np.quantile(cycles, (0, 0.5, 1)))
        return cls(median, low, high, len(cycles))


@dataclass(frozen=True)
class CycleRecords:
    """What was measured in core cycles in a campaign, which is read when it is first asked for."""

    campaign: Path

    @cached_property
    def all(self) -> list[Record]:
        """BadData where the campaign is broken."""
        return [
            record
            for record in load(self.campaign, with_paths=False).records
            if record.status == "ok" and record.cost_core_cycles is not None
        ]


@dataclass(frozen=True)
class ModelError:
    """A user model of this machine: a pair by itself, without fence and loop, in core cycles."""

    case: str
    predicted: Cycles
    measured: float  # median of the launches
    low: float
    high: float
    launches: int

    @property
    def error(self) -> float:
        """As a share of what was measured."""
        return self.predicted.alone / self.measured - 1


@dataclass(frozen=True)
class Prediction:
    """All that is predicted, with its errors here."""

    llvm: str
    machine: str
    here: str | None  # this machine's CPU in LLVM; None: LLVM does not know it
    cpus: list[str]
    same: dict[str, list[str]]  # by CPU: others that LLVM takes for the same
    load: list[float] | None
    left_out: list[str]  # mnemonics of executed instructions that llvm-mca was not given
    cases: list[PredictedCase]  # of kernels
    refused_models: list[PredictedCase]  # that were not predicted
    unmeasured: list[str]  # models that were predicted, and are compared with nothing
    errors: list[ModelError]
    records: CycleRecords

    @cached_property
    def measured(self) -> dict[tuple[str, str], Measured]:
        """All that took core cycles, in a loop of its own, by case and variant."""
        groups = group_by(self.records.all, lambda record: (record.case, record.variant))
        return {key: Measured.of(_cycles(group)) for key, group in groups.items()}

    @property
    def misses(self) -> list[ModelError]:
        """User models whose prediction is further off than LARGEST_ERROR."""
        return [one for one in self.errors if abs(one.error) > LARGEST_ERROR]

    @property
    def is_fit(self) -> bool:
        """Whether all user models of this machine were predicted well enough."""
        lost = self.misses or self.refused_models or self.unmeasured
        return bool(self.errors) and not lost


def read_prediction(folder: Path, campaign: Path) -> Prediction:
    """folder: of a prediction; campaign: of the user models. BadData where either is broken."""
    raw = _read(folder / prediction_file.FILE)
    cases = [_case(path, raw["loop"], raw["cpus"]) for path in raw["paths"]]
    models = [one for one in cases if one.variant == USER_SPACE and one.case != FENCE]
    compared = [one for one in models if not one.refused] if raw["here"] else []
    records = CycleRecords(campaign)
    measured = _beyond_the_fence(records) if compared else {}
    return Prediction(
        llvm=printable(raw["llvm"]),
        machine=printable(raw["machine"]),
        here=raw["here"],
        cpus=raw["cpus"],
        same=raw["same"],
        load=raw["load"],
        left_out=sorted({name for path in raw["paths"] for name in path["stripped"]}),
        cases=[one for one in cases if one.variant != USER_SPACE],
        refused_models=[one for one in models if one.refused],
        unmeasured=[one.case for one in compared if one.case not in measured],
        errors=[
            _error(one.case, one.cycles[raw["here"]], measured[one.case])
            for one in compared
            if one.case in measured
        ],
        records=records,
    )


def _read(path: Path) -> dict[str, Any]:
    raw = read_document(path, f"{path}: not there; ./kmapbench predict makes it")
    validator = jsonschema.Draft202012Validator(schema.load("prediction"))
    error = jsonschema.exceptions.best_match(validator.iter_errors(raw))
    if error:
        where = "/".join(str(part) for part in error.absolute_path) or "top level"
        raise BadData(
            f"{path}: {where:.80}: {error.message:.120}; ./kmapbench predict makes it again"
        )
    found: dict[str, Any] = raw
    lacking = {*found["cpus"], *([found["here"]] if found["here"] else [])}
    lacking -= set(found["loop"]) & set(found["cpus"])
    if lacking:
        raise BadData(
            f"{path}: {', '.join(sorted(lacking)):.80}: no figures of this CPU; ./kmapbench predict"
            " makes it again"
        )
    return found


def _case(path: Mapping[str, Any], loop: Mapping[str, Any], cpus: list[str]) -> PredictedCase:
    cycles, refused = {}, printable(path["refused"] or "")
    for cpu in cpus if not refused else ():
        of_case, of_loop = path["estimates"].get(cpu, "not predicted"), loop[cpu]
        if isinstance(of_case, str):
            refused = printable(of_case)
            break
        cycles[cpu] = Cycles(**{name: of_case[name] - of_loop[name] for name in of_case})
    return PredictedCase(
        path["case"],
        path["variant"],
        path["instructions"],
        path["writes"],
        {} if refused else cycles,
        refused,
    )


def _cycles(records: Sequence[Record]) -> NDArray[np.float64]:
    return np.array([record.cost_core_cycles for record in records], dtype=float)


def _beyond_the_fence(records: CycleRecords) -> dict[str, NDArray[np.float64]]:
    """Core cycles of each launch of each user model, without those of the fence and the loop: of
    models that take any. BadData where the fence was not measured.
    """
    launches = {
        case: _cycles(group)
        for case, group in group_by(records.all, lambda record: record.case).items()
    }
    if not len(launches.get(FENCE, ())):
        raise BadData(
            f"{records.campaign}: {FENCE} was not measured, which the others contain; run again"
        )
    fence = float(np.median(launches[FENCE]))
    beyond = {case: cycles - fence for case, cycles in launches.items() if len(cycles)}
    return {case: cycles for case, cycles in beyond.items() if np.median(cycles) > 0}


def _error(case: str, predicted: Cycles, measured: NDArray[np.float64]) -> ModelError:
    spread = Measured.of(measured)
    return ModelError(case, predicted, spread.median, spread.low, spread.high, spread.records)
