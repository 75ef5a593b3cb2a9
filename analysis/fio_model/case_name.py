# SPDX-License-Identifier: Apache-2.0
"""fio runs, parsed from the names of their cases."""

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
    size: str  # of an I/O, as names spell it
    block_bytes: int
    jobs: int
    direct: bool
    figure: str  # latency or throughput

    @property
    def how(self) -> str:
        """All but block size and number of jobs."""
        return " ".join([self.on, self.engine, self.rw, *["direct"] * self.direct, self.figure])


def parse_run(case: str) -> Run | None:
    """The fio run that a case names; None if the case is not of fio."""
    match = _NAME.fullmatch(case)
    if not match:
        return None
    return Run(
        on=match["on"],
        engine=match["engine"],
        rw=match["rw"],
        size=match["size"],
        block_bytes=int(match["count"]) * _BYTES[match["unit"]],
        jobs=int(match["jobs"]),
        direct=bool(match["direct"]),
        figure=match["figure"],
    )
