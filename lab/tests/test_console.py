# SPDX-License-Identifier: Apache-2.0
import pytest

from lab.vm import console

ORACLE = "[    2.04] WARNING: CPU: 0 PID: 96 at arch/x86/mm/fault.c:1195 do_user_addr_fault+0x1/0x2"
OTHER = "[    2.05] WARNING: CPU: 0 PID: 96 at mm/vmalloc.c:12 vunmap+0x1/0x2"


def test_the_oracles_own_warning_is_expected_once():
    assert console.unexpected_splats(ORACLE) == []
    assert len(console.unexpected_splats(f"{ORACLE}\n{ORACLE}")) == 1


@pytest.mark.parametrize("condition", ["", "[!cpu_feature_enabled(X86_FEATURE_PKS)] "])
def test_later_kernels_name_the_place_first(condition):
    line = (
        f"[    2.04] WARNING: {condition}arch/x86/mm/fault.c:1137 at do_kern_addr_fault+0x1/0x2,"
        " CPU#0: kmap_bench/96"
    )
    other = line.replace("arch/x86/mm/fault.c", "mm/vmalloc.c")
    assert console.unexpected_splats(line) == []
    assert console.unexpected_splats(f"{line}\n{line}") == [line.split("] ", 1)[1]]
    assert console.unexpected_splats(f"{other}\n{line}") == [other.split("] ", 1)[1]]


def test_another_warning_is_not():
    assert console.unexpected_splats(f"{ORACLE}\n{OTHER}") == [OTHER.split("] ", 1)[1]]


def test_the_usual_splats_are_known():
    for line in (
        "BUG: KASAN: slab-use-after-free in x+0x1/0x2",
        "BUG: sleeping function called from invalid context at mm/slab.h:1",
        "WARNING: possible circular locking dependency detected",
        "UBSAN: array-index-out-of-bounds in x.c:1:2",
        "Oops: general protection fault, probably for non-canonical address",
        "INFO: task kmap_bench:96 blocked for more than 120 seconds.",
        "rcu: INFO: rcu_preempt self-detected stall on CPU",
    ):
        assert console.unexpected_splats(f"[    1.0] {line}") == [line]


def test_ordinary_lines_are_none():
    assert (
        console.unexpected_splats("[    0.1] Linux version 6.12\n[    0.2] x86/fpu: WARNING-free\n")
        == []
    )


def test_panic_gives_the_kernels_own_words():
    text = (
        "[    2.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n[   "
        " 2.1] CPU: 0"
    )
    assert console.panic(text) == "Attempted to kill init! exitcode=0x00000100"
    assert console.panic("nothing") is None


def test_tail_has_the_panics_own_line_though_much_is_said_after_it():
    text = "\n".join(
        ["before", "[ 2.0] Kernel panic - not syncing: why", *(f"register {n}" for n in range(9))]
    )
    assert console.tail(text, 3) == ["Kernel panic - not syncing: why", "register 7", "register 8"]
    assert console.tail(text, 10) == [
        "Kernel panic - not syncing: why",
        *(f"register {n}" for n in range(9)),
    ]


def test_tail_leaves_out_stamps_codes_and_empty_lines():
    assert console.tail("[ 1.0] a\n\n\x1b[0;32mb\x1b[m\n[ 1.2] c\n", 2) == ["b", "c"]
