# SPDX-License-Identifier: Apache-2.0
"""Git trees of users: which content is meant, what is said of those that cannot be built, and that
nothing in them is changed.
"""

import os
import time
from pathlib import Path

import pytest

from lab.kernels import git_tree
from lab.tests.support import fake_source
from lab.tests.support.fake_source import git

FILE = "kernel/fake.c"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    git_tree.content.cache_clear()


@pytest.fixture
def tree(tmp_path) -> Path:
    """A repository with two commits, of which the second has a tag."""
    folder = fake_source.write(tmp_path / "linux")
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("*.o\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    (folder / FILE).write_text("int answer(void)\n{\n\treturn 42;\n}\n")
    git(folder, "commit", "-q", "-a", "-m", "second")
    git(folder, "tag", "v2")
    return folder


def exported(tree: Path, commit: str, folder: Path) -> dict[str, str]:
    git_tree.export(tree, commit, folder)
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.c")}


def fault(tree: Path, commit: str = "") -> tuple[str, str]:
    with pytest.raises(git_tree.TreeFault) as error:
        git_tree.check(tree, commit)
    assert "\n" not in str(error.value)
    return error.value.key, str(error.value)


def state(tree: Path) -> dict[str, bytes]:
    """All files of the repository and of its working tree."""
    return {str(path): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("commit", "answer"), [("", "42"), ("v2", "42"), ("HEAD~1", "41"), ("work", "43")]
)
def test_the_content_is_that_of_the_commit_or_what_lies_there(tree, tmp_path, commit, answer):
    if commit == "work":
        (tree / FILE).write_text("int answer(void)\n{\n\treturn 43;\n}\n")
        (tree / "kernel" / "new.c").write_text("int more;\n")
        git(tree, "add", "kernel/new.c")
    git_tree.check(tree, commit)
    files = exported(tree, commit, tmp_path / "out")
    assert f"return {answer};" in files[FILE]
    assert ("kernel/new.c" in files) is (commit == "work")


@pytest.mark.parametrize("commit", ["", "HEAD", "work"])
def test_a_repository_stays_as_it_is(tree, tmp_path, commit):
    (tree / "notes.txt").write_text("of mine\n")
    if commit == "work":
        (tree / FILE).write_text("int answer(void)\n{\n\treturn 43;\n}\n")
    os.utime(tree / FILE)  # git would note in its index that the content is the same
    before = state(tree)
    git_tree.check(tree, commit)
    exported(tree, commit, tmp_path / "out")
    assert state(tree) == before


def test_the_same_content_has_the_same_name_and_other_content_another(tree):
    first = git_tree.content(tree, "")
    assert git_tree.content(tree, "v2") == first != git_tree.content(tree, "HEAD~1")
    (tree / "notes.txt").write_text("of mine, and no source\n")
    assert git_tree.content(tree, "work") == first
    git_tree.content.cache_clear()
    (tree / FILE).write_text("int answer(void)\n{\n\treturn 43;\n}\n")
    changed = git_tree.content(tree, "work")
    assert changed != first == git_tree.content(tree, "HEAD")
    git(tree, "commit", "-q", "-a", "-m", "third")
    assert git_tree.content(tree, "v2~0") == first
    git_tree.content.cache_clear()
    assert git_tree.content(tree, "") == changed


def test_a_change_in_the_second_of_the_commit_is_seen(tree):
    """Of the same length, so that only the content tells."""
    time.sleep(1 - time.time() % 1)  # a commit and a change fit into a whole second
    (tree / FILE).write_text("int answer(void)\n{\n\treturn 44;\n}\n")
    git(tree, "commit", "-q", "-a", "-m", "third")
    (tree / FILE).write_text("int answer(void)\n{\n\treturn 45;\n}\n")
    time.sleep(1.1)
    assert git_tree.content(tree, "work") != git_tree.content(tree, "HEAD")


def test_a_changed_tree_is_told_of_where_no_commit_is_named(tree):
    (tree / FILE).write_text("int answer;\n")
    (tree / "known").write_text("")
    key, said = fault(tree)
    assert key == "tree"
    assert f"{FILE} and 1 more has changes that are not committed" in said
    assert 'commit = "work" takes them' in said
    git_tree.check(tree, "HEAD")


def test_sources_that_git_does_not_know_are_told_of_where_they_would_be_missed(tree):
    (tree / "kernel" / "new.c").touch()
    (tree / "drivers" / "mine").mkdir(parents=True)
    (tree / "drivers" / "mine" / "Makefile").touch()
    (tree / "o" / "include" / "config").mkdir(parents=True)
    (tree / "o" / "Makefile").touch()
    (tree / "x.o").touch()
    git_tree.check(tree, "")
    key, said = fault(tree, "work")
    assert key == "tree" and said.endswith("git does not know drivers/ and 1 more: git add it")
    git(tree, "add", "kernel", "drivers")
    git_tree.check(tree, "work")


def test_what_is_no_tree_or_no_commit_is_said(tree, tmp_path):
    (tmp_path / "folder").mkdir()
    assert fault(tmp_path / "folder")[0] == "tree"
    assert "no git repository" in fault(tmp_path / "folder")[1]
    assert fault(tree, "v3") == ("commit", f"v3: no such commit in {tree}")
    assert fault(tree / "kernel")[1].endswith(f"not the top of its repository: give {tree}")
    git(tree, "rm", "-q", "-r", "scripts/package")
    git(tree, "commit", "-q", "-m", "as before Linux 6.3")
    assert "which Linux has since 6.3" in fault(tree)[1]
    git_tree.check(tree, "v2")


def test_a_bare_repository_will_do(tree, tmp_path):
    git(tree, "clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    git_tree.check(tmp_path / "bare", "v2")
    assert "return 42;" in exported(tmp_path / "bare", "", tmp_path / "out")[FILE]
    assert fault(tmp_path / "bare", "work")[0] == "commit"


def test_a_repository_without_a_commit(tmp_path):
    git(fake_source.write(tmp_path / "linux"), "init", "-q")
    assert fault(tmp_path / "linux")[1] == f"{tmp_path}/linux: no commit yet"
