# SPDX-License-Identifier: Apache-2.0
"""Sets of CPUs as the kernel writes them: lists such as 0-3,8 and masks such as f,000000ff."""

from collections.abc import Iterable

_BITS_OF_A_WORD = 32


def parse_list(text: str) -> frozenset[int]:
    """The CPUs of a list; a ValueError where it is none."""
    cpus: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def format_list(cpus: Iterable[int]) -> str:
    """CPUs as a list, in the kernel's own form."""
    ranges: list[list[int]] = []
    for cpu in sorted(cpus):
        if ranges and cpu == ranges[-1][1] + 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def parse_mask(text: str) -> frozenset[int]:
    """The CPUs of a mask; a ValueError where it is none."""
    number = int(text.strip().replace(",", ""), 16)
    return frozenset(cpu for cpu in range(number.bit_length()) if number >> cpu & 1)


def format_mask(cpus: Iterable[int]) -> str:
    """CPUs as a mask, with a comma after each 32 bits."""
    number = sum(1 << cpu for cpu in set(cpus))
    words: list[int] = []
    while number or not words:
        words.append(number & ((1 << _BITS_OF_A_WORD) - 1))
        number >>= _BITS_OF_A_WORD
    first, *rest = reversed(words)
    return ",".join([f"{first:x}", *(f"{word:08x}" for word in rest)])
