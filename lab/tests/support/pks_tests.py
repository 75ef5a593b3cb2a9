# SPDX-License-Identifier: Apache-2.0
"""The tests that run on our PKS kernel itself (kernels/tests): what they are given, and what they
say.
"""

import re

import pytest

from lab.kernels import bases, variant_table
from lab.tests.support import ktap
from lab.vm import console, image, qemu

SOURCES = variant_table.FOLDER / "tests"

# Parameters of tests that look at the series for each Linux.
OTHER_BASES = [name for name in bases.load() if name != bases.default()]
BASES = [bases.default(), *(pytest.param(name, marks=pytest.mark.all) for name in OTHER_BASES)]

# In the middle of the first region of persistent memory (image.PMEM_REGIONS), and memory that
# nobody uses.
IN_PMEM = (256 + 32) << 20
OTHER_MEMORY = 464 << 20
GIVEN = f"phys={IN_PMEM:#x} spare={image.DEVICE_MEMORY:#x} other={OTHER_MEMORY:#x}"
CMDLINE = f"{image.PMEM_CMDLINE} memmap=2M${OTHER_MEMORY:#x}"
# Without the second one, between all that is protected there is nothing else.
ONE_REGION = CMDLINE.replace(f"{image.PMEM_REGIONS[1]} ", "")

# tests NAME: the set of tests that $given and $set say, from the start.
TESTS = (
    'tests() { echo "TESTS $1" > /dev/kmsg; insmod /pks_test.ko $given set=$set; event'
    ' "\\"tests\\", \\"when\\": \\"$1\\", \\"code\\": $?"; }\n'
)


def reports(text: str) -> dict[str, ktap.Report]:
    """The KTAP documents of a boot's console, by the name that the job gave them."""
    lines = "\n".join(console.lines(text))
    documents = re.split(r"^TESTS (\w+)$", lines, flags=re.MULTILINE)[1:]
    return {name: ktap.parse(document) for name, document in zip(documents[::2], documents[1::2])}


# Where a kernel with DEBUG_VM warns of unmaps that belong to no mapping, and of those and of
# mappings that are left behind. All kernels warn of pagemaps for memory in use.
MISPLACED = (
    r" mm/kmap_track\.c:\d+ (?:at )?(?:kmap_track_unmap|unmap_other_than_last)\+"
    r"| mm/memremap\.c:\d+ "
)
ANY_MISUSE = r" mm/kmap_track\.c:"


def trouble(booted, meant: str = MISPLACED) -> list[str]:
    """Why a boot is no good one, but for the warnings of what the sets of tests do on purpose."""
    problem = booted.outcome.problem
    if problem is None:
        return []
    if not problem.startswith(qemu.COMPLAINED):
        return [problem]
    return [
        line for line in console.unexpected_splats(booted.console) if not re.search(meant, line)
    ]
