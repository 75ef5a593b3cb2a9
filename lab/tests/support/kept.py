# SPDX-License-Identifier: Apache-2.0
"""What takes hours to find out, and is found out once for the same input."""

from collections.abc import Callable
from pathlib import Path


def once(folder: Path, name: str, find: Callable[[], str]) -> None:
    """Calls find(), unless it has returned before under this name; keeps what it returns. What
    raises is no finding.
    """
    kept = folder / name
    if kept.is_file():
        return
    found = find()
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(found)
