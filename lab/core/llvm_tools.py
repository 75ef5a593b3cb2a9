# SPDX-License-Identifier: Apache-2.0
"""llvm-mca and llvm-mc: the newest of this machine. Distributions install several versions beside
each other, as llvm-mca-19.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import CommandFailed, KmapbenchError

# The first version whose assembler knows R16 to R31, which kernels do not use.
OLDEST = 18

_MCA = "llvm-mca"


@dataclass(frozen=True)
class LlvmTools:
    """Both programs of one version."""

    mca: Path
    mc: Path
    version: str  # "19.1.7"


def require_newest() -> LlvmTools:
    """The newest llvm-mca with the llvm-mc beside it; a KmapbenchError where none is new enough."""
    found = find_newest()
    if found is None:
        from lab.core import requirements  # which asks us whether there is one

        package = requirements.package_of(_MCA)
        raise KmapbenchError(f"{_MCA} {OLDEST} or newer is missing: install the package {package}")
    return found


def find_newest() -> LlvmTools | None:
    """The newest on the PATH; None: there is none of version OLDEST or newer."""
    found = [tools for file in _candidates() if (tools := _tools(file))]
    best = max(found, key=lambda tools: _numbers(tools.version), default=None)
    return best if best and _numbers(best.version)[0] >= OLDEST else None


def _candidates() -> Iterator[Path]:
    for folder in dict.fromkeys(subprocesses.search_path().split(os.pathsep)):
        for file in sorted(Path(folder or ".").glob(f"{_MCA}*")):
            if re.fullmatch(rf"{_MCA}(-[0-9]+)?", file.name) and os.access(file, os.X_OK):
                yield file


def _tools(mca: Path) -> LlvmTools | None:
    mc = mca.with_name(mca.name.replace(_MCA, "llvm-mc"))
    try:
        said = subprocesses.output([mca, "--version"])
    except (CommandFailed, OSError):
        return None
    version = re.search(r"LLVM version ([0-9]+(?:\.[0-9]+)*)", said)
    return LlvmTools(mca, mc, version[1]) if version and os.access(mc, os.X_OK) else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
