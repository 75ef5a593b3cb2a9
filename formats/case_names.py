# SPDX-License-Identifier: Apache-2.0
"""The grammar of case names."""

import re
from dataclasses import dataclass

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}
_FIO = re.compile(
    r"dax/(?P<on>\w+)/(?P<engine>\w+)/(?P<rw>\w+)/(?P<size>\d+[km]?)"
    r"/jobs(?P<jobs>\d+)(?P<direct>/direct)?/(?P<figure>\w+)"
)


def size_name(count: int) -> str:
    """A number of bytes as names have it: 512, 4k, 2m."""
    for unit, factor in reversed(_UNITS.items()):
        if count % factor == 0 and count >= factor:
            return f"{count // factor}{unit}"
    return str(count)


def size_bytes(name: str) -> int:
    """The number of bytes that a name of a size stands for."""
    count = name.rstrip("km")
    return int(count) * _UNITS[name[len(count) :]]


@dataclass(frozen=True)
class FioCase:
    """A case that is one run of fio: dax/ON/ENGINE/RW/SIZE/jobsN[/direct]/FIGURE."""

    on: str  # ext4, xfs: files on DAX; ext4_cache, xfs_cache: page cache; block, device
    engine: str  # as names have it: io_uring, dev_dax
    rw: str
    block_bytes: int
    jobs: int
    direct: bool
    figure: str  # latency or throughput

    @property
    def size(self) -> str:
        """The block size, as names have it."""
        return size_name(self.block_bytes)

    @property
    def name(self) -> str:
        """The name of the case."""
        words = ["dax", self.on, self.engine, self.rw, self.size, f"jobs{self.jobs}"]
        return "/".join(words + ["direct"] * self.direct + [self.figure])

    @property
    def how(self) -> str:
        """All but block size and number of jobs, for headings."""
        return " ".join([self.on, self.engine, self.rw, *["direct"] * self.direct, self.figure])


def parse_fio(name: str) -> FioCase | None:
    """The parts of a case that is a run of fio; None for any other case."""
    found = _FIO.fullmatch(name)
    if not found:
        return None
    return FioCase(
        found["on"],
        found["engine"],
        found["rw"],
        size_bytes(found["size"]),
        int(found["jobs"]),
        bool(found["direct"]),
        found["figure"],
    )


# Cases whose figures no two boots repeat to the digit, by any clock: docs/cases.md says why.
NEVER_EXACT = ("elsewhere/fork_exit",)

# The page of persistent memory: its case where the kernel protects it, and the one that measures
# the same page where it does not.
PMEM_PAGE = "pmem page"
PMEM_PAGES = {
    PMEM_PAGE: ("kernel/kmap_local/protected", "kernel/kmap_local/devmap"),
    "pmem page nested": ("kernel/kmap_local/protected_nested", "kernel/kmap_local/devmap_nested"),
}
# Cases that run code of the module alone, which is the same whatever the kernel is.
OF_THE_MODULE = re.compile(r"(empty|control|model|msr)(/.*)?")
