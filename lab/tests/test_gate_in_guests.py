# SPDX-License-Identifier: Apache-2.0
"""`gate` on the distribution's kernel: a copy of it as HEAD, and one that cannot boot."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from formats.gate_files import COMMENT, KCIDB
from lab.gate import gate_options, gate_plan, gate_run

pytestmark = [pytest.mark.guest, pytest.mark.all]


@pytest.fixture
def copy(kernel, tmp_path) -> Path:
    """The kernel in a folder of its own, with what a gate looks at."""
    folder = tmp_path / "copy"
    for part in ("boot", "lib", "usr"):
        if (kernel.folder / part).exists():
            shutil.copytree(kernel.folder / part, folder / part, symlinks=True)
    return folder


def gate(kernel, head: Path, folder: Path) -> int:
    parser = argparse.ArgumentParser()
    gate_options.add_options(parser)
    words = [kernel.folder, head, "--cases", "kernel/kmap_local/dram", "--out", folder]
    arguments = parser.parse_args([*map(str, words)])
    arguments.given = ["gate", *map(str, words)]
    return gate_run.run(gate_plan.from_arguments(arguments))


def test_the_same_kernel_in_another_folder_passes(kernel, copy, tmp_path):
    folder = tmp_path / "gate"
    assert gate(kernel, copy, folder) == 0
    assert "no more than BASE in any of 1 case\n" in (folder / COMMENT).read_text()
    tests = json.loads((folder / KCIDB).read_text())["tests"]
    figures = {test["number"]["value"] for test in tests if "number" in test}
    assert len(tests) > 4 and figures == {5}


def test_a_kernel_that_does_not_boot_fails(kernel, copy, tmp_path):
    (image,) = (copy / "boot").glob("vmlinuz-*")
    content = image.read_bytes()
    middle = len(content) // 2
    image.write_bytes(content[:middle] + bytes(4096) + content[middle + 4096 :])
    folder = tmp_path / "gate"
    assert gate(kernel, copy, folder) == 1
    assert (folder / COMMENT).read_text().startswith("**FAIL**: HEAD does not boot: ")
