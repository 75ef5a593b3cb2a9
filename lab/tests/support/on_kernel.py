# SPDX-License-Identifier: Apache-2.0
"""The tests' own run on a kernel that lies in a folder."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.core.dirs import ROOT

EVERYDAY = "kernels and not all"  # the marks of what runs on any kernel of our series
NOTHING_FAILED, SOMETHING_FAILED = 0, 1  # pytest's exit codes


def run_tests(
    folder: Path, *tests: str, marks: str = EVERYDAY, options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """In this order, up to the first that fails. folder: a kernel as the cache keeps it; options:
    of pytest, each in one piece (--name=value).
    """
    command = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x"),
        *("-m", marks, *options, "--tree", folder, *tests),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
