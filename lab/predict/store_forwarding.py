# SPDX-License-Identifier: Apache-2.0
"""Loads that read what an earlier store of the same operation has written: the stack, counts.

llvm-mca lets either no load wait for a store, or each load for all stores. So such a load gets the
address of a register that holds what was stored: then it waits for that store's data, and for no
other. Which loads these are is found by following where addresses come from. Two addresses that
come from different places are taken for different.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.predict.asm_text import is_memory, mnemonic, operands_of

# Registers for what was stored: R24 to R31 of APX, which no kernel of today uses.
_SPARE = tuple(f"r{number}" for number in range(24, 32))

_MEMORY = re.compile(
    r"(?:%(?P<segment>[fg]s):)?(?P<offset>-?[0-9]+)?"
    r"(?:\((?:%(?P<base>\w+))?(?:,\s*%(?P<index>\w+)(?:,\s*(?P<scale>[0-9]))?)?\))?"
)
_LEGACY = ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
_READ_ONLY = re.compile(r"(cmp|test|nop|j|bt)[a-z]*$")
_IMPLIED = re.compile(r"(mul|div|idiv|imul|cqto|cltq|cltd|cwtl|xadd|cmpxchg|rdtsc|rdmsr|cpuid)")

Value = tuple[object, int]  # where it comes from, and what was added to it
Place = tuple[object, ...]  # an address in memory: segment, origin, index, offset


@dataclass(frozen=True)
class Line:
    """An instruction as llvm-mc prints it."""

    text: str
    next_address: int = 0  # where the one behind it lies


@dataclass
class _Stored:
    register: str | None  # holds what was stored; None: a constant, which is there at once
    value: Value


@dataclass
class _State:
    registers: dict[str, Value] = field(default_factory=dict)
    memory: dict[Place, _Stored] = field(default_factory=dict)
    stores: int = 0
    fresh: int = 0

    def value(self, register: str) -> Value:
        name = whole_register(register)
        return self.registers.get(name, (name, 0))

    def new_value(self) -> Value:
        self.fresh += 1
        return (("computed", self.fresh), 0)

    def set(self, register: str, value: Value) -> None:
        self.registers[whole_register(register)] = value

    def add(self, register: str, number: int) -> None:
        origin, offset = self.value(register)
        self.set(register, (origin, offset + number))

    def place(self, operand: str, next_address: int) -> Place:
        found = _MEMORY.fullmatch(operand)
        if found is None:
            return self.new_value()
        offset = int(found["offset"] or 0)
        origin: object = None
        if found["base"] == "rip":
            offset += next_address
        elif found["base"]:
            origin, added = self.value(found["base"])
            offset += added
        index = (self.value(found["index"]), found["scale"]) if found["index"] else None
        return (found["segment"], origin, index, offset)

    def store(self, place: Place, register: str | None) -> str | None:
        """Remembers a store; the instruction that keeps its data, None for a constant."""
        if register is None:
            self.memory[place] = _Stored(None, self.new_value())
            return None
        spare = _SPARE[self.stores % len(_SPARE)]
        self.stores += 1
        for other in self.memory.values():  # whose register is taken: then it waits for nothing
            if other.register == spare:
                other.register = None
        self.memory[place] = _Stored(spare, self.value(register))
        return f"movq %{whole_register(register)}, %{spare}"


def whole_register(name: str) -> str:
    """The register of 64 bits that a register is part of."""
    if number := re.fullmatch(r"(r[0-9]+)[bwd]?", name):
        return number[1]
    stem = name.removeprefix("r").removeprefix("e")
    if len(stem) == 2 and stem[1] in "hl" and stem[0] in "abcd":
        stem = f"{stem[0]}x"
    stem = stem.removesuffix("l") if len(stem) == 3 else stem
    return f"r{stem}" if stem in _LEGACY else name


def connect_loads(lines: Sequence[Line]) -> list[str]:
    """The instructions, with such loads waiting for what they read. Arithmetic on memory has to be
    split into loads, work and stores before.
    """
    state = _State()
    return [text for line in lines for text in _connected(line, state)]


def _connected(line: Line, state: _State) -> list[str]:
    name, operands = mnemonic(line.text), operands_of(line.text)
    if name.startswith(("push", "pop", "call", "ret")):
        return _stack_operation(line.text, name, operands, state)
    if _READ_ONLY.match(name) or not operands:
        return [line.text]
    if name.startswith("lea") and len(operands) == 2:
        return _address(line, operands, state)
    if name.startswith("mov") and len(operands) == 2:
        return _move(line, name, operands, state)
    return _computed(line, name, operands, state)


def _address(line: Line, operands: list[str], state: _State) -> list[str]:
    segment, origin, index, offset = state.place(operands[0], line.next_address)
    is_plain = segment is None and index is None
    state.set(operands[1][1:], (origin, int(str(offset))) if is_plain else state.new_value())
    return [line.text]


def _move(line: Line, name: str, operands: list[str], state: _State) -> list[str]:
    source, target = operands
    if is_memory(target):
        register = source[1:] if source.startswith("%") else None
        kept = state.store(state.place(target, line.next_address), register)
        return [line.text, *([kept] if kept else [])]
    if not is_memory(source):
        copied = source.startswith("%") and re.fullmatch(r"mov[lq]", name)
        state.set(target[1:], state.value(source[1:]) if copied else state.new_value())
        return [line.text]
    place = state.place(source, line.next_address)
    stored = state.memory.get(place)
    whole = re.fullmatch(r"mov[lq]", name)
    state.set(target[1:], (stored.value if stored else (place, 0)) if whole else state.new_value())
    if stored is None or stored.register is None:
        return [line.text]
    return [f"{name} (%{stored.register}), {target}"]


def _stack_operation(text: str, name: str, operands: list[str], state: _State) -> list[str]:
    if name.startswith(("push", "call")):
        state.add("rsp", -8)
        is_register = name.startswith("push") and operands and operands[0].startswith("%")
        kept = state.store(state.place("(%rsp)", 0), operands[0][1:] if is_register else None)
        return [text, *([kept] if kept else [])]
    stored = state.memory.get(state.place("(%rsp)", 0))
    state.add("rsp", 8)
    if not name.startswith("pop") or not operands or is_memory(operands[0]):
        return [text]
    state.set(operands[0][1:], stored.value if stored else state.new_value())
    if stored is None or stored.register is None:
        return [text]
    return [f"movq (%{stored.register}), {operands[0]}"]


def _computed(line: Line, name: str, operands: list[str], state: _State) -> list[str]:
    target = operands[-1]
    constant = re.fullmatch(r"\$(-?[0-9]+)", operands[0])
    if is_memory(target):
        state.store(state.place(target, line.next_address), None)
    elif constant and re.fullmatch(r"(add|sub)q", name):
        state.add(target[1:], int(constant[1]) * (1 if name == "addq" else -1))
    elif target.startswith("%"):
        state.set(target[1:], state.new_value())
    if _IMPLIED.match(name) or name.startswith("xchg"):
        changed = [one[1:] for one in operands if one.startswith("%") and not is_memory(one)]
        for register in ("rax", "rdx", *changed):
            state.set(register, state.new_value())
    return [line.text]
