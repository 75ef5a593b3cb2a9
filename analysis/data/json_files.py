# SPDX-License-Identifier: Apache-2.0
"""JSON from files that may be anything: BadData names the file and the mend, and nothing is ever
waited for.
"""

import json
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import numpy as np
from numpy.typing import NDArray

from analysis.data.bad_data import BadData

JsonObject = dict[str, Any]

# No record is longer: 4096 samples of 20 digits, three times, are 250 KB.
_LINE_BYTES = 16 << 20
# A document is read whole; Google Benchmark's of 1,000 benchmarks x 1,000 repetitions is 400 MB.
_DOCUMENT_BYTES = 1 << 30
# No figure is larger: counters and clocks have 64 bits.
LARGEST = 1 << 64
# Whole numbers below this are the same in 64 bits of an integer and of a float.
_LARGEST_WHOLE = 1 << 53
_RESTORE = "restore it or leave it out"


def read_document(path: Path, missing: str = "") -> Any:
    """A JSON file's value; missing: what to say where there is none."""
    return _decode(read_bytes(path, missing), _STRICT, str(path), _RESTORE)


def read_text(path: Path) -> str:
    """A text file; FileNotFoundError where there is none."""
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError:
        raise BadData(f"{path}: not UTF-8; {_RESTORE}") from None


def read_bytes(path: Path, missing: str = "") -> bytes:
    """A file's bytes; missing: what to say where there is none, FileNotFoundError without it."""
    if _regular_size(path, missing) > _DOCUMENT_BYTES:
        raise BadData(
            f"{path}: larger than {_DOCUMENT_BYTES >> 20} MiB, which nothing here writes; leave"
            " it out"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}; {_RESTORE}") from None


def read_lines(
    path: Path,
    warnings: list[str],
    arrays: Collection[str] = (),
    unread: Collection[str] = (),
) -> Iterator[tuple[int, JsonObject]]:
    """Number and object of each line of a file of JSON lines, none where there is no file; a torn
    last one is dropped with a word.

    arrays: fields that may be an array (int64) in place of the list, where it is one of whole
    numbers: quicker to read, and to work with. unread: fields that may be None where they are such
    a list.
    """
    try:
        _regular_size(path)
    except FileNotFoundError:
        return
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LINE_BYTES + 1):
                number += 1
                where = f"{path}:{number}"
                if len(line) > _LINE_BYTES:
                    raise BadData(
                        f"{where}: longer than {_LINE_BYTES >> 20} MiB, which no record is; take"
                        " the line out"
                    )
                if not line.endswith(b"\n"):
                    warnings.append(f"{path}: the last line is torn, and was dropped")
                    return
                value = _decode_line(line, arrays, unread, where)
                if not isinstance(value, dict):
                    raise BadData(f"{where}: not an object; take the line out")
                yield number, value
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}; {_RESTORE}") from None


def _decode_line(line: bytes, arrays: Collection[str], unread: Collection[str], where: str) -> Any:
    rest, found = _cut_arrays(line, arrays, unread)
    if found:
        try:
            value = _STRICT.decode(rest.decode())
        except (ValueError, RecursionError):
            value = None  # and what is wrong is said of the whole line
        # else they are fields of an object inside
        if isinstance(value, dict) and found.keys() <= value.keys():
            return value | found
    return _decode(line, _STRICT, where, "take the line out")


def _cut_arrays(
    line: bytes, arrays: Collection[str], unread: Collection[str]
) -> tuple[bytes, dict[str, NDArray[np.int64] | None]]:
    """The line with null in place of the fields that are found to be lists of whole numbers, and
    these. Where a line could mean something else, all is left in it.
    """
    found: dict[str, NDArray[np.int64] | None] = {}
    if b"\\" in line:  # a text may have quotes, and so look like a field
        return line, found
    for name in (*arrays, *unread):
        field = f'"{name}":['.encode()
        begin = line.find(field) + len(field)
        end = line.find(b"]", begin)
        if begin < len(field) or end < 0 or line.count(field[:-2]) != 1:
            continue
        text = line[begin:end]
        if not _are_whole_numbers(text):
            continue
        numbers = None
        if name in arrays:
            numbers = np.fromstring(text, dtype=np.int64, sep=",")
            if np.maximum.reduce(numbers) >= _LARGEST_WHOLE:
                continue
        found[name] = numbers
        line = b"%bnull%b" % (line[: begin - 1], line[end + 1 :])
    return line, found


def _are_whole_numbers(text: bytes) -> bool:
    """Whether these are numbers between commas as JSON has them, but for a 0."""
    if text.translate(None, b"0123456789,"):
        return False
    # nothing but zero begins with a 0, and between two commas there is a number
    broken = not text or b",0" in text or b",," in text or text[:1] in b"0," or text[-1:] == b","
    return not broken


def _regular_size(path: Path, missing: str = "") -> int:
    """Bytes of a regular file. Of anything else BadData: a pipe would be waited for, and a device
    has no end.

    missing: what to say where there is nothing; FileNotFoundError without it.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        if missing:
            raise BadData(missing) from None
        raise
    except OSError as error:
        raise BadData(f"{path}: {error.strerror}; {_RESTORE}") from None
    if not stat.S_ISREG(state.st_mode):
        raise BadData(f"{path}: not a regular file; put the file itself there")
    return state.st_size


def _decode(data: bytes, decoder: json.JSONDecoder, where: str, mend: str) -> Any:
    try:
        return decoder.decode(data.decode())
    except RecursionError:
        raise BadData(f"{where}: nested too deeply; {mend}") from None
    except UnicodeDecodeError:
        raise BadData(f"{where}: not UTF-8; {mend}") from None
    except ValueError as error:
        raise BadData(f"{where}: not JSON ({error}); {mend}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no figure")


_STRICT = json.JSONDecoder(parse_constant=_no_constant)


def is_number(value: Any) -> TypeGuard[float]:
    """A finite one that fits 64 bits, as all that is counted or timed does; true is an int to
    Python, and no figure to us.
    """
    return type(value) in (int, float) and -LARGEST < value < LARGEST
