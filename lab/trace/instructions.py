# SPDX-License-Identifier: Apache-2.0
"""What one operation executes, by kind of instruction: of kernel cases by the observer, of user
models by callgrind.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from lab.core import subprocesses
from lab.trace.symbols import CASE_2N, CASE_N, EMPTY_2N, EMPTY_N, Window

# Kind -> executions an operation: a Fraction, which is whole where each operation does the same.
Kinds = Counter

# Pairs of the shorter run of a user model; the other does twice as many.
PAIRS = 1000


def kind(text: str) -> str:
    """An instruction as objdump prints it, without what is a register's name, a displacement, a
    constant or a target.
    """
    text = re.sub(r"\s*(#|<).*", "", text)
    mnemonic, _, rest = text.partition(" ")
    operands = re.split(r",(?![^(]*\))", rest.strip()) if rest.strip() else []
    if re.fullmatch(r"nop[lw]?", mnemonic) or text.split() == ["xchg", "%ax,%ax"]:
        return "nop"
    if re.fullmatch(r"j\w+|call", mnemonic) and not rest.strip().startswith("*"):
        return mnemonic
    return f"{mnemonic} {','.join(map(_operand, operands))}".strip()


def _operand(text: str) -> str:
    if segment := re.match(r"%([fg]s):", text):
        return f"{segment[1]}:memory"
    return {"%": "register", "$": "constant"}.get(text[0], "memory")


def of_record(record: dict, windows: Sequence[Window]) -> Kinds:
    """Of a kernel case that the observer saw, the empty loop taken away."""
    four = windows[record["first_window"] : record["first_window"] + 4]
    total: Kinds = Counter()
    for at, sign in ((CASE_2N, 1), (CASE_N, -1), (EMPTY_2N, -1), (EMPTY_N, 1)):
        window = four[at]
        texts = disassembled([window.code[address] for _, address in window.executions])
        for count, text in zip(window.executions.values(), texts, strict=True):
            total[kind(text)] += sign * count
    return _per_operation(total, record["ops"])


def disassembled(codes: Sequence[str]) -> list[str]:
    """Instructions, given as bytes in hexadecimal, as objdump prints them."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes.fromhex("".join(codes)))
        file.flush()
        lines = _objdump("-D", "--no-show-raw-insn", "-b", "binary", "-m", "i386:x86-64", file.name)
    starts = [sum(len(code) // 2 for code in codes[:index]) for index in range(len(codes))]
    assert list(lines) == starts, "the observer and objdump do not agree where instructions begin"
    return list(lines.values())


def of_models(kmap_pairs: Path, names: Iterable[str]) -> dict[str, Kinds]:
    """Of user models, by name, the empty loop taken away."""
    texts = _objdump("-d", "--no-show-raw-insn", kmap_pairs)

    def kinds(model: str) -> Kinds:
        total: Kinds = Counter()
        for address, count in executions_of_model(kmap_pairs, model).items():
            total[kind(texts[address])] += count
        return total

    empty = kinds("user/empty")
    counted = {name: kinds(name) for name in names}
    for one in counted.values():
        one.subtract(empty)
    return {name: _per_operation(one, PAIRS) for name, one in counted.items()}


def executions_of_model(kmap_pairs: Path, model: str) -> Counter[int]:
    """Executions of each instruction in PAIRS rounds of a user model, the loop's own included, by
    its address in the program.
    """
    counts = _callgrind(kmap_pairs, model, 2 * PAIRS)
    counts.subtract(_callgrind(kmap_pairs, model, PAIRS))
    return Counter({address: count for address, count in counts.items() if count})


def machine_code(program: Path) -> dict[int, str]:
    """Each instruction of a program in hexadecimal, by its address."""
    lines = _objdump("-d", "-w", program)
    return {address: text.split("\t")[0].replace(" ", "") for address, text in lines.items()}


def _callgrind(program: Path, model: str, pairs: int) -> Counter[int]:
    """Executions of each instruction of the program itself, by its address there."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        options = [
            "--dump-instr=yes",
            "--compress-pos=no",
            "--compress-strings=no",
            f"--callgrind-out-file={out}",
        ]
        subprocesses.output(
            [
                subprocesses.find("valgrind", "valgrind"),
                "--tool=callgrind",
                *options,
                program,
                model,
                str(pairs),
            ]
        )
        return executions(out.read_text().splitlines(), program.name)


def executions(lines: Iterable[str], program: str) -> Counter[int]:
    """Of a callgrind file (its manual, chapter 'Callgrind Format Specification'): address -> own
    executions.
    """
    counts: Counter[int] = Counter()
    ours = of_call = False
    for line in lines:
        if line.startswith("ob="):
            ours = Path(line.removeprefix("ob=")).name == program
        elif line.startswith("calls="):
            of_call = True  # the next line's cost is what the called function took
        elif line.startswith("0x"):
            if ours and not of_call:
                address, _, count = line.split()
                counts[int(address, 16)] += int(count)
            of_call = False
    return counts


def _objdump(*arguments: str | Path) -> dict[int, str]:
    """Address -> what is printed of the instruction."""
    text = subprocesses.output([subprocesses.find("objdump", "binutils"), *arguments])
    return {
        int(address, 16): code.strip()
        for address, code in re.findall(r"^\s+([0-9a-f]+):\t(.*)$", text, re.MULTILINE)
    }


def _per_operation(total: Kinds, ops: int) -> Kinds:
    return Counter({one: Fraction(count, ops) for one, count in total.items() if count})
