# SPDX-License-Identifier: Apache-2.0
"""A task of a calibration on a cluster: some of its cells."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.studies import calibration
from analysis.studies.simulate import Setting

Came = tuple[dict[str, Any], dict[str, Any]]  # what figures depend on, and what came out

# A small cell that each machine runs, too: all have to find the same.
_CONTROL, _CONTROL_CAMPAIGNS = Setting("t2", 6, 3), 50


def run_cells(folder: Path, words: Sequence[str], part: Path) -> Came:
    """Runs cells. words: the seed, then for each cell shape, pairs, cases and campaigns."""
    seed, *names = words
    about = {
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy")},
        "control": calibration.run_cell(_CONTROL, _CONTROL_CAMPAIGNS, int(seed)).as_dict(),
    }
    cells = [calibration.run_cell(*cell_of(name), int(seed)).as_dict() for name in names]
    return about, {"cells": cells}


def name_of(setting: Setting, campaigns: int) -> str:
    """A cell as a word of a task."""
    return f"{setting.shape}:{setting.pairs}:{setting.cases}:{campaigns}"


def cell_of(name: str) -> tuple[Setting, int]:
    """The cell that a word means."""
    shape, pairs, cases, campaigns = name.split(":")
    return Setting(shape, int(pairs), int(cases)), int(campaigns)
