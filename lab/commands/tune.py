# SPDX-License-Identifier: Apache-2.0
"""`kmapbench tune`: what `run --here --tune` would set, and what one has left."""

import os
import sys

from formats import exit_codes
from lab.core.errors import KmapbenchError
from lab.host.tuning import left_over
from lab.host.tuning.machine import Machine
from lab.host.tuning.tuning_plan import describe_plan, plan_tuning


def show() -> int:
    """Prints what would be set. Changes nothing."""
    if left_over.is_left():
        print(f"{left_over.NOTICE}: {left_over.RESTORE}")
    print("\n".join(describe_plan(plan_tuning(Machine()))))
    return exit_codes.OK


def restore() -> int:
    """Puts back what a run has left that was killed."""
    if not left_over.is_left():
        print("no run with --tune has left anything")
        return exit_codes.OK
    if os.geteuid() != 0:
        raise KmapbenchError(f"settings are put back by root: {left_over.RESTORE}")
    restored = left_over.restore_left_over()
    print("\n".join(restored.said or ["no run with --tune has left anything"]))
    for problem in restored.problems:
        print(f"kmapbench: {problem}", file=sys.stderr)
    return exit_codes.FAILED if restored.problems else exit_codes.OK
