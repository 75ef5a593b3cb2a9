# SPDX-License-Identifier: Apache-2.0
"""How a program of the playbooks answers: one JSON object, or one line of error."""

import json
import sys
from collections.abc import Callable
from typing import Any

from formats import exit_codes
from lab.core.errors import KmapbenchError


def give(ask: Callable[[], dict[str, Any]]) -> int:
    """Prints what ask() returns; an exit code."""
    try:
        print(json.dumps(ask()))
    except KmapbenchError as error:
        print(f"kmapbench: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"kmapbench: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
        return exit_codes.UNMET
    return exit_codes.OK
