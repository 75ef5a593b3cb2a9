# SPDX-License-Identifier: Apache-2.0
"""The man page, made and installed as a user does."""

import re
import subprocess

import pytest

from lab import cli
from lab.core.dirs import ROOT

pytestmark = pytest.mark.program


def commands() -> list[str]:
    (choices,) = (action.choices for action in cli.parser()._actions if action.dest == "command")
    return list(choices)


def test_it_is_installed_with_each_command_and_option(tmp_path):
    build, root = tmp_path / "build", tmp_path / "root"
    for command in (
        ["cmake", "-S", ROOT / "docs", "-B", build],
        ["cmake", "--build", build, "--target", "man"],
        ["cmake", "--install", build, "--prefix", root],
    ):
        subprocess.run(command, check=True, capture_output=True)
    (page,) = root.rglob("kmapbench.1")
    assert page.parent.name == "man1"
    # Its letters: argparse-manpage 4 sets words in other fonts than 1 does.
    shown = re.sub(r"\\(?:f[BIPR]|[,/])", "", page.read_text()).replace("\\-", "-")
    for command in commands():
        assert f"OPTIONS 'kmapbench {command}'" in shown
    assert "--until-resolved" in shown and "--fail-on" in shown
