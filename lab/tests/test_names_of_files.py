# SPDX-License-Identifier: Apache-2.0
"""Files and modules that comments, docs, help and messages name are there."""

import re

import pytest

from lab.commands import lint
from lab.core.dirs import ROOT

TOP = "lab|analysis|formats|bench|kernels|kernel-bench-module|docs|results|fleet"
# A path from the top: the characters before tell it from the end of another one, and of an address.
PATH = re.compile(
    rf"(?<![\w./$}}-])((?:{TOP})/[\w./-]*\w\.(?:py|toml|cc|h|c|md|txt|config|cmake|yml|cfg))\b"
)
MODULE = re.compile(r"python3 -m ((?:lab|analysis|formats)[\w.]*\w)")
# Made by a build or a run, or by tests for themselves.
MADE = re.compile(r"NAME|lab/boot-|^results/20|kernel-cases\.tsv|/stock/|\.mod\.c$")


def texts() -> list[tuple[str, str]]:
    """Name and text of each file that people write."""
    names = [name for name in lint.tracked() if not name.startswith("LICENSES/")]
    kept = [(name, (ROOT / name).read_bytes()) for name in names if (ROOT / name).is_file()]
    return [(name, raw.decode()) for name, raw in kept if b"\0" not in raw]


@pytest.fixture(scope="module")
def written():
    return texts()


def test_a_path_that_is_named_is_there(written):
    missing = [
        f"{name}: {path}"
        for name, text in written
        if name != "CHANGELOG.md"
        for path in PATH.findall(text)
        if not MADE.search(path) and not (ROOT / path).exists()
    ]
    assert missing == []


def test_a_module_that_is_named_is_there(written):
    for name, text in written:
        for module in MODULE.findall(text):
            path = ROOT / module.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").is_file(), f"{name}: {module}"
