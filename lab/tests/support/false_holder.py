# SPDX-License-Identifier: Apache-2.0
"""lab.host.tuning.holder on a false machine (false_machine.py), which is at ROOT."""

import sys
from pathlib import Path

from lab.host.tuning import holder
from lab.tests.support.false_machine import FalseMachine

if __name__ == "__main__":
    sys.exit(holder.main(sys.argv[1:], FalseMachine(Path(sys.argv[1]))))
