# SPDX-License-Identifier: Apache-2.0
"""The three forms of the write of IA32_PKRS on 7.3, as the image has them: no CPU of the lab runs
the two that are put in WRMSR's place.
"""

import struct
import subprocess
from pathlib import Path

import pytest

from lab.kernels import source_build, variants
from lab.tests.conftest import quiet

pytestmark = pytest.mark.all

WRMSR = b"\x3e\x0f\x30"  # with the prefix that makes it as long as WRMSRNS
WRMSRNS = b"\x0f\x01\xc6"
TO_ECX, PKRS = b"\xb9", b"\xe1\x06\x00\x00"  # mov $0x6e1,%ecx
IMMEDIATE = b"\xc4\xe7\x7a\xf6\xc0" + PKRS  # wrmsrns $0x6e1,%rax
EX_TYPE_WRMSR = 8  # arch/x86/include/asm/extable_fixup_types.h


class Vmlinux:
    """Sections of a linked kernel. Layouts: struct exception_table_entry, struct alt_instr."""

    def __init__(self, path: Path, folder: Path):
        headers = subprocess.run(
            ["objdump", "-h", path], capture_output=True, text=True, check=True
        )
        rows = [line.split() for line in headers.stdout.splitlines()]
        self._at = {row[1]: int(row[3], 16) for row in rows if len(row) == 7 and row[0].isdigit()}
        self._path, self._folder = path, folder

    def section(self, name: str) -> tuple[int, bytes]:
        """Its address, and what is in it."""
        file = self._folder / name.strip(".")
        command = ["objcopy", "-O", "binary", "--only-section", name, self._path, file]
        subprocess.run(command, check=True)
        return self._at[name], file.read_bytes()

    def exceptions(self) -> dict[int, int]:
        """Address of an instruction that may fault -> what is done about it."""
        at, table = self.section("__ex_table")
        return {
            at + 12 * i + offset: kind & 0xFF
            for i, (offset, _, kind) in enumerate(struct.iter_unpack("<iiI", table))
        }

    def alternatives(self) -> list[tuple[int, bytes, bytes]]:
        """Address, the instructions there, and those that may be put in their place."""
        at, table = self.section(".altinstructions")
        text, replacements = self.section(".text"), self.section(".altinstr_replacement")
        found = []
        for i, (offset, other, _, size, other_size) in enumerate(
            struct.iter_unpack("<iiIBB", table)
        ):
            here, there = at + 14 * i + offset, at + 14 * i + 4 + other
            found.append((here, _slice(text, here, size), _slice(replacements, there, other_size)))
        return found


def _slice(section: tuple[int, bytes], address: int, size: int) -> bytes:
    start = address - section[0]
    return section[1][start : start + size] if start >= 0 else b""


@pytest.fixture(scope="module")
def vmlinux(cache, tmp_path_factory) -> Vmlinux:
    tree = source_build.fetch(variants.load("7.3")["protected"].image, cache, quiet)
    return Vmlinux(tree.vmlinux, tmp_path_factory.mktemp("sections"))


def test_each_form_is_in_the_exception_table(vmlinux):
    exceptions, places = vmlinux.exceptions(), {WRMSRNS: 0, IMMEDIATE: 0}
    for here, original, replacement in vmlinux.alternatives():
        if TO_ECX + PKRS in replacement and WRMSRNS in replacement:
            place, form = replacement.index(WRMSRNS), WRMSRNS
            assert original[place:] == WRMSR
        elif IMMEDIATE in replacement:
            place, form = replacement.index(IMMEDIATE), IMMEDIATE
        else:
            continue
        assert exceptions.get(here + place) == EX_TYPE_WRMSR, hex(here)
        places[form] += 1
    assert places[WRMSRNS] == places[IMMEDIATE] > 0
