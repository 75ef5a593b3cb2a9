# SPDX-License-Identifier: Apache-2.0
"""Makes an image of a CD with one compressed file on it: ISO 9660 (ECMA-119) with Rock Ridge
extensions (IEEE P1281, P1282) and zisofs (fs/isofs/compress.c). Pure.
"""

import struct
import zlib

_SECTOR = 2048
_ROOT, _DATA = 19, 20  # sectors; 16 to 18 are descriptors and a path table
_BLOCK_SHIFT = 15  # zisofs compresses 32 KiB at a time
_HEADER = 16
_MAGIC = bytes.fromhex("37e45396c9dbd607")
_DATE = bytes((126, 1, 1, 0, 0, 0, 0))


def compressed(plain: bytes) -> bytes:
    """The file as zisofs stores it: header, where each block begins and the last ends, blocks."""
    size = 1 << _BLOCK_SHIFT
    blocks = [zlib.compress(plain[at : at + size]) for at in range(0, len(plain), size)]
    place = _HEADER + 4 * (len(blocks) + 1)
    places = [place]
    for block in blocks:
        place += len(block)
        places.append(place)
    header = _MAGIC + struct.pack("<IBBH", len(plain), _HEADER >> 2, _BLOCK_SHIFT, 0)
    return header + struct.pack(f"<{len(places)}I", *places) + b"".join(blocks)


def image(name: str, plain: bytes) -> bytes:
    """A CD whose root has this one file."""
    stored = compressed(plain)
    parameters = b"pz" + bytes((_HEADER >> 2, _BLOCK_SHIFT)) + _both(len(plain))
    file = _record(
        b"FILE.;1",
        _DATA,
        len(stored),
        _entry("ZF", parameters) + _entry("NM", b"\0" + name.encode()),
    )
    extension = b"RRIP_1991A"
    root = _record(
        b"\0",
        _ROOT,
        _SECTOR,
        _entry("SP", b"\xbe\xef\0") + _entry("ER", bytes((len(extension), 0, 0, 1)) + extension),
        folder=True,
    )
    root += _record(b"\1", _ROOT, _SECTOR, folder=True) + file
    sectors = _DATA + -(-len(stored) // _SECTOR)
    path_table = struct.pack("<BBIH", 1, 0, _ROOT, 1) + b"\0\0"
    parts = [
        bytes(16 * _SECTOR),
        _descriptor(1, _volume(sectors, len(path_table))),
        _descriptor(255, b""),
        path_table.ljust(_SECTOR, b"\0"),
        root.ljust(_SECTOR, b"\0"),
        stored,
    ]
    return b"".join(parts).ljust(sectors * _SECTOR, b"\0")


def _both(value: int) -> bytes:
    """A number in both byte orders."""
    return struct.pack("<I", value) + struct.pack(">I", value)


def _both_short(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)


def _entry(name: str, content: bytes) -> bytes:
    """A system use entry: name, length, version."""
    return name.encode() + bytes((4 + len(content), 1)) + content


def _record(
    name: bytes, sector: int, size: int, system_use: bytes = b"", folder: bool = False
) -> bytes:
    """A directory record (ECMA-119, 9.1)."""
    content = _both(sector) + _both(size) + _DATE + bytes((2 if folder else 0, 0, 0))
    content += _both_short(1) + bytes((len(name),)) + name
    content += bytes(len(name) % 2 == 0) + system_use  # both begin at even places
    content += bytes(len(content) % 2)
    return bytes((2 + len(content), 0)) + content


def _descriptor(kind: int, content: bytes) -> bytes:
    return (bytes((kind,)) + b"CD001\1" + content).ljust(_SECTOR, b"\0")


def _volume(sectors: int, path_table_size: int) -> bytes:
    """What follows the header of a primary volume descriptor (ECMA-119, 8.4)."""
    content = b"\0" + b" " * 32 + b"CALLERS".ljust(32) + bytes(8) + _both(sectors) + bytes(32)
    content += _both_short(1) + _both_short(1) + _both_short(_SECTOR) + _both(path_table_size)
    content += struct.pack("<II", 18, 0) + struct.pack(">II", 0, 0)
    content += _record(b"\0", _ROOT, _SECTOR, folder=True)
    return content
