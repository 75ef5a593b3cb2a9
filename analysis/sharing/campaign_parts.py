# SPDX-License-Identifier: Apache-2.0
"""Which files a packed campaign may have, by the part of it that they are."""

import re
from dataclasses import dataclass

# Bytes that a packed campaign stays below, and what it may unpack to.
MOST_PACKED_BYTES = 2_000_000
MOST_UNPACKED_BYTES = 512 << 20

MANIFEST = "pack.json"
_BOOT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}/boot-\d{2,4}"


@dataclass(frozen=True)
class Part:
    """Files of one kind."""

    name: str
    pattern: re.Pattern[str]  # of paths in the campaign's folder
    made_by: str = ""  # the command that makes them of the others; empty: they are measured


# Without these, reports and comparisons would say something else.
NEEDED = (
    Part(
        "head",
        re.compile(rf"campaign\.json|plan\.toml|report\.txt|details\.txt|{re.escape(MANIFEST)}"),
    ),
    Part("environments", re.compile(rf"{_BOOT}/environment\.json")),
    Part("records", re.compile(rf"{_BOOT}/micro\.jsonl")),
    Part("instructions by function", re.compile(rf"{_BOOT}/path\.jsonl")),
    Part("configurations", re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}/config")),
)
# In the order in which they are left out where all together are too large.
OPTIONAL = (
    Part(
        "page and charts",
        re.compile(r"report/index\.html|charts/[A-Za-z0-9][A-Za-z0-9._+-]{0,200}\.(svg|folded)"),
        made_by="./kmapbench report",
    ),
    Part("console logs", re.compile(rf"{_BOOT}/console\.log")),
    Part("fio's outputs", re.compile(rf"{_BOOT}/dax/[A-Za-z0-9][A-Za-z0-9._-]{{0,200}}\.json")),
    Part("Google Benchmark's files", re.compile(rf"{_BOOT}/micro\.json")),
)
PARTS = NEEDED + OPTIONAL


def part_of(path: str) -> Part | None:
    """The part that a file belongs to by its path; None: it is no file of a campaign."""
    return next((part for part in PARTS if part.pattern.fullmatch(path)), None)
