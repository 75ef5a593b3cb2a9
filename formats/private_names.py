# SPDX-License-Identifier: Apache-2.0
"""What names a machine, its owner or its network: where it is in a text, and the text without it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from formats.name_kinds import HIDDEN, KINDS, Kind

# Fields of JSON objects that name a machine, whatever their value is.
IDENTITIES = ("host_name", "product", "serial", "hostname")
# Fields whose value is a folder of the machine that measured.
_FOLDERS = ("built", "tree")
# Fields with words of this program's own. A host may be called like one of them.
_OWN_WORDS = ("case", "clock", "unit", "better", "status", "oracle", "irqs", "chain", "run_name")

# In place of a known name, by its kind.
INSTEAD = {"host name": "HOST", "user": "USER", "serial number": HIDDEN, "MAC address": "MAC"}

_FOLDER_OPTIONS = ("--out", "--resume", "--plan", "--variants-file", "--history")
_VARIANT = re.compile(r"([^,=]+)=[^,]+")


@dataclass(frozen=True)
class Found:
    """A name in a text."""

    kind: str
    text: str


def find_names(text: str, words: Mapping[str, str]) -> Iterator[Found]:
    """Each name in a text. words: names that are known, each with its kind."""
    for kind in KINDS:
        for found in kind.pattern.finditer(text):
            if kind.is_private(found):
                yield Found(kind.name, found[0])
    for word, kind_name in words.items():
        for found in _word_pattern(word).finditer(text):
            yield Found(kind_name, found[0])


def hide_names(text: str, words: Mapping[str, str]) -> str:
    """The text with something else in place of each name."""
    for kind in KINDS:
        text = kind.pattern.sub(partial(_instead, kind), text)
    for word, kind_name in words.items():
        text = _word_pattern(word).sub(INSTEAD[kind_name], text)
    return text


def _instead(kind: Kind, found: re.Match[str]) -> str:
    return found.expand(kind.instead) if kind.is_private(found) else found[0]


@cache
def _word_pattern(word: str) -> re.Pattern[str]:
    """A known name as a whole word, and the domain behind it."""
    domain = r"(?:\.[A-Za-z][A-Za-z0-9-]*)*"
    return re.compile(rf"(?i)(?<![A-Za-z0-9]){re.escape(word)}{domain}(?![A-Za-z0-9])")


def hide_in_json(value: Any, words: Mapping[str, str], key: str = "") -> Any:
    """A JSON value without names. key: of the object that it is in."""
    if key in IDENTITIES:
        return None
    if isinstance(value, dict):
        return {name: hide_in_json(one, words, name) for name, one in value.items()}
    if isinstance(value, list):
        if value and type(value[0]) in (int, float):  # samples
            return value
        if key == "arguments":
            value = hide_folders(value)
        return [hide_in_json(one, words, key) for one in value]
    if not isinstance(value, str) or is_own_word(key, value):
        return value
    if key in _FOLDERS or (value.startswith("/") and hide_names(value, {}) != value):
        return "PATH"
    return hide_names(value, words)


def is_own_word(key: str, value: str) -> bool:
    """Whether a field holds words of kmapbench, such as the name of a case."""
    return key in _OWN_WORDS or (key == "name" and "/" in value and value[0] != "/")


def hide_folders(arguments: Sequence[Any]) -> list[Any]:
    """The words of a command line, with what options say of folders hidden, relative or not."""
    hidden, is_folder, is_variants = [], False, False
    for word in arguments:
        if is_folder:
            word = "PATH"
        elif is_variants:
            word = _without_folders(word)
        option, sign, value = word.partition("=")
        is_folder = word in _FOLDER_OPTIONS
        is_variants = word == "--variants"
        if sign and option in _FOLDER_OPTIONS:
            word = f"{option}=PATH"
        elif sign and option == "--variants":
            word = f"{option}={_without_folders(value)}"
        hidden.append(word)
    return hidden


def _without_folders(variants: str) -> str:
    return _VARIANT.sub(r"\1=PATH", variants)


def hide_in_plan(text: str, words: Mapping[str, str]) -> str:
    """The text of a plan file without names, and without the folders of variants."""
    text = re.sub(r'"([^"=/]+)=[^"]*"', r'"\1=PATH"', text)
    return hide_names(re.sub(r"(?m)^(variants_file) = .*$", r'\1 = "PATH"', text), words)
