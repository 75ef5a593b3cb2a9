# SPDX-License-Identifier: Apache-2.0
"""Groups of items with a common key, and names that tell items apart."""

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def group_by(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items by key; keys and the items of each in order of first appearance."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def numbered(names: Iterable[str], taken: Collection[str]) -> list[str]:
    """Names of which no two are equal: one that is there again is followed by #2, #3 and so on.

    taken: names that no number may make.
    """
    counts: dict[str, int] = {}
    unlike = []
    for name in names:
        number = counts.get(name, 0) + 1
        while number > 1 and f"{name}#{number}" in taken:
            number += 1
        counts[name] = number
        unlike.append(name if number == 1 else f"{name}#{number}")
    return unlike
