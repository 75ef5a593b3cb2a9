# SPDX-License-Identifier: Apache-2.0
"""The tests of our PKS series can fail: they are run on kernels with one bug each. Hours: part of
`./kmapbench test --all`.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab.core.dirs import ROOT
from lab.core.errors import CommandFailed
from lab.kernels import debian_kernels, source_build, variants
from lab.kernels.debian_kernels import KernelTree
from lab.tests.conftest import quiet
from lab.tests.support import pks_mutations

pytestmark = pytest.mark.all

# The first failure ends a run: what is likely to fail comes first.
SEMANTICS, FILES = "lab/tests/test_pks_semantics.py", "lab/tests/test_pks_files.py"
KEYS = "lab/tests/test_pks_keys.py"
NOTHING_FAILED, SOMETHING_FAILED = 0, 1  # pytest's exit codes
BOOT = "arch/x86/boot/bzImage"


class Workshop:
    """A built kernel whose files can be changed, and built again in little time."""

    def __init__(self, scratch: Path, cache: Path):
        image = variants.find("checked").image
        self.log = scratch / "log"
        self.source, self.make = source_build.configured(
            image, debian_kernels.candidate(image.source), scratch, self.log, cache, quiet
        )
        self.make("all")
        tree = source_build.keep(self.make, self.source, scratch / "tree")
        (modules,) = (tree / "lib" / "modules").iterdir()
        self._whole = KernelTree(tree, modules.name)

    def tree(self, folder: Path, header: str | None) -> KernelTree:
        """The kernel as it is built now; modules see a header of it, too."""
        # A name of its own for headers that differ: what modules are kept by.
        name = (
            "unchanged"
            if header is None
            else hashlib.sha256((self.source / header).read_bytes()).hexdigest()[:16]
        )
        target = folder / f"mutant-{name}"
        shutil.copytree(self._whole.folder, target, copy_function=_link, symlinks=True)
        tree = KernelTree(target, self._whole.release)
        _replace(tree.image, self.source / "build" / BOOT)
        if header:
            _replace(tree.headers / header, self.source / header)
        return tree


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _replace(target: Path, source: Path) -> None:
    target.unlink()
    shutil.copyfile(source, target)


@pytest.fixture(scope="module")
def workshop(cache):
    # Where the unpacked source can be linked from.
    (cache / "kernels").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache / "kernels", prefix=".mutants-") as scratch:
        yield Workshop(Path(scratch), cache)


def run_tests(tree: KernelTree, *tests: str) -> subprocess.CompletedProcess:
    """The tests' own run on this kernel, in this order, up to the first that fails."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        "-x",
        "-m",
        "kernels and not all",
        "--tree",
        tree.folder,
        *tests,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def order(mutant: pks_mutations.Mutant) -> tuple[str, ...]:
    if mutant in pks_mutations.TURNED_ON:
        return KEYS, SEMANTICS, FILES
    return (FILES, SEMANTICS) if mutant in pks_mutations.ACCESS else (SEMANTICS, FILES)


def test_without_a_bug_nothing_fails(workshop, tmp_path):
    result = run_tests(workshop.tree(tmp_path, None), SEMANTICS, FILES, KEYS)
    assert result.returncode == NOTHING_FAILED, result.stdout[-3000:]


@pytest.mark.parametrize("mutant", pks_mutations.ALL, ids=lambda mutant: mutant.name)
def test_a_bug_is_noticed(workshop, mutant, tmp_path):
    with pks_mutations.planted(mutant, workshop.source):
        try:
            workshop.make("bzImage")
        except CommandFailed as error:
            pytest.fail(f"no bug but a mistake, it does not compile: {error}")
        changed = mutant.file if mutant.file.endswith(".h") else None
        result = run_tests(workshop.tree(tmp_path, changed), *order(mutant))
    assert result.returncode == SOMETHING_FAILED, result.stdout[-3000:]
