# SPDX-License-Identifier: Apache-2.0
"""`kmapbench gate`: builds both kernels, measures them in one campaign, and has that judged."""

import shlex
import subprocess
import sys
from typing import Any

from formats.gate_files import BASE, FILE, HEAD
from lab.core import signals
from lab.core.dirs import ROOT, cache_dir
from lab.core.errors import Interrupted, KmapbenchError, is_of_machine
from lab.core.progress import Display
from lab.gate import gate_kernels, gate_plan
from lab.gate.gate_plan import GatePlan
from lab.kernels import source_build
from lab.run import preflight, runner


def run(plan: GatePlan) -> int:
    """Measures, has comment.md and the other files written, and returns the exit code.

    What ends a build or a boot is no error but a result, which the comment has, too.
    """
    if plan.run:
        preflight.check_options(plan.run)  # now that the lists of cases are there
    plan.facts["fault"] = None
    gate_plan.write(plan)
    go_on = f"./kmapbench gate --resume {shlex.quote(str(plan.folder))}"
    try:
        if plan.run:
            plan.facts["fault"] = _build(plan) or _measure(plan)
    except KeyboardInterrupt as error:
        said = f"ended by {signals.cause(error)}"
        raise Interrupted(f"{said}; {go_on} goes on", signals.exit_code(error)) from None
    except Interrupted as error:  # whose own advice is of a campaign alone
        said = str(error).partition(";")[0]
        raise Interrupted(f"{said}; {go_on} goes on", error.exit_code) from None
    gate_plan.write(plan)
    return _judge(plan)


def _build(plan: GatePlan) -> dict[str, Any] | None:
    """Builds what is not in the cache, BASE first; what ended that."""
    assert plan.run is not None
    with Display() as display:
        for name, variant in zip((BASE, HEAD), plan.run.variants):
            if variant.image is None:
                continue
            try:
                source_build.provide([variant.image], cache_dir(), display)
            except Interrupted:
                raise
            except KmapbenchError as error:
                return _fault(plan, name, "build", error)
    return None


def _measure(plan: GatePlan) -> dict[str, Any] | None:
    """Makes the campaign, or the rest of it; what ended that before its end."""
    assert plan.run is not None
    try:
        plan.facts["problems"] += runner.measure(plan.run)
    except Interrupted:
        raise
    except KmapbenchError as error:
        return _fault(plan, None, "measure", error)
    return None


def _fault(plan: GatePlan, side: str | None, step: str, error: KmapbenchError) -> dict[str, Any]:
    why = gate_kernels.without_table(plan.table, str(error))
    return {"side": side, "step": step, "why": why, "of_machine": is_of_machine(error)}


def _judge(plan: GatePlan) -> int:
    """Has analysis/ judge the folder, which prints the answer."""
    command = [sys.executable, "-m", "analysis", "gate", str(plan.folder)]
    code = subprocess.run(command, cwd=ROOT).returncode
    if code < 0:
        raise KmapbenchError(f"{plan.folder / FILE}: ended by signal {-code} while it was judged")
    return code
