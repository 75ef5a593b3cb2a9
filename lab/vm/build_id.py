# SPDX-License-Identifier: Apache-2.0
"""Which kernel a guest runs, by the build ID that the linker gave it: a cache of compilers, or a
user's own build folder, may hand out an image that belongs to another kernel.
"""

import re
import struct
from pathlib import Path

from lab.core import subprocesses

_NAME, _TYPE = b"GNU\0", 3  # NT_GNU_BUILD_ID


def of_notes(notes: bytes) -> str | None:
    """The build ID among ELF notes, as /sys/kernel/notes has them; None: there is none."""
    at = 0
    while at + 12 <= len(notes):
        name_bytes, bytes_of, kind = struct.unpack_from("<3I", notes, at)
        name = at + 12
        content = name + -(-name_bytes // 4) * 4
        if kind == _TYPE and notes[name : name + name_bytes] == _NAME:
            return notes[content : content + bytes_of].hex()
        at = content + -(-bytes_of // 4) * 4
    return None


def of_file(vmlinux: Path) -> str | None:
    """The build ID of a kernel with its symbols; None: it has none, or is not there."""
    if not vmlinux.is_file():
        return None
    notes = subprocesses.output([subprocesses.find("readelf", "binutils"), "-n", vmlinux])
    found = re.search(r"Build ID: ([0-9a-f]+)", notes)
    return found[1] if found else None


def difference(release: str, vmlinux: Path, ran: str, notes: bytes) -> str | None:
    """What says that a guest ran another kernel than the one that is thought of; None: nothing.

    release, vmlinux: of the kernel that was to be booted; ran, notes: the release and the notes of
    the one that was.
    """
    if ran != release:
        return f"it is {ran}, not {release}"
    built, booted = of_file(vmlinux), of_notes(notes)
    if built is None or built == booted:
        return None
    return f"its build ID is {booted or 'none'}, not {built}"
