# SPDX-License-Identifier: Apache-2.0
"""Where all that may be removed at any time is kept."""

import os
from pathlib import Path


def cache_path() -> Path:
    """$KMAPBENCH_CACHE, else kmapbench below $XDG_CACHE_HOME; it need not be there yet."""
    if chosen := os.environ.get("KMAPBENCH_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or _home() / ".cache") / "kmapbench"


def _home() -> Path:
    """The user's; a folder that is nowhere, where the system knows of none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")
