# SPDX-License-Identifier: Apache-2.0
"""Says which function an executed instruction came from: of the module inlined ones, too, of the
kernel those with a symbol.
"""

import bisect
import json
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from formats.campaign_format import UNKNOWN_FUNCTION
from lab.core import subprocesses
from lab.core.errors import CommandFailed

# The first windows of a sample, in the order of struct kmapbench_sample.
EMPTY_N, EMPTY_2N, CASE_N, CASE_2N = range(4)

_KERNEL_SPACE = 1 << 63  # from here on addresses are the kernel's

_IA32_PKRS = 0x6E1
# A WRMSR's register number is loaded so many bytes before it, or not in its own function.
_FURTHEST_LOAD = 256

Place = tuple[
    tuple[int, ...], int
]  # addresses of the calls that led there, outermost first; address of the instruction
Executions = Counter  # Place -> executions


@dataclass(frozen=True)
class Window:
    """What the observer saw between two markers."""

    executions: Executions
    code: dict[int, str]  # address -> the instruction there, in hexadecimal

    @cached_property
    def wrmsr(self) -> frozenset[int]:
        """Addresses that hold a WRMSR."""
        return frozenset(address for address, code in self.code.items() if _is_wrmsr(code))

    @cached_property
    def pkrs_writes(self) -> frozenset[int]:
        """Those of them that write IA32_PKRS. An interrupt controller, say, is written by WRMSR,
        too.
        """
        return frozenset(address for address in self.wrmsr if self._ecx_at(address) == _IA32_PKRS)

    @cached_property
    def _addresses(self) -> list[int]:
        return sorted(self.code)

    def _ecx_at(self, address: int) -> int | None:
        """The constant in ECX, which names the register of a WRMSR: as the last instruction before
        it that ran and loads ECX has it. None where that is no constant.
        """
        for place in range(bisect.bisect_left(self._addresses, address) - 1, -1, -1):
            before = self._addresses[place]
            if address - before > _FURTHEST_LOAD:
                return None
            code = bytes.fromhex(self.code[before])
            if _loads_ecx(code):
                return int.from_bytes(code[1:], "little") if code[0] == _MOV_IMM_ECX else None
        return None


def _is_wrmsr(code: str) -> bool:
    """Also with a prefix, which changes nothing: Linux has one where WRMSRNS, which is longer, is
    put in its place on CPUs that have that.
    """
    return bytes.fromhex(code).lstrip(_SEGMENT_PREFIXES) == b"\x0f\x30"


_SEGMENT_PREFIXES = bytes.fromhex("26 2e 36 3e 64 65")
_MOV_IMM_ECX = 0xB9
_MOV_TO_RM, _MOV_FROM_RM, _XOR_TO_RM = 0x89, 0x8B, 0x31
_ECX = 1


def _loads_ecx(code: bytes) -> bool:
    """Whether an instruction of these bytes sets all of ECX, as compilers do it. Source: Intel
    SDM, volume 2, "MOV" and "ModR/M byte".
    """
    opcode, operand = code[0], code[1] if len(code) > 1 else 0
    mode, register, place = operand >> 6, operand >> 3 & 7, operand & 7
    if opcode == _MOV_IMM_ECX:
        return len(code) == 5
    if opcode == _MOV_FROM_RM:
        return register == _ECX
    return opcode in (_MOV_TO_RM, _XOR_TO_RM) and mode == 3 and place == _ECX


class Windows(Sequence[Window]):
    """The observer's file: windows of the module, or "user": of programs. A line torn by the end of
    QEMU is left out.

    Each is read when it is asked for, since few are, of a file that may take most of a gigabyte.
    """

    def __init__(self, path: Path, space: str = "kernel"):
        begin = f'{{"space": "{space}"'.encode()
        self._path = path
        self._offsets = []
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.startswith(begin) and line.endswith(b"\n"):
                    self._offsets.append(offset)
                offset += len(line)

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, index: Any) -> Any:  # an index, or a slice
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        with self._path.open("rb") as file:
            file.seek(self._offsets[index])
            raw = json.loads(file.readline())
        calls: list[tuple[int, ...]] = [()]
        for caller, address in raw["frames"]:
            calls.append((*calls[caller], address))
        return Window(
            Counter({(calls[frame], address): count for address, count, _, frame in raw["pcs"]}),
            {address: code for address, _, code, _ in raw["pcs"]},
        )


class Kernel:
    """The functions of a kernel that runs where it was linked to: without KASLR."""

    def __init__(self, system_map: Path):
        """system_map: as nm prints symbols, which is how kernels come with them; without the file
        nothing is known.
        """
        text = system_map.read_text() if system_map.exists() else ""
        rows = (line.split(maxsplit=2) for line in text.splitlines())
        symbols = sorted((int(address, 16), name) for address, kind, name in rows if kind in "tTW")
        self._addresses = [address for address, _ in symbols]
        self._names = [name for _, name in symbols]

    def function(self, address: int) -> str | None:
        """The function that an address lies in; None: in none."""
        index = bisect.bisect_right(self._addresses, address) - 1
        # Nothing tells where the last one ends.
        return self._names[index] if 0 <= index < len(self._names) - 1 else None


