# SPDX-License-Identifier: Apache-2.0
"""Parts of an instruction as llvm-mc prints it: mnemonic, then operands, the target last."""

import re


def mnemonic(line: str) -> str:
    """The first word."""
    return line.split(None, 1)[0]


def operands_of(line: str) -> list[str]:
    """The operands; a comma inside parentheses separates none."""
    _, _, rest = line.strip().partition(mnemonic(line))
    return [one.strip() for one in re.split(r",(?![^(]*\))", rest) if one.strip()]


def is_memory(operand: str) -> bool:
    """Whether an operand is an address in memory."""
    return "(" in operand or bool(re.match(r"%[fg]s:", operand))
