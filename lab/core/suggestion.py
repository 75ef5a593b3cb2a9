# SPDX-License-Identifier: Apache-2.0
"""What can be said of a name that is not known."""

import difflib
from collections.abc import Iterable


def instead(word: str, names: Iterable[str]) -> str:
    """The names that there are, behind the one that was probably meant."""
    known = list(names)
    there_are = f"here are: {', '.join(known)}"
    near = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {near[0]}? T{there_are}" if near else f"t{there_are}"
