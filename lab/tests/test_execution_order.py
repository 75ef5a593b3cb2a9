# SPDX-License-Identifier: Apache-2.0
"""The order of instructions, found from counts: of code that is written out here by hand, from the
opcode tables of Intel's SDM.
"""

import pytest

from lab.trace.execution_order import NoOrder, find_order

START = 0x1000
NOP, RET, SUB, JNE = "90", "c3", "4883eb01", "75"


def jump(opcode: str, address: int, target: int) -> str:
    """A jump with a displacement of 8 bits."""
    return opcode + (target - address - 2).to_bytes(1, "little", signed=True).hex()


def call(address: int, target: int) -> str:
    return "e8" + (target - address - 5).to_bytes(4, "little", signed=True).hex()


def body(*codes: str, at: int = START) -> dict[int, str]:
    """Instructions one after the other, by address."""
    found = {}
    for code in codes:
        found[at] = code
        at += len(code) // 2
    return found


def loop(*codes: str) -> dict[int, str]:
    """The same with the loop's end behind."""
    inside = body(*codes, SUB)
    end = START + sum(len(code) // 2 for code in inside.values())
    return inside | {end: jump(JNE, end, START)}


def once(code: dict[int, str], *others: int) -> dict:
    """Each executed once, but for those that were not executed."""
    return {((), address): 1 for address in code if address not in others}


def test_a_straight_line_runs_as_it_stands():
    code = loop(NOP, NOP)
    assert find_order(once(code), code, False) == sorted(code)


def test_a_conditional_jump_goes_where_instructions_were_executed():
    """je over a NOP: taken where the NOP has no count, not taken where it has one."""
    code = loop(jump("74", START, START + 3), NOP, NOP)
    assert START + 2 not in find_order(once(code, START + 2), code, False)
    assert find_order(once(code), code, False) == sorted(code)


def test_a_function_that_is_called_twice_is_passed_twice():
    function = 0x2000
    code = loop(call(START, function), NOP, call(START + 6, function)) | body(NOP, RET, at=function)
    counts = once(code) | {((), function): 2, ((), function + 1): 2}
    there = [function, function + 1]
    assert find_order(counts, code, False) == [
        *(START, *there),
        *(START + 5, START + 6, *there),
        *(START + 11, START + 15),
    ]


def test_counts_by_caller_tell_two_calls_apart_that_go_different_ways():
    """je over a NOP: one call passes it, the other does not. Only callers say which."""
    function, second = 0x2000, START + 5
    called = body(jump("74", function, function + 3), NOP, RET, at=function)
    code = loop(call(START, function), call(second, function)) | called
    together = once(code) | {((), function): 2, ((), function + 3): 2}
    with pytest.raises(NoOrder, match="several"):
        find_order(together, code, False)
    apart = {place: count for place, count in once(code).items() if place[1] < function}
    apart |= {((START,), function): 1, ((START,), function + 3): 1}
    apart |= {((second,), address): 1 for address in called}
    assert find_order(apart, code, True) == [
        *(START, function, function + 3),
        *(second, function, function + 2, function + 3),
        *(second + 5, second + 9),
    ]


@pytest.mark.parametrize(
    "counts",
    [
        {START: 2},  # more than the loop's end
        {START: 0},  # a gap
        {START + 1: -1},
    ],
)
def test_counts_that_no_order_has_are_refused(counts):
    code = loop(NOP, NOP)
    changed = once(code) | {((), address): count for address, count in counts.items()}
    with pytest.raises(NoOrder):
        find_order(changed, code, False)


def test_a_jump_by_a_register_is_refused():
    code = loop("ffe0", NOP)  # jmp *%rax
    with pytest.raises(NoOrder, match="no order"):
        find_order(once(code), code, False)


def test_code_without_the_loops_end_is_refused():
    code = body(NOP, jump(JNE, START + 1, START))
    with pytest.raises(NoOrder, match="0 loops"):
        find_order(once(code), code, False)


def test_code_with_too_many_ways_is_given_up():
    """Twenty calls of je over a NOP, half of which pass it, and an instruction that is never
    reached: 184,756 ways, and none of them is right.
    """
    function, calls = 0x2000, 20
    called = body(jump("74", function, function + 3), NOP, RET, at=function)
    code = loop(*(call(START + 5 * place, function) for place in range(calls))) | called
    counts = once(code) | {((), function): calls, ((), function + 3): calls, ((), 0x3000): 1}
    with pytest.raises(NoOrder, match="too many"):
        find_order(counts | {((), function + 2): calls // 2}, code | {0x3000: NOP}, False)
