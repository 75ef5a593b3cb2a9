# SPDX-License-Identifier: Apache-2.0
"""`kmapbench test`: ctest for the C++ half, pytest for the rest, the lab included."""

import os
import subprocess
import sys

from formats import exit_codes
from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir

# How far a run reaches: pytest's marker expressions, over the markers of pytest.ini.
EVERYDAY = "not kernels and not all"
KERNELS = "not all"
ALL = ""

MOST_AT_ONCE = 4  # files of tests: each may boot guests, of up to 2 GiB


def run(reach: str = EVERYDAY) -> int:
    """Both, even where the first fails, so that one run shows everything."""
    ctest = [
        subprocesses.find("ctest", "cmake"),
        "--test-dir",
        str(build_dir()),
        "--output-on-failure",
        "--no-tests=error",
    ]
    # A file's tests share what is slow to make, so they stay together.
    at_once = ["-n", str(min(len(os.sched_getaffinity(0)), MOST_AT_ONCE)), "--dist", "loadfile"]
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *at_once,
        "--durations=20",
        "-m",
        reach,
        "formats",
        "lab",
        "analysis",
    ]
    codes = [subprocess.run(command, cwd=ROOT).returncode for command in (ctest, pytest)]
    return exit_codes.FAILED if any(codes) else exit_codes.OK
