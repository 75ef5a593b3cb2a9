# SPDX-License-Identifier: Apache-2.0
"""What a run of fio did, by the name of its case."""

import re
from dataclasses import dataclass

_NAME = re.compile(
    r"dax/(?P<on>\w+)/(?P<engine>\w+)/(?P<rw>\w+)/(?P<size>(?P<count>\d+)(?P<unit>[km]?))"
    r"/jobs(?P<jobs>\d+)(?P<direct>/direct)?/(?P<figure>\w+)"
)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20}


@dataclass(frozen=True)
class Run:
    """One row of fio's matrix."""

    on: str  # ext4, xfs: files on DAX; ext4_cache, xfs_cache: by the page cache; block: the device
    engine: str
    rw: str
    size: str  # an I/O, as names have it
    block_bytes: int
    jobs: int
    direct: bool
    figure: str  # latency or throughput

    @property
    def how(self) -> str:
        """All but block size and number of jobs."""
        return " ".join([self.on, self.engine, self.rw, *["direct"] * self.direct, self.figure])


def run_of(case: str) -> Run | None:
    """None: a case of something else."""
    found = _NAME.fullmatch(case)
    if not found:
        return None
    block_bytes = int(found["count"]) * _BYTES[found["unit"]]
    return Run(
        found["on"],
        found["engine"],
        found["rw"],
        found["size"],
        block_bytes,
        int(found["jobs"]),
        bool(found["direct"]),
        found["figure"],
    )
