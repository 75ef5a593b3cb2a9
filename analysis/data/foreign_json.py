# SPDX-License-Identifier: Apache-2.0
"""JSON documents of other programs, in files that may hold more than one, or other text.

Google Benchmark and fio write to standard output unless told otherwise, so that logs, notes of
shells and several documents meet in one file. What is not strict JSON and was written all the same
is read: raw control characters (both programs escape few of them), nan and inf as printf has them,
backslashes that are not doubled (Google Benchmark before 1.5).
"""

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.data.bad_data import BadData
from analysis.data.json_files import read_bytes

_MEND = (
    "let the program write its JSON to a file of its own (Google Benchmark: --benchmark_out=FILE,"
    " fio: --output-format=json --output=FILE)"
)
# What may stand between documents: a record separator and a byte order mark, too.
_BETWEEN = " \t\r\n,;\x00\x1e\ufeff"
# At the start of a line; or after text that did not end its line, where a document says what it is.
_START = re.compile(r'(?<=[\r\n])(?=[{\[])|(?=\{\s*"(?:context|fio version)")')
_DOCUMENT = re.compile(r'[\[\s]*\{\s*(?:"|\Z)|\{\s*\}|\[[\s\[]*(?:\]|\Z)')
_BLANKS = re.compile(f"[{re.escape(_BETWEEN)}]*")
# A string is matched, too, so that nothing inside one is taken for a number.
_STRING_OR_NUMBER = re.compile(
    r'"(?:[^"\\]|\\.)*"|(?P<sign>-?)\b(?:(?P<nan>nan(?:\(\w*\))?)|inf(?:inity)?\b)', re.S | re.I
)
_BACKSLASH = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')
# What is left of a token where a file ends inside it.
_TORN = re.compile(r'[-+.\w\\"]{0,12}\s*\Z')
_BY_LANGUAGE = re.compile(r":\s*-?\d+,\d")
_STRANGER = "neither Google Benchmark's JSON nor fio's; give files of one of these programs"
_NAMED_LINES, _SHOWN_LETTERS = 3, 60


@dataclass
class Documents:
    """What one file holds."""

    values: list[dict[str, Any]]
    in_list: bool = False  # the documents were items of a JSON list
    notes: list[str] = field(default_factory=list)  # what was left out or read in another way


def read_documents(path: Path, missing: str, wanted: Callable[[Any], bool]) -> Documents:
    """The documents of a file that are wanted, in their order.

    missing: what to say where there is no file. Of a key that an object has twice, with another
    value, the later one is named `key (2)`. Raises BadData where there is no wanted document, or
    where one is cut off; its message says which of it.
    """
    text, notes = _decoded(read_bytes(path, missing), path)
    text = text.rstrip("\x00")  # what a file system may put where a file was cut off
    if not text.strip(_BETWEEN):
        raise BadData(f"{path}: empty: the program wrote nothing; run it again")
    try:
        scan = _scan(text, wanted)
    except _Broken as broken:
        raise BadData(f"{path}: {broken}") from None
    if not scan.values:
        raise BadData(f"{path}: {_STRANGER if scan.others else _no_document(text)}")
    return Documents(scan.values, scan.in_list, notes + _left_out(scan, path))


class _Broken(Exception):
    """What begins as a document and is none; str() says why, and what to do."""


@dataclass
class _Scan:
    text: str
    values: list[dict[str, Any]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)  # of the documents, in the text
    in_list: bool = False
    others: int = 0  # values that are JSON, and not wanted


def _scan(text: str, wanted: Callable[[Any], bool]) -> _Scan:
    """All documents; each begins at the start of a line, or where the one before has ended."""
    scan = _Scan(text)
    place = _next_start(text, 0)
    while place is not None:
        if not _DOCUMENT.match(scan.text, place):
            place = _next_start(scan.text, place + 1)
            continue
        value, end = _decode(scan, place)
        found = value if isinstance(value, list) else [value]
        if found and all(map(wanted, found)):
            scan.values += found
            scan.spans.append((place, end))
            scan.in_list |= isinstance(value, list)
        else:
            scan.others += 1
        place = _next_start(scan.text, end)
    return scan


