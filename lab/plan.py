# SPDX-License-Identifier: Apache-2.0
"""What the user asked for."""

from dataclasses import dataclass
from pathlib import Path

from lab.variants import Variant


@dataclass(frozen=True)
class Plan:
    """A campaign as it was asked for."""

    variants: list[Variant]
    boots: int
    seed: int
    only: str | None  # "micro", "user", None: both
    series: str | None  # the distribution's kernel; None: the newest offered
    cases: str  # default, all or a glob: the kernel cases
    out: Path | None
    arguments: list[str]
    label: str | None = None  # measure the running kernel, under this name, instead of variants
