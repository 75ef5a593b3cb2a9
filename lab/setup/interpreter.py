# SPDX-License-Identifier: Apache-2.0
"""Which Python runs a command: one that is new enough and has the modules that it needs."""

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from lab.core.requirements import Need

# The distribution's own, whose modules are the distribution's packages.
SYSTEM = "/usr/bin/python3"

# Modules are looked for without being imported, which would take a second.
_LOOK = """
import importlib.util, sys
new_enough = sys.version_info >= (3, 11)
print(*(name for name in sys.argv[1:] if new_enough and importlib.util.find_spec(name)))
"""


def has_module(wanted: Sequence[Need]) -> Callable[[str], bool]:
    """Whether a module is there for the Python that choose() takes, or would take once packages are
    installed.
    """
    names = [need.name for need in wanted if need.kind == "modules"]
    there = set(names) if choose(names) else _found(SYSTEM, names)
    return there.__contains__


def choose(names: Sequence[str]) -> str | None:
    """The first Python that has all these modules: this one, which the launcher found, else the
    distribution's.
    """
    return next(
        (
            python
            for python in dict.fromkeys((sys.executable, SYSTEM))
            if _found(python, names) == set(names)
        ),
        None,
    )


def _found(python: str, names: Sequence[str]) -> set[str]:
    if python == sys.executable:
        importlib.invalidate_caches()  # they may have been installed a moment ago
        return {name for name in names if importlib.util.find_spec(name)}
    try:
        result = subprocess.run(
            [python, "-P", "-c", _LOOK, *names], capture_output=True, text=True, env=_environment()
        )
    except OSError:
        return set()
    return set(result.stdout.split()) if result.returncode == 0 else set()


def _environment() -> dict[str, str]:
    """Ours, without the checkout on Python's path: its lab/ is not what is looked for."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
