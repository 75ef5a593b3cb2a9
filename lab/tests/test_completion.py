# SPDX-License-Identifier: Apache-2.0
"""What a shell gets that asks for the rest of a word, as argcomplete's own shell code asks."""

import os
import subprocess

import pytest

from lab.core.dirs import ROOT
from lab.kernels import variants


def completions(line: str) -> list[str]:
    asking = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    reader, writer = os.pipe()
    # argcomplete writes to descriptor 8, and what goes wrong to 9.
    command = ["bash", "-c", f'exec 8>&{writer} 9>&2; exec "$0"', ROOT / "kmapbench"]
    result = subprocess.run(command, env=os.environ | asking, pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert result.returncode == 0
        return [word.strip() for word in answer.read().splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("kmapbench rep", ["report"]),
        ("kmapbench run --unt", ["--until-resolved"]),
        ("kmapbench compare --format m", ["md"]),
        ("kmapbench run --variants idl", ["idle"]),
        ("kmapbench run --variants plain,idl", ["plain,idle"]),
        ("kmapbench nothi", []),
    ],
)
def test_words_are_completed(line, words):
    assert completions(line) == words


def test_each_variant_is_offered():
    assert set(variants.load()) <= set(completions("kmapbench kernels build "))


@pytest.mark.program
def test_cases_are_completed():
    assert completions("kmapbench cases kernel/kmap_local/dr")[0] == "kernel/kmap_local/dram"
