# SPDX-License-Identifier: Apache-2.0
"""Bad data, as one line that names the file and the mend."""

EXIT_BAD_DATA = 2


class BadData(Exception):
    """A file that cannot be used; str() is the whole message, on one line."""
