# SPDX-License-Identifier: Apache-2.0
"""A run that measures nothing, on a machine that is tuned meanwhile.

    python3 -m lab.tests.support.tuned_run ROOT STATE HOLDER

Says "measuring" when the machine is tuned, and ends with a line of its standard input: well, or
with an error if that says so. What is not as it was is a line each, and exit code 1.
"""

import sys
from pathlib import Path

from formats import exit_codes
from lab import cli
from lab.core.errors import KmapbenchError
from lab.host.tuning import tuned
from lab.tests.support.false_machine import FalseMachine


def main(root: Path, state: Path, holder: str) -> int:
    """Tunes, waits, and has it put back. holder: its module, real or of a false machine."""
    tuned._HOLDER = holder
    if root != Path("/"):
        tuned.Machine = FalseMachine  # type: ignore[misc]
    with tuned.tuned(root, state) as made:
        print("measuring", flush=True)
        if sys.stdin.readline().strip() == "error":
            raise KmapbenchError("an error in the run")
    for problem in made.problems:
        print(problem)
    return exit_codes.FAILED if made.problems else exit_codes.OK


if __name__ == "__main__":
    sys.exit(cli.guarded(lambda: main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
