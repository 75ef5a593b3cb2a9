# SPDX-License-Identifier: Apache-2.0
"""Where things lie: the checkout, the build folder, the cache, results."""

import os
import zlib
from pathlib import Path

from formats.cache_folder import cache_path
from lab.core.errors import KmapbenchError

ROOT = Path(__file__).resolve().parents[2]
MODULE_SOURCE = ROOT / "kernel-bench-module"
RESULTS = ROOT / "results"


def build_dir() -> Path:
    """The CMake build folder; the launcher says where it is when the checkout is read-only."""
    return Path(os.environ.get("KMAPBENCH_BUILD", ROOT / "build"))


def writable_build_dir() -> Path:
    """Where the launcher builds: build/, or a folder of the cache where that cannot be written."""
    beside = ROOT / "build"
    if os.access(beside if beside.exists() else ROOT, os.W_OK | os.X_OK):
        return beside
    return cache_path() / f"build-{zlib.crc32(os.fsencode(ROOT)):08x}"


def cache_dir() -> Path:
    """The same, made where it is missing."""
    path = cache_path()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KmapbenchError(
            f"{path}: {error.strerror}: the cache cannot be made there; set KMAPBENCH_CACHE to a"
            " folder that can be written"
        ) from None
    return path.resolve()
