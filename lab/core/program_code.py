# SPDX-License-Identifier: Apache-2.0
"""What a program does, without what it says of itself: builds of two commits in which nothing that
runs has changed have the same code.
"""

import hashlib
import struct
from pathlib import Path

_ELF64_LITTLE = b"\x7fELF\x02\x01"
# Of the file's header: where sections are described, how large a description is, how many there
# are, and which has their names (System V ABI, chapter 4).
_FILE_HEADER = struct.Struct("<40xQ10xHHH")
_SECTION = struct.Struct("<I20xQQ24x")  # place of the name, offset, size
_CODE = b".text"


def code_hash(program: Path) -> str:
    """SHA-256 of an ELF program's code; of anything else, of the whole file."""
    content = program.read_bytes()
    return hashlib.sha256(_code(content) or content).hexdigest()


def _code(content: bytes) -> bytes | None:
    if not content.startswith(_ELF64_LITTLE) or len(content) < _FILE_HEADER.size:
        return None
    first, size, count, names = _FILE_HEADER.unpack_from(content)
    try:
        sections = [_SECTION.unpack_from(content, first + size * row) for row in range(count)]
        begin = sections[names][1]
    except (struct.error, IndexError):
        return None
    for name, offset, length in sections:
        if content[begin + name :].startswith(_CODE + b"\0"):
            return content[offset : offset + length]
    return None
