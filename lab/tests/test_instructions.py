# SPDX-License-Identifier: Apache-2.0
"""What one operation executes, by kind: from text alone, and of a program whose instructions are
known.
"""

import pytest

from lab.core import subprocesses
from lab.core.dirs import build_dir
from lab.trace import instructions

pytestmark = pytest.mark.program


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mov    %rbp,%rax", "mov register,register"),
        ("mov    $0x3,%eax", "mov constant,register"),
        ("lea    (%rdi,%rdi,1),%ecx", "lea memory,register"),
        ("sub    0xecf1(%rip),%rax        # 27210 <base>", "sub memory,register"),
        ("mov    %fs:0xfffffffffffffff8,%rdx", "mov fs:memory,register"),
        ("mov    %eax,%gs:0x3fb83688(%rip)        # 0x3fb83769", "mov register,gs:memory"),
        ("jne    18510 <body+0x10>", "jne"),
        ("call   18260 <close>", "call"),
        ("ret", "ret"),
        ("nopw   (%rax)", "nop"),
        ("nopl   0x0(%rax,%rax,1)", "nop"),
        ("xchg   %ax,%ax", "nop"),
        ("xchg   %ax,(%rax)", "xchg register,memory"),
        ("endbr64", "endbr64"),
        ("wrmsr", "wrmsr"),
    ],
)
def test_a_kind_has_no_names_and_no_numbers(text, kind):
    assert instructions.kind(text) == kind


def test_bytes_are_disassembled_as_instructions_of_their_own():
    assert instructions.disassembled(["f30f1efa", "0f30", "90"]) == ["endbr64", "wrmsr", "nop"]


def test_bytes_that_are_no_whole_instruction_are_not_passed_over():
    with pytest.raises(AssertionError):
        instructions.disassembled(["0f", "30"])


def test_a_called_functions_cost_is_not_the_callers_own():
    lines = [
        "ob=/build/kmap_pairs",
        "0x10 0 5",
        "cob=/lib/libc.so.6",
        "calls=1 0x99 0",
        "0x10 0 700",
        "0x14 0 5",
        "ob=/lib/libc.so.6",
        "0x10 0 9000",
        "ob=/build/kmap_pairs",
        "0x10 0 2",
    ]
    assert instructions.executions(lines, "kmap_pairs") == {0x10: 7, 0x14: 5}


def test_chains_differ_by_as_many_adds_as_their_names_say():
    short, long = "user/known/adds13", "user/known/adds100"
    counted = instructions.of_models(build_dir() / "bench" / "tools" / "kmap_pairs", [short, long])
    assert counted[long] - counted[short] == {"add register,register": 100 - 13}


def test_pairs_have_a_model_and_a_number():
    program = build_dir() / "bench" / "tools" / "kmap_pairs"
    for arguments, message in (
        (["user/empty", "0"], "at least 1"),
        (["user/no_such", "3"], "no such model"),
    ):
        with pytest.raises(subprocesses.CommandFailed, match=message):
            subprocesses.output([program, *arguments])
