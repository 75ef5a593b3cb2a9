# SPDX-License-Identifier: Apache-2.0
"""Differences between the environments of boots; environments without what names their owner."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from formats import fingerprint

# Fields that name a machine or its owner.
_IDENTITIES = ("host_name", "product", "serial")


def differences(was: Any, now: Any, name: str = "") -> Iterator[str]:
    """Each place at which two values made of dicts differ: its dotted name, and both."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            yield from differences(was.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif was != now and name not in fingerprint.MEASURED:
        yield f"{name} was {json.dumps(was):.80}, is {json.dumps(now):.80}"


def anonymous(value: Any, words: dict[str, str]) -> Any:
    """A JSON value without host names and serial numbers.

    words: more whole words to replace, each with what takes its place.
    """
    if isinstance(value, dict):
        return {
            key: None if key in _IDENTITIES else anonymous(one, words) for key, one in value.items()
        }
    if isinstance(value, list):
        return [anonymous(one, words) for one in value]
    if isinstance(value, str):
        for word, instead in words.items():
            value = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _: instead, value)
    return value


def shown(header: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """As much of a value as may be shown to everybody, where that was asked for."""
    if not header["asked"].get("anonymize"):
        return value
    hidden: dict[str, Any] = anonymous(value, {os.uname().nodename: "HOST", str(Path.home()): "~"})
    return hidden
