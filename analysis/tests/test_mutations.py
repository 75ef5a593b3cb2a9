# SPDX-License-Identifier: Apache-2.0
"""The tests of analysis/ can fail: they are run on copies with one bug each. Half an hour: part of
`./kmapbench test --all`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from analysis.tests.support import mutations

ROOT = Path(__file__).resolve().parents[2]
NOTHING_FAILED, SOMETHING_FAILED = 0, 1  # pytest's exit codes


@pytest.fixture
def copy():
    """The tree without what is built or made by runs, where tests that give up root can read it:
    pytest's own folders they cannot.
    """
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        target = Path(name) / "tree"
        shutil.copytree(ROOT, target, ignore=_not_source)
        yield target


def _not_source(folder: str, names: list[str]) -> set[str]:
    hidden_or_built = {
        name for name in names if name.startswith(".") or name in ("__pycache__", "build")
    }
    campaigns = set(names) - {"reference", "schema"} if Path(folder) == ROOT / "results" else set()
    return hidden_or_built | {name for name in campaigns if (ROOT / "results" / name).is_dir()}


def run_tests(tree: Path, *first: Path) -> subprocess.CompletedProcess:
    """The everyday tests, up to the first that fails; the page in a browser is left out, which
    takes long and sees none of these bugs.
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        "-x",
        "--ignore=analysis/tests/test_page_in_browser.py",
        *first,
        "analysis",
    ]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True)


@pytest.mark.parametrize("mutation", mutations.ALL, ids=lambda mutation: mutation.name)
def test_a_bug_fits_the_code(tmp_path, mutation):
    """Every day, so that a change to the code is seen to need one to the list."""
    file = tmp_path / mutation.file
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "analysis" / mutation.file, file)
    mutations.plant(mutation, tmp_path)
    assert file.read_text() != (ROOT / "analysis" / mutation.file).read_text()


@pytest.mark.all
def test_without_a_bug_nothing_fails(copy):
    result = run_tests(copy)
    assert result.returncode == NOTHING_FAILED, result.stdout[-3000:]


@pytest.mark.all
@pytest.mark.parametrize("mutation", mutations.ALL, ids=lambda mutation: mutation.name)
def test_a_bug_is_noticed(copy, mutation):
    mutations.plant(mutation, copy / "analysis")
    file = copy / "analysis" / mutation.file
    own = file.parent / "tests" / f"test_{file.name}"
    result = run_tests(copy, *([own] if own.exists() else []))
    assert result.returncode == SOMETHING_FAILED, result.stdout[-3000:]
