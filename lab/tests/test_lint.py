# SPDX-License-Identifier: Apache-2.0
"""What lint decides itself; what its programs find is theirs."""

import re
import subprocess

import pytest

from formats import exit_codes
from lab.commands import lint
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError


def check(*options: str, version: str | None = None) -> lint.Check:
    """A check by `ls`, of the version that is there, or another one; it fails for no such file."""
    said = subprocess.run(["ls", "--version"], capture_output=True, text=True).stdout
    there = re.search(r"\d+\.\d+", said)
    assert there
    return lint.Check("ls", "coreutils", version or there[0], options, lambda _: False)


@pytest.mark.parametrize(
    ("options", "code"), [((), exit_codes.OK), (("/none/such",), exit_codes.FAILED)]
)
def test_one_check_that_fails_is_enough(monkeypatch, capsys, options, code):
    monkeypatch.setattr(lint, "CHECKS", (check(*options), check()))
    assert lint.run() == code
    assert f"{1 if code else 2} passed" in capsys.readouterr().out


def test_other_versions_are_named_and_nothing_is_checked(monkeypatch):
    monkeypatch.setattr(lint, "CHECKS", (check(version="0.1"),))
    monkeypatch.setattr(lint, "_passes", lambda *_: pytest.fail("checked"))
    with pytest.raises(KmapbenchError, match=r"ls is \d+\.\d+, not 0\.1") as raised:
        lint.run()
    assert raised.value.exit_code == exit_codes.UNMET


def test_a_tree_without_git_has_the_same_files(monkeypatch, tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    files = lint.tracked()
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "made.py").touch()
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    assert sorted(lint.tracked()) == sorted(files)
