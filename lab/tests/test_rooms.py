# SPDX-License-Identifier: Apache-2.0
"""The rooms of lab, analysis and formats: who may import whom, and how they are called."""

import ast
import graphlib
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from lab.core.dirs import ROOT

PACKAGES = ("formats", "lab", "analysis")
MOST_FLOORS, MOST_ROOMS = 8, 12
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 50


def modules(package: str) -> dict[str, Path]:
    """Files of a package without its tests, by dotted name."""
    paths = (ROOT / package).rglob("*.py")
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    return {name: path for name, path in named.items() if ".tests." not in name}


@cache
def known() -> set[str]:
    """All our modules."""
    return {name for package in PACKAGES for name in modules(package)}


def imports(path: Path) -> set[str]:
    """Modules of ours that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = full in known() or f"{full}.__init__" in known()
                found.add(full if is_module else node.module)
    return {name for name in found if name.split(".")[0] in PACKAGES}


def room(module: str) -> str:
    """A module's folder; a package is a room itself."""
    is_package = (ROOT / module.replace(".", "/")).is_dir()
    return module if is_package else module.rpartition(".")[0]


def rooms(package: str) -> dict[str, set[str]]:
    """Each room of a package with the rooms of the same package that it uses."""
    uses: dict[str, set[str]] = defaultdict(set)
    for name, path in modules(package).items():
        here = room(name.removesuffix(".__init__"))
        uses[here] |= {room(one) for one in imports(path)} - {here}
    return {
        here: {one for one in there if one.split(".")[0] == package} for here, there in uses.items()
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_uses_rooms_below_it_only(package):
    uses = rooms(package)
    floors: dict[str, int] = {}
    for here in graphlib.TopologicalSorter(uses).static_order():  # CycleError: a climb
        floors[here] = max((floors[below] + 1 for below in uses.get(here, ())), default=0)
    assert max(floors.values()) < MOST_FLOORS
    assert max(Counter(floors.values()).values()) <= MOST_ROOMS


def test_formats_knows_neither_side_and_analysis_not_the_lab():
    for name, path in modules("formats").items():
        assert {one.split(".")[0] for one in imports(path)} <= {"formats"}, name
    for name, path in modules("analysis").items():
        assert "lab" not in {one.split(".")[0] for one in imports(path)}, name


def test_no_two_modules_have_one_name():
    names = Counter(
        name.rpartition(".")[2]
        for package in ("lab", "analysis")
        for name in modules(package)
        if not name.endswith("__")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_is_too_long():
    lengths = {
        name: len(path.read_text().splitlines())
        for package in PACKAGES
        for name, path in modules(package).items()
    }
    assert [name for name, length in lengths.items() if length > MOST_LINES] == []


def test_no_test_module_imports_another():
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("test_*.py")):
        others = {one for one in imports(path) if one.rpartition(".")[2].startswith("test_")}
        assert others == set(), path


def test_no_function_is_too_long():
    lengths = {
        f"{name}.{node.name}": node.end_lineno - node.lineno + 1
        for package in PACKAGES
        for name, path in modules(package).items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert [name for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION] == []
