# SPDX-License-Identifier: Apache-2.0
"""Looks for names of machines and people in files, word by word and whatever they are written in.

It shares what is public with formats/private_names.py, and none of its patterns, so that what one
of the two overlooks the other one finds.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.sharing import name_words, readings
from formats.private_names import IDENTITIES

_PHRASES = (
    # kind, what stands before it, what ends it, how what is no secret begins
    ("key", "X.509 cert '", "'", name_words.PUBLIC_KEYS),
    ("make of the machine", "DMI: ", "\n", ("QEMU", "Memory slots")),
    ("make of the machine", "Hardware name: ", "\n", ("QEMU",)),
    ("host name", "ostname set to <", ">", ("HOST",)),
)


def find_in_file(data: bytes, words: Mapping[str, str]) -> Iterator[str]:
    """What names somebody in a file, each as "KIND: TEXT". words: known names, with their kinds."""
    for text in readings.read_as(data):
        yield from find_in_text(text, words)
        yield from _identities(text)


def find_in_text(text: str, words: Mapping[str, str]) -> Iterator[str]:
    """The same of a text."""
    for kind, found in name_words.find(text):
        yield f"{kind}: {found}"
    for kind, before, end, public in _PHRASES:
        for rest in text.split(before)[1:]:
            said = rest.partition(end)[0].partition("\n")[0]
            if said and not said.startswith((*public, "HIDDEN")):
                yield f"{kind}: {said}"
    lowered = text.lower()
    for word, kind in words.items():
        if word.lower() in lowered and _stands_alone(word.lower(), lowered):
            yield f"{kind}: {word}"


def _stands_alone(word: str, text: str) -> bool:
    """Whether a word is somewhere in a text without a letter or digit next to it."""
    at = text.find(word)
    while at >= 0:
        around = text[max(0, at - 1) : at] + text[at + len(word) : at + len(word) + 1]
        if not any(letter.isascii() and letter.isalnum() for letter in around):
            return True
        at = text.find(word, at + 1)
    return False


def _identities(text: str) -> Iterator[str]:
    """Fields of JSON that name a machine, whatever they say."""
    if not re.search("|".join(map(re.escape, IDENTITIES)), text):
        return
    for line in (text, *text.splitlines()):
        if line.lstrip()[:1] not in ("{", "["):
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        for name, one in _fields(value):
            if name in IDENTITIES and one not in (None, "", "(none)"):
                yield f"{name}: {one}"


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _fields(one, key)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list | str):
                yield from _fields(one, name)
    else:
        yield name, value
