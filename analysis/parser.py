# SPDX-License-Identifier: Apache-2.0
"""How options are read, here and in lab/. Standard library only."""

import argparse
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from analysis import streams
from formats import exit_codes

LARGEST_SEED = 2**63 - 1  # which a TOML file can have


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: numbers between these two, in ASCII digits."""

    def parse(text: str) -> int:
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not digits or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least} to {most}")
        return int(text)

    return parse


seed_number = whole_number(0, LARGEST_SEED)


class OneLineParser(argparse.ArgumentParser):
    """One line for wrong use, and no usage text around it; no shortened options."""

    def __init__(self, **words: Any):
        super().__init__(allow_abbrev=False, **words)

    def error(self, message: str) -> NoReturn:
        streams.complain(f"{self.prog}: {message}; see {self.prog} --help")
        sys.exit(exit_codes.UNMET)
