# SPDX-License-Identifier: Apache-2.0
"""Tables of `kmapbench configs` as pages: what each symbol of a configuration adds."""

from pathlib import Path
from typing import Any

from analysis.data.bad_data import BadData, printable
from analysis.data.json_files import is_number, read_document
from formats import config_table

Context = dict[str, Any]


def read_table(path: Path) -> Context:
    """A table in words; BadData where it is none."""
    raw = read_document(path)
    if not isinstance(raw, dict) or raw.get("format") != config_table.FORMAT:
        raise BadData(f"{path}: no table of configurations of format {config_table.FORMAT}")
    try:
        base, *others = raw["entries"]
        columns = _columns(base)
        return {
            "about": [printable(str(raw[name])) for name in ("source", "compiler", "base")],
            "columns": [*columns, "code bytes"],
            "base": [_absolute(value, exact) for value, exact in _numbers(base, columns)],
            "rows": [_row(entry, base, columns) for entry in others],
        }
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadData(
            f"{path}: no whole table of configurations ({type(error).__name__}: {error}); make it"
            " again with ./kmapbench configs"
        ) from None


def _columns(base: Context) -> list[str]:
    booted = base["booted"]["cases"] if base["booted"] else {}
    return list(dict.fromkeys([*base["static"], *booted]))


def _row(entry: Context, base: Context, columns: list[str]) -> Context:
    """What a change adds to the base."""
    pairs = zip(_numbers(entry, columns), _numbers(base, columns), strict=True)
    return {
        "name": printable(str(entry["name"])),
        "why": printable(str(entry["why"])),
        "lines": [printable(str(line)) for line in entry["lines"]],
        "failed": printable(str(entry["failed"])),
        "moved": sorted(
            f"{printable(str(name)).removeprefix('CONFIG_')}: {printable(str(old))} to"
            f" {printable(str(new))}"
            for name, (old, new) in entry["moved"].items()
        ),
        "cells": [
            _added(None if value is None or old is None else value - old, is_exact and old_is_exact)
            for (value, is_exact), (old, old_is_exact) in pairs
        ],
    }


def _numbers(entry: Context, columns: list[str]) -> list[tuple[float | None, bool]]:
    """Figures by case, of a boot or else of the code, and whether each is exact."""
    booted = entry["booted"]
    found: list[tuple[float | None, bool]] = []
    for case in columns:
        measured = booted["cases"].get(case) if booted else None
        counted = entry["static"].get(case)
        if measured and measured["cost"] is not None:
            found.append((_figure(measured["cost"]), bool(measured["exact"])))
        else:
            found.append((_figure(counted["cost"]) if counted else None, True))
    found.append((_figure(booted["code_bytes"]) if booted else None, True))
    return found


def _figure(value: Any) -> float | None:
    if value is not None and not is_number(value):
        raise ValueError(f"{value!s:.40} is no figure")
    return value


def _absolute(value: float | None, is_exact: bool) -> str:
    return _words(value, is_exact, "")


def _added(value: float | None, is_exact: bool) -> str:
    return _words(value, is_exact, "+")


def _words(value: float | None, is_exact: bool, sign: str) -> str:
    if value is None:
        return "-"
    digits = f"{value:{sign},.1f}".removesuffix(".0") if value else "0"
    return digits if is_exact else f"~{digits}"
