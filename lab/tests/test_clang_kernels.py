# SPDX-License-Identifier: Apache-2.0
"""Kernels that clang built, without the series and with it: what has to hold on any kernel holds on
them, and what they cost is what their own code says.
"""

import json
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import cache_dir
from lab.kernels import module_build, source_build, variant_choice, variant_table
from lab.run import runner
from lab.tests.conftest import quiet
from lab.tests.support.on_kernel import NOTHING_FAILED, run_tests
from lab.trace import straight_line
from lab.trace.static_tier import BODIES

TOOLCHAIN = "llvm-19"
PROGRAMS = ("clang-19", "ld.lld-19", "llvm-ar-19")

pytestmark = [
    pytest.mark.all,
    pytest.mark.skipif(
        not all(map(subprocesses.has, PROGRAMS)), reason="clang 19, lld and llvm are not installed"
    ),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """plain and protected once more."""
    path = tmp_path_factory.mktemp("table") / "mine.toml"
    folder = variant_table.FOLDER
    path.write_text(
        f'[variants.clang]\ntoolchain = "{TOOLCHAIN}"\n'
        f'[variants.clang-protected]\ntoolchain = "{TOOLCHAIN}"\n'
        'pks = "all"\n'
        f'config = "lab+{folder}/configs/pks.config"\n'
        'cmdline = "memremap.pks_fault_mode=strict"\n'
    )
    return path


@pytest.mark.parametrize("tests", ["test_pks_semantics", "test_pks_files", "test_pks_fuzz"])
def test_who_can_touch_a_protected_page_is_the_same(table, cache, tests):
    (variant,) = variant_choice.choose(["clang-protected"], table)
    tree = source_build.fetch(variant.image, cache, quiet)
    result = run_tests(tree.folder, f"lab/tests/{tests}.py")
    assert result.returncode == NOTHING_FAILED, result.stdout[-3000:]


def test_a_straight_line_costs_what_the_module_has(table, tmp_path):
    chosen = variant_choice.choose(["plain", "clang"], table)
    folder = tmp_path / "campaign"
    assert runner.run(runner.Plan(chosen, 1, 1, "micro", None, "kernel/*", folder, [])) == 0
    header = json.loads((folder / "campaign.json").read_text())
    compilers = {}
    for name, described in header["variants"].items():
        compilers[name] = described["module_compiler"]
        module = cache_dir() / "modules" / described["module"] / module_build.NAME
        lines = (folder / name / "boot-01" / "micro.jsonl").read_text().splitlines()
        costs = {record["case"]: record["cost"] for record in map(json.loads, lines)}
        empty = straight_line.length(module, straight_line.EMPTY)
        for case in ("kernel/kmap_local/dram", "kernel/kmap_atomic/dram"):
            assert costs[case] == straight_line.length(module, BODIES[case]) - empty, (name, case)
    assert "clang" in compilers["clang"] and "clang" not in compilers["plain"]
