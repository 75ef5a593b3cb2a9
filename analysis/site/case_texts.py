# SPDX-License-Identifier: Apache-2.0
"""What a case is, in words and in code: from the table of cases and the source of the module."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from formats.case_names import PMEM_PAGES, parse_fio

_ROOT = Path(__file__).resolve().parents[2]
_TABLE = _ROOT / "docs" / "cases.md"
_MODULE = _ROOT / "kernel-bench-module"
_ROW = re.compile(r"\| \**`([^`]+)`\** \| (.*) \| (.*) \|")
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
# What stands for several names in the table.
_NAMES = {
    "FORM": r"(?:kmap_local|kmap_local_slim)",
    "TOUCH": r"(?:read8|write8|copy64_out|copy64_in|copy4k_out|copy4k_in)",
    "SET": r"\w+",
    "*": r".+",
}


@dataclass(frozen=True)
class Body:
    """The code that a case runs."""

    name: str
    file: str  # below kernel-bench-module/
    code: str


def describe_case(case: str) -> str:
    """What is measured; empty: the table of cases does not know it."""
    if case in PMEM_PAGES:
        return "the page of persistent memory, whether the kernel protects it or not"
    if run := parse_fio(case):
        return (
            f"fio: {run.rw} of {run.size} by {run.engine} on {run.on}, {run.jobs} at once"
            f"{', direct' if run.direct else ''}; {run.figure}"
        )
    for pattern, what, needs in _table():
        if re.fullmatch(pattern, case):
            touch = case.rpartition("/")[2]
            said = what.replace("TOUCH", touch).replace("SET", touch)
            return f"{said}; needs {needs}" if needs else said
    return ""


def find_body(function: str) -> Body | None:
    """The source of a body of the module, as this kmapbench has it. None: it has none."""
    whole = re.compile(rf"KB_BODY\({re.escape(function)}, {{(?:}}\)|.*?\n}}\))", re.DOTALL)
    for name, text in _sources():
        if there := whole.search(text):
            return Body(function, name, there[0])
    # A body made of a map and an unmap, PREFIX_TOUCH: the longest prefix.
    made = re.compile(r"^KB_\w+\((?:KB_PATH_BODY, )?(kb_body_\w+), .*\)$", re.MULTILINE)
    found = [
        (len(match[1]), name, match[0])
        for name, text in _sources()
        for match in made.finditer(text)
        if function.startswith(f"{match[1]}_") and _is_ring(function) == ("RING" in match[0])
    ]
    if not found:
        return None
    _, file, line = max(found)
    return Body(function, file, line + "\n" if _is_ring(function) else f"{line}\n\n{_macro()}")


def _is_ring(function: str) -> bool:
    return function.endswith(("_latency", "_throughput"))


@cache
def _macro() -> str:
    """What a body of a map and an unmap is, without the ends of its lines."""
    text = (_MODULE / "case.h").read_text()
    at = text.index("#define KB_PATH_BODY(")
    lines = text[at : text.index("})", at) + 2].splitlines()
    return "\n".join(line.rstrip("\\").rstrip() for line in lines)


@cache
def _sources() -> tuple[tuple[str, str], ...]:
    return tuple((path.name, path.read_text()) for path in sorted(_MODULE.glob("*.c")))


@cache
def _table() -> list[tuple[str, str, str]]:
    """Pattern of names, what is measured, what it needs."""
    rows = []
    for line in _TABLE.read_text().splitlines():
        if found := _ROW.fullmatch(line):
            name, what, needs = found.groups()
            pattern = re.escape(name).replace(r"\*", "*")
            for word, names in _NAMES.items():
                pattern = pattern.replace(word, names)
            rows.append((pattern, _LINK.sub(r"\1", what).replace("`", ""), needs))
    return rows
