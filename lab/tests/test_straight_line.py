# SPDX-License-Identifier: Apache-2.0
"""The count that figures of straight lines are held against."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lab.trace import straight_line
from lab.trace.straight_line import loop_of

LOOP = [
    (16, "mov (%rdi),%rax"),
    (20, "mov %rax,%rdx"),
    (24, "sub $0x1,%rbx"),
    (28, "jne 14 <body+0x4>"),
    (30, "ret"),
]


def length(code):
    loop = loop_of(code)
    return loop and loop.length


def test_a_loop_is_from_the_target_of_the_jump_to_the_jump():
    assert length(LOOP) == 3  # 0x14 is 20


@pytest.mark.parametrize("text", ["call 100 <f>", "jmp 1c <body>", "je 14 <body+0x4>"])
def test_a_loop_with_another_way_through_it_is_no_straight_line(text):
    code = [*LOOP[:2], (22, text), *LOOP[2:]]
    assert length(code) is None
    assert loop_of(code).first_branch() == f"it has {text.split()[0]}"


def test_a_branch_out_of_the_loop_that_is_not_taken_is_an_instruction():
    code = [*LOOP[:2], (22, "je 40 <body+0x30>"), *LOOP[2:]]
    assert length(code) == 4
    assert loop_of(code).first_branch() == "it has je"  # whether it is taken, nobody has seen


def test_code_without_a_loop_has_no_length():
    assert loop_of(LOOP[:3]) is None


def test_what_the_kernel_writes_anew_is_not_counted():
    loop = loop_of(LOOP)
    assert loop.first_branch() is None and loop.first_branch({16}) is None
    assert loop.first_branch({20}) == "it is rewritten for the CPU"


def assembled(source: str, folder: Path) -> Path:
    """An object of assembly."""
    shutil.which("gcc") or pytest.skip("gcc is not installed")
    (folder / "object.s").write_text(source)
    subprocess.run(["gcc", "-c", "object.s"], cwd=folder, check=True)
    return folder / "object.o"


def test_an_object_says_its_loop_and_what_is_rewritten_in_it(tmp_path):
    source = """
    .text
    .globl body
    .type body, @function
    body: nop
    head: add $1, %rax
    place: nop
    sub $1, %rbx
    jne head
    ret
    .size body, . - body
    .section .altinstructions, "a"
    .long place - .
    .long other - .
    .section .altinstr_replacement, "ax"
    other: nop
    """
    file = assembled(source, tmp_path)
    loop = loop_of(straight_line.disassemble(file, "body"))
    assert [text.split()[0] for _, text in loop.code] == ["add", "nop", "sub", "jne"]
    assert loop.length == 4
    assert loop.first_branch(straight_line.rewritten(file)) == "it is rewritten for the CPU"
    assert straight_line.disassemble(file, "nobody") == []


def test_the_jump_of_a_static_key_that_is_off_is_a_nop(tmp_path):
    """As arch/x86/include/asm/jump_label.h has it: key + branch, plus 2 for objtool."""
    source = """
    .text
    .globl body
    .type body, @function
    body: nop
    head: add $1, %rax
    likely_off: jmp far
    back: sub $1, %rbx
    jne head
    ret
    far: jmp back
    on: jmp far
    .size body, . - body
    .bss
    .balign 8
    .skip 16
    key: .skip 8
    .section __jump_table, "aw"
    .balign 8
    .long likely_off - ., far - .
    .quad key + 2 - .
    .long on - ., far - .
    .quad key + 1 - .
    .long head - ., far - .
    .quad other + 3 - .
    """
    file = assembled(source, tmp_path)
    nops = straight_line.nops(file)
    assert nops == {5, 1}  # after nop, add (4 bytes)
    loop = loop_of(straight_line.disassemble(file, "body"))
    assert loop.first_branch() == "it has jmp" and loop.first_branch(nops=nops) is None
    assert len(loop) == 4
