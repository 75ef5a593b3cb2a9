# SPDX-License-Identifier: Apache-2.0
"""What llvm-mca is given: stripped, fused, split, and connected by what is stored. Code is written
by hand, and so is what is expected of it.
"""

import pytest

from lab.predict import mca_input
from lab.predict.asm_text import operands_of
from lab.predict.mca_input import McaInput
from lab.predict.store_forwarding import Line, connect_loads, whole_register

END = ("subq $1, %rbx", "jne 0")


def made(*texts: str) -> McaInput:
    return mca_input.make_input([Line(text) for text in (*texts, *END)])


def lines_of(*texts: str) -> list[str]:
    """Without the loop's end, which comes first and whose jump is fused."""
    first, *others = made(*texts).lines
    assert first == END[0]
    return others


def connected(*texts: str) -> list[str]:
    return connect_loads([Line(text) for text in texts])


def test_what_llvm_mca_does_not_know_is_stripped_and_counted():
    found = made("endbr64", "callq 5", "nop", "wrmsr", "retq", "wrmsr")
    assert found.lines == (END[0], "nop")
    assert found.stripped == {"endbr64": 1, "callq": 1, "retq": 1, "wrmsr": 2}


@pytest.mark.parametrize(
    "texts",
    [
        ["nop"],
        ["addl $1, 8(%rax)", "cmpl %eax, %ecx", "je 5", "wrmsr", "movl %eax, (%rsp)", "popq %rdi"],
    ],
)
def test_each_executed_instruction_is_kept_or_stripped(texts):
    """A split or fused one counts once."""
    found = made(*texts)
    assert found.kept + found.stripped.total() == len(texts) + len(END)


def test_a_pair_begins_behind_its_fence():
    assert made("nop", "lfence").lines == (END[0], "nop")
    assert made("movl %eax, %ecx", "lfence", "nop").lines == ("nop", END[0], "movl %eax, %ecx")


@pytest.mark.parametrize(
    ("before", "fuses"),
    [
        ("cmpq %rax, %rcx", True),
        ("testb $1, %al", True),
        ("addq %rcx, %rax", True),
        ("decl %eax", True),
        ("cmpl $5, 8(%rax)", False),  # a constant and memory at once
        ("sarq $6, %rax", False),
        ("movl %eax, %ecx", False),
    ],
)
def test_a_conditional_jump_is_one_with_the_arithmetic_before_it(before, fuses):
    found = made(before, "jb 12")
    assert ("jb 12" not in found.lines) == fuses
    assert found.fused == 1 + fuses  # the loop's end, too


def test_an_unconditional_jump_is_never_fused():
    assert lines_of("cmpq %rax, %rcx", "jmp 12")[-1] == "jmp 12"


def test_arithmetic_on_memory_is_a_load_and_work():
    assert lines_of("addq 16(%rdi), %rax") == ["movq 16(%rdi), %r16", "addq %r16, %rax"]
    assert lines_of("cmpl $3, %gs:8(%rax)") == ["movl %gs:8(%rax), %r16d", "cmpl $3, %r16d"]


def test_arithmetic_into_memory_is_a_load_work_and_a_store():
    load, work, store, *kept = lines_of("incl %fs:-12")
    assert (load, work, store) == ("movl %fs:-12, %r16d", "incl %r16d", "movl %r16d, %fs:-12")
    assert kept == ["movq %r16, %r24"]  # for loads that read it


def test_two_splits_have_registers_of_their_own():
    found = lines_of("addq (%rdi), %rax", "addq (%rsi), %rcx")
    assert "%r16" in found[0] and "%r17" in found[2]


# What is stored, and read again


def test_a_load_waits_for_the_store_that_it_reads():
    found = connected("movq %rdi, 8(%rsp)", "movq 8(%rsp), %rsi")
    assert found == ["movq %rdi, 8(%rsp)", "movq %rdi, %r24", "movq (%r24), %rsi"]


def test_a_load_from_elsewhere_waits_for_no_store():
    assert connected("movq %rdi, 8(%rsp)", "movq 16(%rsp), %rsi")[-1] == "movq 16(%rsp), %rsi"


def test_a_constant_that_was_stored_is_not_waited_for():
    assert connected("movl $1, %fs:-20", "movl %fs:-20, %eax")[-1] == "movl %fs:-20, %eax"


def test_an_address_is_the_same_through_moves_and_sums():
    """The stack moves by a call, a push and constants; a copy of a pointer is that pointer."""
    found = connected(
        *("movq %rdi, 8(%rsp)", "callq 5", "subq $8, %rsp", "movq 24(%rsp), %rax"),
        *("movl %ecx, 4(%rbx)", "movq %rbx, %rdx", "movl 4(%rdx), %esi"),
        *("leaq 4(%rbx), %r8", "movl (%r8), %r9d"),
    )
    assert "movq (%r24), %rax" in found
    assert "movl (%r25), %esi" in found and "movl (%r25), %r9d" in found


def test_a_pointer_that_is_read_twice_is_one_pointer():
    """As `current` is, of which each function reads it again."""
    found = connected(
        "movq %fs:-16, %rax", "movl %ecx, 8(%rax)", "movq %fs:-16, %rdx", "movl 8(%rdx), %esi"
    )
    assert found[-1] == "movl (%r24), %esi"


def test_a_pointer_that_was_computed_anew_is_another_one():
    found = connected("movl %ecx, 8(%rax)", "shlq $3, %rax", "movl 8(%rax), %esi")
    assert found[-1] == "movl 8(%rax), %esi"


def test_two_pointers_that_were_computed_are_two():
    found = connected("shlq $3, %rax", "shlq $3, %rbx", "movl %ecx, 8(%rax)", "movl 8(%rbx), %esi")
    assert found[-1] == "movl 8(%rbx), %esi"


def test_what_is_pushed_is_popped():
    found = connected("pushq %rbx", "callq 5", "retq", "popq %rbx")
    assert found[-1] == "movq (%r24), %rbx"


def test_an_address_relative_to_the_instruction_is_where_it_leads():
    lines = [Line("movl %eax, 16(%rip)", 100), Line("movl 6(%rip), %ecx", 110)]
    assert connect_loads(lines)[-1] == "movl (%r24), %ecx"
    assert connect_loads([lines[0], Line("movl 16(%rip), %ecx", 110)])[-1] == "movl 16(%rip), %ecx"


def test_a_register_that_is_taken_again_connects_nothing_wrong():
    """Nine stores, eight registers: the first store's load waits for nothing, the ninth's for its
    own.
    """
    stores = [f"movq %rdi, {8 * place}(%rsp)" for place in range(9)]
    found = connected(*stores, "movq (%rsp), %rax", "movq 64(%rsp), %rcx")
    assert found[-2:] == ["movq (%rsp), %rax", "movq (%r24), %rcx"]


@pytest.mark.parametrize(
    ("part", "whole"),
    [("eax", "rax"), ("al", "rax"), ("dil", "rdi"), ("r8d", "r8"), ("r12b", "r12"), ("spl", "rsp")],
)
def test_a_part_of_a_register_is_that_register(part, whole):
    assert whole_register(part) == whole


def test_a_comma_in_an_address_separates_no_operands():
    assert operands_of("addq\t8(%rax,%rcx,4), %rdx") == ["8(%rax,%rcx,4)", "%rdx"]