def _next_start(text: str, place: int) -> int | None:
    """Where the next document may begin: here, or further on."""
    blanks = _BLANKS.match(text, place)
    after = blanks.end() if blanks else place
    if text[after : after + 1] in ("{", "["):
        return after
    match = _START.search(text, place)
    return match.end() if match else None


def _decode(scan: _Scan, place: int) -> tuple[Any, int]:
    """The value at a place, and where it ends; from there on the text is mended if need be."""
    for is_mended in (False, True):
        try:
            value, end = _DECODER.raw_decode(scan.text, place)
            return value, end
        except RecursionError:
            raise _Broken(f"nested too deeply; {_MEND}") from None
        except json.JSONDecodeError as error:
            if is_mended or _is_torn(scan.text, error):
                raise _Broken(_why(scan.text, error)) from None
            scan.text = scan.text[:place] + _mended(scan.text[place:])
        except ValueError as error:  # a number of thousands of digits
            raise _Broken(f"not JSON ({error}); {_MEND}") from None
    raise AssertionError("the second try returns or raises")


def _is_torn(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text ends before the document does."""
    return error.msg.startswith("Unterminated string") or bool(_TORN.match(text, error.pos))


def _why(text: str, error: json.JSONDecodeError) -> str:
    if _is_torn(text, error):
        return "cut off: the program did not finish; run it again"
    line = text[text.rfind("\n", 0, error.pos) + 1 :].partition("\n")[0]
    if _BY_LANGUAGE.search(line):
        return (
            f"line {error.lineno}: a number is written by the rules of a language"
            f" ({line.strip():.40}); run the program with LC_ALL=C"
        )
    where = f"{error.msg}: line {error.lineno} column {error.colno}"
    return f"not JSON, or other text is among it ({where}); {_MEND}"


def _no_document(text: str) -> str:
    first = text.strip(_BETWEEN).splitlines()[0]
    return f"no JSON document in it: it begins with '{first:.{_SHOWN_LETTERS}}'; {_MEND}"


def _left_out(scan: _Scan, path: Path) -> list[str]:
    """A note that names the lines that are in no document."""
    begins = [0, *(end for _, end in scan.spans)]
    ends = [*(begin for begin, _ in scan.spans), len(scan.text)]
    lines = [
        line.strip(_BETWEEN)
        for begin, end in zip(begins, ends)
        for line in scan.text[begin:end].splitlines()
        if line.strip(_BETWEEN)
    ]
    if not lines:
        return []
    named = ", ".join(f"'{line:.{_SHOWN_LETTERS}}'" for line in lines[:_NAMED_LINES])
    more = f" and {len(lines) - _NAMED_LINES} more" if len(lines) > _NAMED_LINES else ""
    return [f"{path}: lines beside the JSON were left out: {named}{more}"]


def _decoded(data: bytes, path: Path) -> tuple[str, list[str]]:
    """The text, and what is to be said of its encoding. Bytes that are not UTF-8 stay apart from
    each other as half surrogates.
    """
    wide = next(
        (name for begin, name in _WIDE.items() if data.startswith(begin)),
        {(True, False): "utf-16-be", (False, True): "utf-16-le"}.get(
            (data[:1] == b"\0", data[1:2] == b"\0")
        ),
    )
    if wide is None:
        return data.decode("utf-8", "surrogateescape"), []
    note = f"{path}: in {wide[:6].upper()}, as PowerShell's > may write it; was read as such"
    torn = len(data) % (4 if wide.startswith("utf-32") else 2)
    return data[: len(data) - torn].decode(wide, "replace"), [note]


_WIDE = {  # the first that fits: one begins as another does
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def _mended(text: str) -> str:
    """The same with the programs' departures from JSON put right."""
    escaped = _BACKSLASH.sub(lambda match: match[0] if len(match[0]) > 1 else "\\\\", text)
    return _STRING_OR_NUMBER.sub(_number, escaped)


def _number(match: re.Match[str]) -> str:
    if match[0].startswith('"'):
        return match[0]
    return "NaN" if match["nan"] else f"{match['sign']}Infinity"


def _keep_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that loses no value of a repeated key."""
    kept = dict(pairs)
    if len(kept) == len(pairs):
        return kept
    kept = {}
    for key, value in pairs:
        name, number = key, 1
        while name in kept and kept[name] != value:
            number += 1
            name = f"{key} ({number})"
        kept[name] = value
    return kept


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_keep_repeated)
