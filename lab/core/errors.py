# SPDX-License-Identifier: Apache-2.0
"""Errors that reach a user: one line that names the file or setting and the mend."""

EXIT_OK = 0
EXIT_FAILED = 1  # a check failed, a boot crashed, a record failed its oracle
EXIT_UNMET = 2  # wrong use, bad data, unmet need
EXIT_INTERRUPTED = 130


class KmapbenchError(Exception):
    """Wrong use, bad data or an unmet need; str() is the whole message, on one line."""

    exit_code = EXIT_UNMET


class Interrupted(KmapbenchError):
    """Ctrl-C in the middle of something that has its own words for what is kept."""

    exit_code = EXIT_INTERRUPTED


class Refused(KmapbenchError):
    """The module, or kmap_bench, would not measure, as its figures would not be true."""

    exit_code = EXIT_FAILED


class CommandFailed(KmapbenchError):
    """A tool that we called failed; its output is in a log file that the message names."""
