# SPDX-License-Identifier: Apache-2.0
"""Bodies of the module that are straight lines, whose instructions objdump counts."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses

EMPTY = "kb_body_empty"

Code = list[tuple[int, str]]  # address and text of each instruction


@dataclass(frozen=True)
class Loop:
    """What a body does again and again, the jump back included."""

    code: Code

    @property
    def length(self) -> int | None:
        """Instructions of a round; None: there may be several ways through it. A conditional jump
        out of the loop is one that is not taken: it leads to a message, or to a check that failed.
        """
        return None if any(self._leads_astray(text) for _, text in self.code[:-1]) else len(self)

    def __len__(self) -> int:
        return len(self.code)

    def first_branch(
        self, rewritten: Collection[int] = (), nops: Collection[int] = ()
    ) -> str | None:
        """Why a round may take another number of instructions than stand there; None: it cannot.

        rewritten: addresses that the kernel writes anew when it loads the code; nops: of jumps that
        are no-operations once the kernel's build is done with them.
        """
        for address, text in self.code[:-1]:
            if address in nops:
                continue
            if text.startswith(("call", "j", "ret")):
                return f"it has {' '.join(text.split()[:1])}"
            if address in rewritten:
                return "it is rewritten for the CPU"
        return None

    def _leads_astray(self, text: str) -> bool:
        if text.startswith(("call", "jmp", "ret")):
            return True
        inside = re.match(r"j\w+\s+([0-9a-f]+)", text)
        return bool(inside and self.code[0][0] <= int(inside[1], 16) <= self.code[-1][0])


def loop_of(code: Code) -> Loop | None:
    """The loop of a body: what the first jump backwards leads back to; None: there is none."""
    for last, text in code:
        jump = re.match(r"j(?:ne|nz)\s+([0-9a-f]+)", text)
        if jump and (first := int(jump[1], 16)) < last:
            return Loop([one for one in code if first <= one[0] <= last])
    return None


def length(file: Path, body: str) -> int | None:
    """Instructions of a round of a body; None: it has no loop, or several ways through it."""
    loop = loop_of(disassemble(file, body))
    return loop.length if loop else None


def disassemble(file: Path, body: str) -> Code:
    """A function of a module or of an object of it; empty where it is not there."""
    symbols = subprocesses.output([subprocesses.find("nm", "binutils"), "-S", file])
    symbol = re.search(rf"^([0-9a-f]+) ([0-9a-f]+) [tT] {re.escape(body)}$", symbols, re.MULTILINE)
    if symbol is None:
        return []
    begin = int(symbol[1], 16)
    # By addresses: where padding is in front of a function, --disassemble=NAME ends too early.
    within = [f"--start-address={begin}", f"--stop-address={begin + int(symbol[2], 16)}"]
    text = _objdump("-d", "--no-show-raw-insn", "-j", ".text", *within, file)
    rows = re.findall(r"^\s+([0-9a-f]+):\t(.*)$", text, re.MULTILINE)
    return [(int(address, 16), code.strip()) for address, code in rows]


def rewritten(file: Path) -> set[int]:
    """Places in .text of an object that are in its table of alternatives, which the kernel writes
    anew when it loads the code.
    """
    table = _relocations(file, ".altinstructions")
    places = re.findall(r"\s\.text(?:\+0x([0-9a-f]+))?$", table, re.MULTILINE)
    return {int(place or "0", 16) for place in places}


def nops(file: Path) -> set[int]:
    """Places in .text of an object where a static key that is off jumps nowhere. The compiler has
    written a jump there, and bit 1 into its entry of the jump table: objtool makes a no-operation
    of it (CONFIG_HAVE_JUMP_LABEL_HACK), of several objects with IBT only when they are linked.
    """
    entry = (  # where, where to, which key: three relocations at 0, 4 and 8 of 16 bytes
        r"^[0-9a-f]+0 \S+ +\.text(?:\+0x([0-9a-f]+))?\n"
        r"[0-9a-f]+4 .*\n"
        r"[0-9a-f]+8 \S+ +[^\s+]+(?:\+0x([0-9a-f]+))?$"
    )
    found = re.findall(entry, _relocations(file, "__jump_table"), re.MULTILINE)
    return {int(place or "0", 16) for place, key in found if int(key or "0", 16) & 2}


def _relocations(file: Path, section: str) -> str:
    _, _, behind = _objdump("-r", file).partition(f"RELOCATION RECORDS FOR [{section}]:")
    return behind.partition("RELOCATION RECORDS")[0]


def _objdump(*arguments: str | Path) -> str:
    return subprocesses.output([subprocesses.find("objdump", "binutils"), *map(str, arguments)])
