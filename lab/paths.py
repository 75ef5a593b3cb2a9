# SPDX-License-Identifier: Apache-2.0
"""Where things lie: the checkout, the build folder, the cache, results."""

import os
from pathlib import Path

from lab.errors import KmapbenchError

ROOT = Path(__file__).resolve().parent.parent
MODULE_SOURCE = ROOT / "kernel-bench-module"
RESULTS = ROOT / "results"


def build_dir() -> Path:
    """The CMake build folder; the launcher says where it is when the checkout is read-only."""
    return Path(os.environ.get("KMAPBENCH_BUILD", ROOT / "build"))


def cache_dir() -> Path:
    """$KMAPBENCH_CACHE, else kmapbench below $XDG_CACHE_HOME; made where it is missing."""
    chosen = os.environ.get("KMAPBENCH_CACHE")
    if chosen:
        path = Path(chosen)
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kmapbench"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KmapbenchError(
            f"{path}: {error.strerror}: the cache cannot be made there; set KMAPBENCH_CACHE to a folder that can be written"
        ) from None
    return path.resolve()
