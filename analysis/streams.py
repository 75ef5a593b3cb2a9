# SPDX-License-Identifier: Apache-2.0
"""Standard input, output and error, whatever a caller has made of them."""

import io
import os
import sys
from typing import TextIO

_MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}


def make_usable() -> None:
    """Those that are closed lead nowhere: Python has None in their place, and the next file that is
    opened would get their number: one that a library has opened since keeps it. What an encoding
    does not have is written as an escape.
    """
    for fd, (name, mode) in enumerate(_MODES.items()):
        if not _is_open(fd):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number
            setattr(sys, name, open(fd, mode, closefd=False))
        elif getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def lead_nowhere(stream: TextIO) -> None:
    """For who has nobody to write to any more; nor has Python's own flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def complain(line: str) -> None:
    """On standard error; where nobody can be told, the exit code has to do."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        lead_nowhere(sys.stderr)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
