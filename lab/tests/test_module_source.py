# SPDX-License-Identifier: Apache-2.0
"""The modules' sources: by the kernel's own script, and from wherever they lie."""

import shutil
import subprocess

import pytest

from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE
from lab.kernels import variant_table

pytestmark = pytest.mark.program

# What the module does on purpose, and the script cannot know.
ON_PURPOSE = {
    "COMPLEX_MACRO": "macros that write functions and rows of the table",
    "MACRO_ARG_REUSE": "their arguments are names and pieces of code",
    "MACRO_ARG_UNUSED": "a touch of nothing",
    "MACRO_WITH_FLOW_CONTROL": "a loop is one",
    "CONSTANT_COMPARISON": "takes LINUX_VERSION_CODE for a variable",
    "TRAILING_SEMICOLON": "declarations by the dozen",
    "LINUX_VERSION_CODE": "refuses kernels it does not know",
}
# Deprecated, and measured or tested.
DEPRECATED = tuple(
    f"Deprecated use of '{name}'" for name in ("kmap", "kunmap", "kmap_atomic", "kunmap_atomic")
)
FOLDERS = (MODULE_SOURCE, MODULE_SOURCE / "tests", variant_table.FOLDER / "tests")


@pytest.mark.kernels
def test_checkpatch_finds_nothing(kernel_source):
    script = kernel_source / "scripts" / "checkpatch.pl"
    sources = [
        path
        for folder in FOLDERS
        for path in sorted(folder.glob("*.[ch]"))
        if not path.name.endswith(".mod.c")
    ]
    command = [
        "perl",
        script,
        "--no-tree",
        "--strict",
        "--terse",
        "--ignore",
        ",".join(ON_PURPOSE),
        "-f",
        *sources,
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    said = [line for line in result.stdout.splitlines() if not line.startswith("total: ")]
    assert len(said) < len(result.stdout.splitlines()), result.stderr
    assert [line for line in said if not any(name in line for name in DEPRECATED)] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_sources_are_found_in_any_folder(tmp_path, folder):
    """A kernel build that only looks at what it is given stands in: blanks in its own path no real
    one takes.
    """
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix in (".c", ".h") and not path.name.endswith(".mod.c")
    )
    source, kernel, objects = (
        tmp_path / "Größen und Maße",
        tmp_path / "kernel",
        tmp_path / "objects",
    )
    source.mkdir()
    for name in (*names, "Kbuild", "Makefile"):
        shutil.copy(folder / name, source)
    kernel.mkdir()
    (kernel / "Makefile").write_text("modules:\n\t@cd $(M) && cat * > /dev/null && ls\n")
    said = subprocesses.output(["make", "-s", "-C", source, f"KDIR={kernel}", f"OUT={objects}"])
    assert [line for line in said.splitlines() if not line.startswith("make")] == sorted(
        [*names, "Kbuild"]
    )
