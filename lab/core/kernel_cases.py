# SPDX-License-Identifier: Apache-2.0
"""The module's table of cases, as the build has read it from its source. Standard library only."""

from dataclasses import dataclass

from lab.core.dirs import build_dir


@dataclass(frozen=True)
class KernelCase:
    """A case that the module can measure."""

    name: str
    default: bool  # whether a run measures it that chooses no cases
    what: str
    needs: str = ""  # beside the module: PKS, a file on DAX, our series; by comma


def listed() -> list[KernelCase]:
    """In the order of the table, without controls. An OSError where nothing is built yet."""
    path = build_dir() / "bench" / "case-names" / "kernel-cases.tsv"
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [
        KernelCase(name, smallest == "default", what, needs) for name, smallest, needs, what in rows
    ]
