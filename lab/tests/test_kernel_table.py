# SPDX-License-Identifier: Apache-2.0
"""The count that the table of kernels holds its figures against."""

import pytest

from lab.studies import kernel_table

LOOP = [
    (16, "mov (%rdi),%rax"),
    (20, "mov %rax,%rdx"),
    (24, "sub $0x1,%rbx"),
    (28, "jne 14 <body+0x4>"),
    (30, "ret"),
]


def test_a_loop_is_from_the_target_of_the_jump_to_the_jump():
    assert kernel_table.loop_length(LOOP) == 3  # 0x14 is 20


@pytest.mark.parametrize("text", ["call 100 <f>", "jmp 1c <body>", "je 14 <body+0x4>"])
def test_a_loop_with_another_way_through_it_is_no_straight_line(text):
    assert kernel_table.loop_length([*LOOP[:2], (22, text), *LOOP[2:]]) is None


def test_a_branch_out_of_the_loop_that_is_not_taken_is_an_instruction():
    assert kernel_table.loop_length([*LOOP[:2], (22, "je 40 <body+0x30>"), *LOOP[2:]]) == 4


def test_code_without_a_loop_has_no_length():
    assert kernel_table.loop_length(LOOP[:3]) is None
