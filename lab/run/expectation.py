# SPDX-License-Identifier: Apache-2.0
"""What a campaign will find, by the last one like it: asked before it is made."""

import subprocess
import sys
from pathlib import Path

from formats.campaign_format import LOOKS
from lab.core.dirs import ROOT
from lab.kernels import bases
from lab.run.plan import LEVEL, Plan


def sentence(plan: Plan, folder: Path) -> str:
    """What the analysis says of a plan, by campaigns in a folder; empty where there is none that
    tells, or the plan has nothing to compare.
    """
    names = [variant.name for variant in plan.variants]
    if plan.only == "user" or plan.here or len(names) < 2:
        return ""
    pairs, level = (max(LOOKS), LOOKS[max(LOOKS)]) if plan.until_resolved else (plan.boots, LEVEL)
    cases = "dax/*" if plan.only == "dax" else plan.cases
    command = [sys.executable, "-m", "analysis", "forecast", str(folder.resolve())]
    command += ["--pairs", str(pairs), "--alpha", str(level), "--variants", ",".join(names)]
    command += ["--base", plan.base or bases.default()]
    command += [] if cases in ("default", "all") else ["--cases", cases]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip()
