# SPDX-License-Identifier: Apache-2.0
"""Differences between the environments of boots."""

import json
from collections.abc import Iterator
from typing import Any

from formats import fingerprint


def differences(was: Any, now: Any, name: str = "") -> Iterator[str]:
    """Each place at which two values made of dicts differ: its dotted name, and both."""
    if name in fingerprint.MEASURED:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            yield from differences(was.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif was != now:
        yield f"{name} was {json.dumps(was):.80}, is {json.dumps(now):.80}"
