# SPDX-License-Identifier: Apache-2.0
"""A run that measures nothing, on a machine that is tuned meanwhile.

    python3 -m lab.tests.support.tuned_run ROOT STATE HOLDER

Says "measuring" when the machine is tuned, and ends with a line of its standard input: well, or
with an error if that says so. What is not as it was is a line each, and exit code 1.
"""

import sys
from pathlib import Path

from formats import exit_codes
from lab.core import signals
from lab.core.errors import KmapbenchError
from lab.host.tuning import tuned
from lab.tests.support.false_machine import FalseMachine


def main(root: Path, state: Path, holder: str) -> int:
    """Tunes, waits, and has it put back. holder: its module, real or of a false machine."""
    tuned._HOLDER = holder
    if root != Path("/"):
        tuned.Machine = FalseMachine
    with tuned.tuned(root, state) as made:
        print("measuring", flush=True)
        if sys.stdin.readline().strip() == "error":
            raise KmapbenchError("an error in the run")
    for problem in made.problems:
        print(problem)
    return exit_codes.FAILED if made.problems else exit_codes.OK


def guarded(arguments: list[str]) -> int:
    """The exit code of main(), as lab.cli makes it, which takes long to import in a guest."""
    root, state, holder = arguments
    try:
        with signals.heeded():
            return main(Path(root), Path(state), holder)
    except KmapbenchError as error:
        print(f"kmapbench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        return signals.exit_code(error)


if __name__ == "__main__":
    sys.exit(guarded(sys.argv[1:]))
