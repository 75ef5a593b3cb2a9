# SPDX-License-Identifier: Apache-2.0
"""Records in columns, so that those of thousands of boots fit and are quick to work with; one of
them is a Record.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.data.json_files import JsonObject
from analysis.data.record_check import SAMPLES

_TEXTS = ("case", "variant", "clock", "unit", "better", "status", "oracle", "reason", "irqs")
_COUNTS = ("boot", "launch", "ops", "pages", "known", "known_adds")
# By the field that they are of.
_FIGURES = {
    name: name
    for name in (
        "cost",
        "empty",
        "cost_shifted",
        "cost_core_cycles",
        "chain",
        "assumed_write_cycles",
        "pkrs_writes",
    )
}
# Of a record's `overhead`, by its name there.
_OVERHEADS = {"overhead_ticks": "sample", "ioctl_share": "ioctl_share"}
# Of its `percentiles`.
_PERCENTILES = {"p50": "p50", "p99": "p99"}
# Of its `counted_windows`, where nothing is wrong with them.
_COUNTED = {"counted_cycles": "cycles", "counted_instructions": "instructions"}
_FLAGS = ("exact", "stand_in")


@dataclass(frozen=True)
class Record:
    """One case measured in one boot or launch."""

    case: str
    variant: str
    boot: int
    launch: int
    clock: str
    unit: str
    better: str
    status: str
    reason: str
    ops: int
    cost: float | None  # units an operation
    empty: float | None
    cost_core_cycles: float | None
    chain: float | None  # ticks of one dependent add
    exact: bool
    oracle: str
    samples: NDArray[np.float64]  # shape (samples, 2): time of n and of 2n operations
    # the same at another alignment; none: the case has no such copy
    shifted_samples: NDArray[np.float64]
    cost_shifted: float | None = None  # cost at that alignment
    histogram: JsonObject | None = None  # in place of samples where there are very many; by window
    irqs: str | None = None  # what was off around each sample, of kernel cases
    pages: int | None = None  # that the case went round
    known: int | None = None  # of a control: instructions of an operation
    known_adds: int | None = None  # of these, adds that take a core cycle each
    stand_in: bool = False  # another register in place of IA32_PKRS
    rejected: dict[str, int] = field(default_factory=dict)  # samples taken again, by cause
    overhead_ticks: float | None = None  # of a sample, beside its timed windows
    ioctl_share: float | None = None  # of the system call, that is not the module's
    assumed_write_cycles: float | None = None  # what a register write was said to take
    pkrs_writes: float | None = None  # an operation; None: nobody counted them
    # an operation, by the PMU in the same windows; None: not counted, or not rightly
    counted_cycles: float | None = None
    counted_instructions: float | None = None
    counting_problems: tuple[str, ...] = ()  # what is wrong with them


class Records:
    """Records as columns of equal length, a row per record. A missing number is NaN, a missing
    count -1, a missing text ''.
    """

    def __init__(self) -> None:
        # what the codes of a text column stand for
        self.names: dict[str, list[str]] = {column: [] for column in _TEXTS}
        self._codes: dict[str, dict[str, int]] = {column: {} for column in _TEXTS}
        self._columns: dict[str, "array[Any]"] = {
            **{column: array("q") for column in _TEXTS + _COUNTS},
            **{column: array("d") for column in (*_FIGURES, *_OVERHEADS, *_PERCENTILES, *_COUNTED)},
            **{column: array("b") for column in _FLAGS},
        }
        # values; where each row's begin
        self._samples: dict[str, tuple["array[float]", "array[int]"]] = {
            name: (array("d"), array("q", [0])) for name in SAMPLES
        }
        self._counters: dict[str, "array[float]"] = {}
        self._histograms: dict[int, JsonObject] = {}
        self._problems: dict[int, tuple[str, ...]] = {}  # of counted windows
        self._rejected: list[dict[str, int]] = []
        # counts of rejected samples, each combination once: mostly there are none
        self._distinct: dict[tuple[tuple[str, int], ...], dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._rejected)

    def __iter__(self) -> Iterator[Record]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> Record:
        if not 0 <= row < len(self):
            raise IndexError(row)
        values: dict[str, Any] = {
            **{column: self.names[column][self._columns[column][row]] for column in _TEXTS},
            **{
                column: _known(self._columns[column][row])
                for column in (*_COUNTS, *_FIGURES, *_OVERHEADS, *_COUNTED)
            },
            **{column: bool(self._columns[column][row]) for column in _FLAGS},
        }
        values["irqs"] = values["irqs"] or None
        for name in ("pages", "known", "known_adds"):
            values[name] = None if values[name] == -1 else values[name]
        return Record(
            **values,
            samples=self._pairs("samples", row),
            shifted_samples=self._pairs("shifted_samples", row),
            histogram=self._histograms.get(row),
            rejected=self._rejected[row],
            counting_problems=self._problems.get(row, ()),
        )

    def column(self, name: str) -> NDArray[Any]:
        """A column: numbers, counts and flags as they are, texts as codes (see `names`). A view: no
        record can be added while it lives.
        """
        return np.frombuffer(self._columns[name], dtype=self._columns[name].typecode)

    def samples(self, name: str = "samples") -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """All samples of all rows, and where each row's begin: rows + 1 offsets. Views, as of
        `column`.
        """
        values, offsets = self._samples[name]
        return np.frombuffer(values, dtype=np.float64), np.frombuffer(offsets, dtype=np.int64)

    def histogram(self, row: int) -> JsonObject | None:
        return self._histograms.get(row)

    def have_histograms(self, rows: NDArray[np.intp]) -> bool:
        """Whether any of these rows has a histogram."""
        return bool(self._histograms) and any(int(row) in self._histograms for row in rows)

    @property
    def counters(self) -> dict[str, NDArray[np.float64]]:
        """Counts by the counter's name, a row a record; scaled where it was counted for a part of
        the time only, NaN where it was not.
        """
        for column in self._counters.values():
            self._fill(column, len(self))
        return {
            name: np.frombuffer(column, dtype=np.float64) for name, column in self._counters.items()
        }

    def _pairs(self, name: str, row: int) -> NDArray[np.float64]:
        values, offsets = self.samples(name)
        return values[offsets[row] : offsets[row + 1]].reshape(-1, 2)

    def extend(self, raws: Sequence[JsonObject]) -> None:
        """Appends lines of micro.jsonl that check_record has passed, a column at a time."""
        columns = self._columns
        for column in _TEXTS:
            codes = self._codes[column]
            texts = [raw.get(column, "") for raw in raws]
            for text in dict.fromkeys(texts):
                if text not in codes:
                    codes[text] = len(codes)
                    self.names[column].append(text)
            columns[column].extend([codes[text] for text in texts])
        for column in _COUNTS:
            columns[column].extend([raw.get(column, -1) for raw in raws])
        for column in _FLAGS:
            columns[column].extend([raw.get(column, False) for raw in raws])
        for places, objects in (
            (_FIGURES, raws),
            (_OVERHEADS, [raw.get("overhead", {}) for raw in raws]),
            (_PERCENTILES, [raw.get("percentiles", {}) for raw in raws]),
            (_COUNTED, [_counted_costs(raw) for raw in raws]),
        ):
            for column, name in places.items():
                figures = [found.get(name) for found in objects]
                columns[column].extend([_NAN if one is None else one for one in figures])
        for name, (values, offsets) in self._samples.items():
            for raw in raws:
                if name in raw:
                    values.frombytes(raw[name].view(np.uint8).data)
                offsets.append(len(values))
        for raw in raws:
            self._add_rest(raw)

    def _add_rest(self, raw: JsonObject) -> None:
        """What most records have nothing of."""
        row = len(self)
        for name, counter in raw.get("counters", {}).items():
            counts = self._counters.setdefault(name, array("d"))
            self._fill(counts, row)
            counts.append(
                _NAN
                if "unavailable" in counter
                else counter["value"] * counter["enabled"] / counter["running"]
            )
        problems = [
            one["problem"] for one in raw.get("counted_windows", {}).values() if "problem" in one
        ]
        if problems:
            self._problems[row] = tuple(problems)
        if "histogram" in raw:
            self._histograms[row] = raw["histogram"]
        rejected = raw.get("rejected", {})
        self._rejected.append(self._distinct.setdefault(tuple(rejected.items()), rejected))

    @staticmethod
    def _fill(column: "array[float]", length: int) -> None:
        column.extend(array("d", [_NAN]) * (length - len(column)))


_NAN = float("nan")


def _counted_costs(raw: JsonObject) -> JsonObject:
    """What an operation is counted as, by event; without events that something is wrong with."""
    windows = raw.get("counted_windows", {})
    return {name: one.get("cost") for name, one in windows.items() if "problem" not in one}


def _known(value: float) -> float | None:
    return None if value != value else value
