# SPDX-License-Identifier: Apache-2.0
"""Does one task, and leaves what came out, or why nothing did."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from formats import exit_codes
from lab.cluster import task_parts
from lab.core.errors import KmapbenchError


def run(module: str, function: str, folder: Path, words: Sequence[str]) -> int:
    """Calls a function of a module, as task_options.KINDS has them; the exit code. words: of the
    task, its kind first.
    """
    part = task_parts.begin(task_parts.work_of(folder), words)
    try:
        about, result = getattr(import_module(module), function)(folder, words[1:], part)
    except KmapbenchError as error:
        task_parts.end(part, {}, None, str(error))
        raise
    task_parts.end(part, about, result)
    return exit_codes.OK
