# SPDX-License-Identifier: Apache-2.0
"""The comparison, on campaigns that the lab made."""

import json
import subprocess
import sys

import pytest

from lab.cli import main
from lab.core.dirs import ROOT
from lab.kernels import variants
from lab.run import runner
from lab.tests.support import mutations
from lab.vm import image

pytestmark = pytest.mark.program

# One instruction more, in one body that one case has.
SLOWER = mutations.Mutation(
    "one_more",
    "kernel_path.c",
    "\treturn kmap_local_folio(",
    '\tasm volatile("nop");\n\treturn kmap_local_folio(',
)
CASE = "kernel/kmap_local_folio/dram"


def campaign(folder):
    plan = runner.Plan([variants.find("stock")], 2, 1, "micro", None, "kernel/*/dram", folder, [])
    assert runner.run(plan) == 0
    return folder


def test_one_instruction_more_is_slower_by_one_and_nothing_else_is(monkeypatch, capfd, tmp_path):
    before = campaign(tmp_path / "before")
    monkeypatch.setattr(image, "MODULE_SOURCE", mutations.plant(SLOWER, tmp_path))
    after = campaign(tmp_path / "after")
    capfd.readouterr()
    sides = [str(before), str(after)]
    assert main(["compare", *sides]) == 2
    assert "--allow tools.module_source" in capfd.readouterr().err
    allowed = ["--allow", "tools.module_source", "--fail-on", "slower"]
    assert main(["compare", *sides, *allowed, "--format", "json"]) == 1
    (group,) = json.loads(capfd.readouterr().out)["groups"]
    found = {row["case"]: (row["verdict"], row["change"]) for row in group["rows"]}
    assert len(found) > 3 and found.pop(CASE) == ("slower", "+1")
    assert set(found.values()) == {("same", "0")}
    assert main(["compare", *sides[::-1], *allowed]) == 0
    assert f"  {CASE:34}" in (text := capfd.readouterr().out) and " -1  fewer\n" in text


@pytest.mark.kernels
def test_the_kernels_own_reader_takes_ktap(kernel_source, tmp_path):
    """What kunit.py says of the form `ktap` is what the form `json` has."""
    reference = ROOT / "results" / "reference" / "pks-6.12"
    sides = [f"{reference}:off", f"{reference}:protected"]
    text, values = (
        subprocess.run(
            [ROOT / "kmapbench", "compare", "--format", form, *sides],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for form in ("ktap", "json")
    )
    document = tmp_path / "ktap"
    document.write_text(text)
    said = subprocess.run(
        [sys.executable, kernel_source / "tools/testing/kunit/kunit.py", "parse", document],
        capture_output=True,
        text=True,
    ).stdout
    (group,) = json.loads(values)["groups"]
    slower = [row for row in group["rows"] if row["verdict"] == "slower"]
    passed = [row for row in group["rows"] if row["exact"] and row not in slower]
    assert slower and passed
    assert f"passed: {len(passed)}, failed: {len(slower)}, skipped: " in said, said
