# SPDX-License-Identifier: Apache-2.0
"""Bad data, as one line that names the file and the mend."""

EXIT_FAILED = 1
EXIT_BAD_DATA = 2
EXIT_INTERRUPTED = 130


class BadData(Exception):
    """A file that cannot be used; str() is the whole message, on one line.

    Names come from files that anybody may have written: what would break the line, or steer a
    terminal, is shown as '?'.
    """

    def __init__(self, message: str):
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in message))
