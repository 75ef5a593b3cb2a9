# SPDX-License-Identifier: Apache-2.0
"""Reads a guest's console: splats, panics, last lines. Pure."""

import re

# What the kernel prints when something is wrong with it.
_SPLAT = re.compile(
    r"WARNING: CPU|WARNING: possible|WARNING: suspicious|WARNING: .* at |BUG:|kernel BUG at|Oops|"
    r"general protection fault|unable to handle|Kernel panic|KASAN:|UBSAN:|"
    r"INFO: task .* blocked|detected stalls|self-detected stall|unreferenced object|"
    r"scheduling while atomic|sleeping function called"
)

# The oracle's own fault: unpatched kernels warn, once, about a key fault in the kernel
# (WARN_ON_ONCE in do_kern_addr_fault) before they handle it. Linux 6.18 and later may name the
# condition, then the place, and the CPU at the end.
_ORACLE_WARNING = re.compile(
    r"WARNING: (?:CPU: \d+ PID: \d+ at |(?:\[.*\] )?)arch/x86/mm/fault\.c:\d+ "
)

_PANIC = re.compile(r"Kernel panic - not syncing: (.*)")

_TIMESTAMP = re.compile(r"^\[\s*\d+\.\d+\] ?(?:\[\s*[TC]\d+\] ?)?")
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def lines(text: str) -> list[str]:
    """The console's lines, without time stamps and terminal codes."""
    return [_TIMESTAMP.sub("", _ESCAPE.sub("", line)).rstrip() for line in text.splitlines()]


def unexpected_splats(text: str) -> list[str]:
    """First lines of all splats but the one that the oracle causes on an unpatched kernel."""
    splats = [line for line in lines(text) if _SPLAT.search(line)]
    for index, line in enumerate(splats):
        if _ORACLE_WARNING.search(line):
            return splats[:index] + splats[index + 1 :]
    return splats


def panic(text: str) -> str | None:
    """The kernel's own words where it panicked."""
    for line in lines(text):
        match = _PANIC.search(line)
        if match:
            return match[1]
    return None


def module_refusal(text: str) -> str | None:
    """The module's own words where it would not be loaded."""
    said = [
        line.removeprefix("kmapbench: ")
        for line in lines(text)
        if line.startswith("kmapbench: ") and "module verification" not in line
    ]
    return said[-1] if said else None


def tail(text: str, count: int = 8) -> list[str]:
    """The last lines that say something; where a panic is further up, its line is the first of
    them.
    """
    said = [line for line in lines(text) if line]
    panicked = [line for line in said[:-count] if _PANIC.search(line)][:1]
    return panicked + said[-count + len(panicked) :]
