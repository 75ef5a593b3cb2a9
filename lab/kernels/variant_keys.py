# SPDX-License-Identifier: Apache-2.0
"""The keys that a variant of a table may have, and what their values may be. Standard library
only.
"""

from collections.abc import Mapping
from typing import Any

from lab.kernels.variant import MEMORY_MIB

KINDS: Mapping[type | tuple[type, ...], str] = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    (int, float): "a number",
    list: "a list of strings",
}
OF_A_BUILD: Mapping[str, Any] = {
    "source": str,
    "tree": str,
    "commit": str,
    "config": str,
    "pks": str,
    "patches": str,
    "first_patches": int,
    "toolchain": str,
    "make": list,
    "steps": int,
}
OF_A_BOOT: Mapping[str, Any] = {
    "what": str,
    "cpu": str,
    "cmdline": str,
    "memory_mib": int,
    "limit_seconds": (int, float),
    "regions": int,
}
# Variables of make that the lab gives itself, or that would build for another machine or place.
OF_THE_LAB = (
    *("O", "M", "CC", "HOSTCC", "LLVM", "LOCALVERSION", "ARCH", "SRCARCH", "CROSS_COMPILE"),
    *("KBUILD_OUTPUT", "KBUILD_EXTMOD", "KCONFIG_CONFIG", "INSTALL_MOD_PATH", "INSTALL_PATH"),
)
# Where the kernel comes from, if it is not built for this variant.
ELSEWHERE: Mapping[str, Any] = {"packaged": bool, "image": str, "built": str}
KEYS: Mapping[str, Any] = {**ELSEWHERE, **OF_A_BUILD, **OF_A_BOOT}
"""All keys of a variant, with the types that their values may have."""

RANGES = {
    "first_patches": (1, 10_000),
    "steps": (1, 1_000_000),
    "memory_mib": (MEMORY_MIB, 1 << 20),
    "limit_seconds": (1, 1_000_000),
    "regions": (0, 2),
}
