# SPDX-License-Identifier: Apache-2.0
"""A quick look at a line of path.jsonl: the schema takes ten times as long for it."""

from typing import Any

from analysis.data.json_files import JsonObject

_REQUIRED = frozenset(
    {
        "case",
        "variant",
        "boot",
        "ops",
        "instructions",
        "empty_instructions",
        "wrmsr",
        "functions",
    }
)
_ALLOWED = _REQUIRED | {"pkrs_writes", "stacks"}
# Counts that have a smallest value.
_LEAST = {"boot": 1, "ops": 1, "wrmsr": 0, "pkrs_writes": 0}


def is_surely_path(raw: JsonObject) -> bool:
    """Whether a line is what results/schema asks for. False: the schema has to say."""
    return (
        _REQUIRED <= raw.keys() <= _ALLOWED
        and type(raw["case"]) is str
        and type(raw["variant"]) is str
        and type(raw["instructions"]) is int
        and type(raw["empty_instructions"]) is int
        and all(
            type(raw[name]) is int and raw[name] >= _LEAST[name]
            for name in _LEAST.keys() & raw.keys()
        )
        and _are_parts(raw["functions"], "chain")
        and _are_parts(raw.get("stacks", []), "stack")
    )


def _are_parts(parts: Any, chain: str) -> bool:
    return type(parts) is list and all(
        type(part) is dict
        and part.keys() == {chain, "instructions", "wrmsr"}
        and type(part["instructions"]) is int
        and type(part["wrmsr"]) is int
        and part["wrmsr"] >= 0
        and type(part[chain]) is list
        and bool(part[chain])
        and all(type(name) is str for name in part[chain])
        for part in parts
    )
