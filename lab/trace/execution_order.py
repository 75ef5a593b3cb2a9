# SPDX-License-Identifier: Apache-2.0
"""The order in which the instructions of one operation ran, found from how often each of them ran.

Counts alone do not say which way a conditional jump went. So all ways through the code are tried
that execute each instruction exactly as often as it was counted. Where that is one way, it is the
order; where there are more, or none, nothing is known.
"""

from collections import Counter
from collections.abc import Mapping

from lab.core.errors import KmapbenchError
from lab.trace.symbols import Place

# The SUB that stands before the jump at the end of each loop: kernel-bench-module/loop.h.
_SUB_COUNTER = "4883eb01"
_PREFIXES = frozenset((0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0xF2, 0xF3))
_MOST_STEPS = 100_000


class NoOrder(KmapbenchError):
    """The counts do not say in which order an operation's instructions ran; str() says why."""


def find_order(
    counts: Mapping[Place, int], code: Mapping[int, str], knows_callers: bool
) -> list[int]:
    """Addresses of the instructions of one operation in the order in which they ran, the two at the
    loop's end last. NoOrder where the counts hold for no order, or for several.

    counts: executions per operation. code: the instruction at each address, in hexadecimal.
    knows_callers: whether counts are split by the calls that led to a place.
    """
    counted = Counter({place: count for place, count in counts.items() if count})
    if any(count < 0 for count in counted.values()):
        raise NoOrder("an instruction ran less often in more operations")
    end = _loop_end(counted, code)
    target = _target(end[1], code[end[1]])
    assert target is not None  # _loop_end() has looked at it
    found = _orders(counted, code, end, target, knows_callers)
    if len(found) != 1:
        raise NoOrder("several orders have these counts" if found else "no order has these counts")
    return found[0]


def _loop_end(counted: Mapping[Place, int], code: Mapping[int, str]) -> Place:
    """The jump back of the loop that each body is."""
    ends = [
        place
        for place, count in counted.items()
        if count == 1
        and code.get(place[1] - len(_SUB_COUNTER) // 2) == _SUB_COUNTER
        and _is_conditional(code[place[1]])
        and (_target(place[1], code[place[1]]) or place[1]) < place[1]
    ]
    if len(ends) != 1:
        raise NoOrder(f"{len(ends)} loops were executed once per operation, and not one")
    return ends[0]


def _orders(
    counted: Counter, code: Mapping[int, str], end: Place, head: int, knows_callers: bool
) -> list[list[int]]:
    """All orders that begin at the loop's head and have these counts; two are enough to know that
    it is not one.
    """
    left = Counter(counted)
    run: list[Place] = []
    found: list[list[int]] = []
    choices: list[tuple[int, tuple[int, ...], int]] = [(0, (), head)]
    steps = 0
    while choices and len(found) < 2:
        length, calls, address = choices.pop()
        while len(run) > length:
            left[run.pop()] += 1
        while True:
            place = ((*end[0], *calls) if knows_callers else (), address)
            if not left[place]:
                break
            left[place] -= 1
            run.append(place)
            if place == end:
                if len(run) == counted.total():
                    found.append([at for _, at in run])
                break
            steps += 1
            if steps > _MOST_STEPS:
                raise NoOrder("too many orders would have to be tried")
            ways = _ways_on(calls, address, code)
            choices += [(len(run), *way) for way in ways[1:]]
            if not ways:
                break
            calls, address = ways[0]
    return found


def _ways_on(
    calls: tuple[int, ...], address: int, code: Mapping[int, str]
) -> list[tuple[tuple[int, ...], int]]:
    """Where an instruction may lead: the calls that are open then, and the next address. None: it
    leads where only its operand says, or out of the operation.
    """
    behind = address + len(code[address]) // 2
    target = _target(address, code[address])
    opcode = _opcode(code[address])
    if _is_conditional(code[address]):
        taken = [(calls, target)] if target is not None and target != behind else []
        return [(calls, behind), *taken]
    if opcode == b"\xe8" and target is not None:
        return [((*calls, address), target)]
    if opcode in (b"\xe9", b"\xeb") and target is not None:
        return [(calls, target)]
    if opcode in (b"\xc3", b"\xc2"):
        return [(calls[:-1], calls[-1] + len(code[calls[-1]]) // 2)] if calls else []
    return [] if _leads_by_operand(code[address]) else [(calls, behind)]


def _target(address: int, text: str) -> int | None:
    """Where a jump or call with a displacement leads; None: it is none. Intel SDM, volume 2."""
    opcode, code = _opcode(text), bytes.fromhex(text)
    if opcode == b"\xeb" or (len(opcode) == 1 and 0x70 <= opcode[0] <= 0x7F):
        size = 1
    elif opcode in (b"\xe8", b"\xe9") or (opcode[0] == 0x0F and 0x80 <= opcode[-1] <= 0x8F):
        size = 4
    else:
        return None
    return address + len(code) + int.from_bytes(code[-size:], "little", signed=True)


def _is_conditional(text: str) -> bool:
    opcode = _opcode(text)
    return 0x70 <= opcode[0] <= 0x7F or (opcode[0] == 0x0F and 0x80 <= opcode[-1] <= 0x8F)


def _leads_by_operand(text: str) -> bool:
    """JMP and CALL through a register or memory, and returns from interrupts and system calls."""
    code = bytes.fromhex(text)
    opcode = _opcode(text)
    if opcode == b"\xff":
        return code[code.index(0xFF) + 1] >> 3 & 7 in (2, 3, 4, 5)
    return opcode in (b"\xcf", b"\xcc", b"\xcd", b"\x0f\x05", b"\x0f\x07")


def _opcode(text: str) -> bytes:
    """Of an instruction: without prefixes, 0F with the byte behind it."""
    code = bytes.fromhex(text)
    at = next((place for place, byte in enumerate(code) if byte not in _PREFIXES), 0)
    if at + 1 < len(code) and code[at] & 0xF0 == 0x40:  # REX
        at += 1
    return code[at : at + 2] if code[at] == 0x0F else code[at : at + 1]
