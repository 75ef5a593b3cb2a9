# SPDX-License-Identifier: Apache-2.0
"""What a boot ran on, against what another did; and without what tells whose machine it was. Pure.
"""

import json
import re
from collections.abc import Iterator

# Measured anew by each boot.
NOISE = {"clock.tsc_hz", "clock.tsc_step_ticks"}

# Fields that name a machine or its owner.
_IDENTITIES = ("host_name", "product", "serial")


def differences(was, now, name: str = "") -> Iterator[str]:
    """Each place at which two values made of dicts differ: its dotted name, and both."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            yield from differences(was.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif was != now and name not in NOISE:
        yield f"{name} was {json.dumps(was):.80}, is {json.dumps(now):.80}"


def anonymous(value, words: dict[str, str]):
    """The same without host names and serial numbers. words: what else is to be replaced where it
    is a whole word, and by what.
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
