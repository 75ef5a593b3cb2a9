# SPDX-License-Identifier: Apache-2.0
"""All that a file may be read as: its text, what escapes in it mean, and what is packed in it."""

import base64
import binascii
import bz2
import html
import lzma
import re
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from typing import Any

_MOST_BYTES = 64 << 20  # of what is packed within a file
_MOST_LAYERS = 4
_PACKED: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(memlimit=_MOST_BYTES * 2)),
    (b"\x1f\x8b", lambda: zlib.decompressobj(wbits=31)),
    (b"BZh", bz2.BZ2Decompressor),
)
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")


def read_as(data: bytes, layers: int = _MOST_LAYERS) -> Iterator[str]:
    """Texts that a file may be meant as. layers: of what is packed in what is packed."""
    for magic, decoder in _PACKED:
        if data.startswith(magic) and layers:
            yield from read_as(_unpacked(decoder(), data), layers - 1)
            return
    text = data.decode("utf-8", errors="replace")
    yield text
    if b"\0" in data:  # UTF-16 and the like
        yield data.replace(b"\0", b"").decode("latin-1")
    unescaped = _unescape(text)
    if unescaped != text:
        yield unescaped
    yield from _from_base64(text, layers)


def _unpacked(decoder: Any, data: bytes) -> bytes:
    try:
        unpacked: bytes = decoder.decompress(data, _MOST_BYTES)
        return unpacked
    except (lzma.LZMAError, zlib.error, OSError):
        return b"broken " + data


def _unescape(text: str) -> str:
    """Escapes of JSON, HTML and addresses as the characters that they mean."""
    if "\\" in text:
        text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
        text = text.replace("\\/", "/").replace("\\n", "\n").replace("\\t", "\t")
        text = text.replace('\\"', '"')
    if "&" in text:
        text = html.unescape(text)
    return urllib.parse.unquote(text) if "%" in text else text


def _from_base64(text: str, layers: int) -> Iterator[str]:
    for found in _BASE64.finditer(text):
        try:
            raw = base64.b64decode(found[0] + "=" * (-len(found[0]) % 4), validate=True)
        except binascii.Error:
            continue
        if layers and raw.startswith(tuple(magic for magic, _ in _PACKED)):
            yield from read_as(raw, layers - 1)
        elif raw.isascii() and raw.decode().replace("\n", "").isprintable():
            yield raw.decode()
