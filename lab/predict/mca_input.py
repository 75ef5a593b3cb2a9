# SPDX-License-Identifier: Apache-2.0
"""What llvm-mca is given of the executed code of a pair. docs/prediction.md says why each step is
taken.

Pure: from instructions as llvm-mc prints them to such instructions.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lab.predict import store_forwarding
from lab.predict.asm_text import is_memory, mnemonic, operands_of
from lab.predict.store_forwarding import Line

# Mnemonics that llvm-mca takes for 100 cycles, or whose effect on what is in flight it does not
# know. ENDBR64 is a NOP to a CPU whose code is called as it should be.
FENCE = "lfence"
_STRIPPED = frozenset(("endbr64", "callq", "retq", FENCE, "wrmsr"))

# Arithmetic with a conditional jump behind it, that the CPU executes as one operation. Both lists
# are of Intel's and of AMD's optimization manuals; AMD's has OR and XOR, too, which Intel's lacks.
_FUSED = re.compile(r"(cmp|test|add|sub|and|inc|dec)[bwlq]$")
_CONDITIONAL = re.compile(r"j(?!mp)[a-z]+$")

# Arithmetic that may have an operand in memory.
_TWO_OPERANDS = re.compile(r"(add|sub|adc|sbb|and|or|xor|cmp|test|imul)([bwlq])$")
_ONE_OPERAND = re.compile(r"(inc|dec|neg|not)([bwlq])$")
_READ_ONLY = ("cmp", "test")
# R16 to R23 of APX, which no kernel of today uses.
_FIRST_SPARE, _SPARE = 16, 8
_SUFFIXES = {"b": "b", "w": "w", "l": "d", "q": ""}


@dataclass(frozen=True)
class McaInput:
    """Instructions for llvm-mca, and what became of the others."""

    lines: tuple[str, ...]
    stripped: Counter  # by mnemonic
    kept: int  # executed instructions that the lines stand for
    fused: int  # of these, conditional jumps that are one with what is before them


def make_input(executed: Sequence[Line]) -> McaInput:
    """What llvm-mca is given of one operation.

    executed: its instructions in the order of execution, the two of the loop's end last.
    """
    lines = [Line(line.text.split("#")[0].strip(), line.next_address) for line in executed]
    begun = _from_the_fence(lines)
    stripped = Counter(name for line in begun if (name := mnemonic(line.text)) in _STRIPPED)
    unfused = _without_fused_jumps(begun)
    connected = store_forwarding.connect_loads(_unfolded(unfused))
    given = [text for text in connected if mnemonic(text) not in _STRIPPED]
    fused = len(begun) - len(unfused)
    return McaInput(tuple(given), stripped, len(begun) - stripped.total(), fused)


def make_loop_input() -> McaInput:
    """The same of the two instructions of the loop's end (kernel-bench-module/loop.h) alone."""
    return make_input([Line("subq $1, %rbx"), Line("jne 0")])


def _from_the_fence(lines: Sequence[Line]) -> list[Line]:
    """From behind the fence, where each pair has one, otherwise from the loop's end: there an
    operation begins that is alone.
    """
    fences = [place for place, line in enumerate(lines) if mnemonic(line.text) == FENCE]
    begin = fences[0] + 1 if fences else len(lines) - 2
    return [*lines[begin:], *lines[:begin]]


def _without_fused_jumps(lines: Sequence[Line]) -> list[Line]:
    kept: list[Line] = []
    for line in lines:
        if _CONDITIONAL.match(mnemonic(line.text)) and kept and _fuses(kept[-1].text):
            continue
        kept.append(line)
    return kept


def _fuses(line: str) -> bool:
    """Not with a constant and an operand in memory at once."""
    operands = operands_of(line)
    constant = any(one.startswith("$") for one in operands)
    memory = any(is_memory(one) for one in operands)
    return bool(_FUSED.match(mnemonic(line))) and not (constant and memory)


def _unfolded(lines: Sequence[Line]) -> list[Line]:
    """With loads and stores of their own in place of arithmetic on memory, as the CPU executes
    it.
    """
    result: list[Line] = []
    used = 0
    for line in lines:
        parts = _split(line.text, _FIRST_SPARE + used % _SPARE)
        used += len(parts) > 1
        result += [Line(part, line.next_address) for part in parts]
    return result


def _split(line: str, number: int) -> list[str]:
    name, operands = mnemonic(line), operands_of(line)
    memory = next((one for one in operands if is_memory(one)), None)
    match = _TWO_OPERANDS.match(name) if len(operands) == 2 else _ONE_OPERAND.match(name)
    if memory is None or match is None:
        return [line]
    spare = f"%r{number}{_SUFFIXES[match[2]]}"
    load = f"mov{match[2]} {memory}, {spare}"
    work = f"{name} {', '.join(spare if one == memory else one for one in operands)}"
    if match[1] in _READ_ONLY or memory != operands[-1]:
        return [load, work]
    return [load, work, f"mov{match[2]} {spare}, {memory}"]
