# SPDX-License-Identifier: Apache-2.0
"""How options are read, here and in lab/. Standard library only."""

import argparse
import sys
from typing import Any, NoReturn

from formats import exit_codes


class OneLineParser(argparse.ArgumentParser):
    """One line for wrong use, and no usage text around it; no shortened options."""

    def __init__(self, **words: Any):
        super().__init__(allow_abbrev=False, **words)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(exit_codes.UNMET)
