# SPDX-License-Identifier: Apache-2.0
"""Errors that reach a user: one line that names the file or setting and the mend."""

from formats import exit_codes

# What ends a build and is no matter of the kernel's source.
_OF_THE_MACHINE = ("No space left", "is missing: install", "packages that are missing")


class KmapbenchError(Exception):
    """Wrong use, bad data or an unmet need; str() is the whole message, on one line."""

    exit_code = exit_codes.UNMET


class Interrupted(KmapbenchError):
    """A signal in the middle of something that has its own words for what is kept."""

    def __init__(self, message: str, exit_code: int = exit_codes.INTERRUPTED):
        super().__init__(message)
        self.exit_code = exit_code


class Refused(KmapbenchError):
    """The module, or kmap_bench, would not measure, as its figures would not be true."""

    exit_code = exit_codes.FAILED


class CommandFailed(KmapbenchError):
    """A tool that we called failed; its output is in a log file that the message names."""


def is_of_machine(error: KmapbenchError) -> bool:
    """Whether a kernel was not built for what this machine lacks, so that no source is to blame."""
    return any(words in str(error) for words in _OF_THE_MACHINE)