class Module:
    """kmapbench.ko as it was loaded: where its sections lay, and its debug information."""

    def __init__(self, path: Path, sections: dict[str, int], kernel: "Kernel"):
        self._path = path
        self._kernel = kernel
        self._sections = sorted(sections.items(), key=lambda item: item[1])
        self._chains: dict[int, tuple[str, ...]] = {}

    def resolve(self, addresses: set[int]) -> None:
        """Looks all addresses up at once; a section is one call of addr2line."""
        by_section: dict[str, list[int]] = {}
        for address in sorted(addresses - self._chains.keys()):
            section = self._section(address)
            if address < _KERNEL_SPACE:
                self._chains[address] = ("user space",)
            elif section is None:
                self._chains[address] = (self._kernel.function(address) or UNKNOWN_FUNCTION,)
            else:
                by_section.setdefault(section, []).append(address)
        for section, members in by_section.items():
            base = dict(self._sections)[section]
            offsets = [address - base for address in members]
            chains = inlined_chains(self._path, section, offsets)
            self._chains.update(zip(members, chains, strict=True))

    def chain(self, address: int) -> tuple[str, ...]:
        """Functions from the outermost to the innermost inlined one."""
        return self._chains[address]

    def _section(self, address: int) -> str | None:
        size_limit = 1 << 20  # modules are far smaller; kernel code lies elsewhere
        found = None
        for name, base in self._sections:
            if base <= address < base + size_limit:
                found = name
        return found


def inlined_chains(file: Path, section: str, offsets: Sequence[int]) -> list[tuple[str, ...]]:
    """The functions that each place of a section of an object lies in, from the outermost to the
    innermost inlined one.
    """
    result = subprocess.run(
        [
            subprocesses.find("addr2line", "binutils"),
            "-a",
            "-f",
            "-i",
            "-j",
            section,
            "-e",
            str(file),
        ],
        input="\n".join(hex(offset) for offset in offsets),
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        raise CommandFailed(f"addr2line {file}: {result.stderr.strip()}")
    chains: list[list[str]] = []
    lines = iter(result.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            chains.append([])
        else:
            chains[-1].append(line)
            next(lines)  # file and line
    return [tuple(reversed(chain)) for chain in chains]


def path_of(record: dict, windows: Mapping[str, Sequence[Window]], module: Module) -> dict | None:
    """Where the instructions of `ops` operations of a record went, loop included.

    The difference of the windows of 2n and of n operations, so that it is of exactly ops
    operations; counts are raw, an operation's share is count / ops.  None where the
    observer did not see the record's windows.
    """
    space = "user" if "first_user_window" in record else "kernel"
    first = record.get("first_user_window" if space == "user" else "first_window")
    if first is None or first + CASE_2N >= len(windows[space]):
        return None
    four = windows[space][first : first + 4]
    case = _difference(four[CASE_2N].executions, four[CASE_N].executions)
    empty = _difference(four[EMPTY_2N].executions, four[EMPTY_N].executions)
    module.resolve({address for calls, at in case for address in (*calls, at)})
    instructions: Counter = Counter()
    wrmsr: Counter = Counter()
    stacks: dict[tuple[str, ...], Counter] = {}
    for (calls, address), count in case.items():
        writes = count if address in four[CASE_2N].wrmsr else 0
        chain = module.chain(address)
        instructions[chain] += count
        wrmsr[chain] += writes
        stack = tuple(function for call in calls for function in module.chain(call)) + chain
        stacks.setdefault(stack, Counter()).update(instructions=count, wrmsr=writes)
    return {
        "case": record["case"],
        "variant": record["variant"],
        "boot": record["boot"],
        "ops": record["ops"],
        "instructions": sum(case.values()),
        "empty_instructions": sum(empty.values()),
        "wrmsr": sum(wrmsr.values()),
        "pkrs_writes": executed(case, four[CASE_2N].pkrs_writes),
        "functions": [
            {"chain": list(chain), "instructions": count, "wrmsr": wrmsr[chain]}
            for chain, count in sorted(instructions.items(), key=lambda item: (-item[1], item[0]))
        ],
        "stacks": [
            {"stack": list(stack), "instructions": at["instructions"], "wrmsr": at["wrmsr"]}
            for stack, at in sorted(stacks.items())
        ],
    }


def executed(executions: Executions, addresses: frozenset[int]) -> int:
    """How often instructions at these addresses were executed."""
    return sum(count for (_, at), count in executions.items() if at in addresses)


def _difference(longer: Executions, shorter: Executions) -> Executions:
    """Signed, without zeros: an instruction that ran as often in both is not part of an
    operation.
    """
    result = Counter(longer)
    result.subtract(shorter)
    return Counter({address: count for address, count in result.items() if count})
