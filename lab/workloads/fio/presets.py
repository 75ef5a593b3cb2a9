# SPDX-License-Identifier: Apache-2.0
"""What fio is to measure: dax.toml as a list of jobs. Pure."""

import itertools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from formats import case_names
from lab.core.errors import KmapbenchError

TABLE = Path(__file__).with_name("presets.toml")

_AXES = ("on", "engine", "rw", "block", "jobs", "figure")


@dataclass(frozen=True)
class Job:
    """One run of fio."""

    on: str  # ext4, xfs, ext4_cache, xfs_cache, block or device
    engine: str
    rw: str
    block_bytes: int
    jobs: int
    figure: str  # latency or throughput
    direct: int
    ramp_ms: int
    runtime_ms: int

    @property
    def size(self) -> str:
        """The block size, as names have it."""
        return case_names.size_name(self.block_bytes)

    @property
    def _engine(self) -> str:
        return self.engine.replace("-", "_")  # a hyphen parts words of a name

    @property
    def name(self) -> str:
        """Of the file that keeps fio's output, without suffix."""
        words = [self.on, self._engine, self.size, self.rw, str(self.jobs)]
        return "-".join(words + ["direct"] * self.direct + ["latency"] * (self.figure == "latency"))

    @property
    def case(self) -> str:
        """Of the record."""
        direct = bool(self.direct)
        return case_names.FioCase(
            self.on, self._engine, self.rw, self.block_bytes, self.jobs, direct, self.figure
        ).name


@dataclass(frozen=True)
class Preset:
    """Jobs and the files they use."""

    files: int
    file_mib: int
    jobs: tuple[Job, ...]
    shared: bool = False  # all processes use all files

    @property
    def seconds(self) -> float:
        """By the clock of the kernel under test, without what lies between jobs."""
        return sum(job.ramp_ms + job.runtime_ms for job in self.jobs) / 1000


def load(cpus: int = 1, table: Path = TABLE) -> dict[str, Preset]:
    """All presets by name, as they are on a machine of so many CPUs."""
    with table.open("rb") as file:
        return {name: _preset(name, row, cpus) for name, row in tomllib.load(file).items()}


def find(name: str, cpus: int = 1) -> Preset:
    """The preset of that name; a KmapbenchError lists those there are."""
    presets = load(cpus)
    if name not in presets:
        raise KmapbenchError(f"--preset {name}: there is none; there are {', '.join(presets)}")
    return presets[name]


def _preset(name: str, row: dict, cpus: int) -> Preset:
    jobs = tuple(job for rows in row["jobs"] for job in _combinations(rows, row, cpus))
    if len(set(jobs)) != len(jobs):
        raise KmapbenchError(f"{TABLE.name}: {name}: a job is there twice")
    shared = row.get("shared", False)
    if not shared and max(job.jobs for job in jobs) > row["files"]:
        raise KmapbenchError(f"{TABLE.name}: {name}: more jobs than files")
    if max(job.block_bytes for job in jobs) > row["file_mib"] << 20:
        raise KmapbenchError(f"{TABLE.name}: {name}: a block is larger than a file")
    if not row.get("crowded", False):
        jobs = tuple(job for job in jobs if job.jobs <= cpus)
    return Preset(
        row["files"] if shared else max(job.jobs for job in jobs), row["file_mib"], jobs, shared
    )


def _combinations(rows: dict, preset: dict, cpus: int) -> list[Job]:
    times = {key: rows.get(key, preset[key]) for key in ("ramp_ms", "runtime_ms")}
    half = max(1, min(cpus // 2, preset["files"]))
    processes = [half if one == "half" else one for one in rows["jobs"]]
    axes = [
        *(processes if axis == "jobs" else rows[axis] for axis in _AXES),
        rows.get("direct", [0]),
    ]
    return [Job(*values, **times) for values in itertools.product(*axes)]
