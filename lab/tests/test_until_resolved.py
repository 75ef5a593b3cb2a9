# SPDX-License-Identifier: Apache-2.0
"""`run --until-resolved`, with boots that are stand-ins."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from formats.campaign_format import LOOKS
from lab.core.dirs import ROOT

pytestmark = pytest.mark.program

ASKED = ["--only", "micro", "--variants", "off,idle", "--seed", "3", "--no-install"]


def run(*arguments: str, resolved_at: int = 8) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "lab.tests.support.stand_in_lab", "run", *arguments],
        cwd=ROOT,
        env=os.environ | {"STAND_IN_RESOLVED": str(resolved_at)},
        capture_output=True,
        text=True,
    )


def boots(folder: Path) -> dict[str, int]:
    order = json.loads((folder / "campaign.json").read_text())["order"]
    return {
        name: sum(step["variant"] == name and step["status"] == "ok" for step in order)
        for name in ("off", "idle")
    }


@pytest.mark.parametrize(("resolved_at", "made"), [(9, 10), (99, 20)])
def test_it_goes_on_to_the_look_that_resolves_it(tmp_path, resolved_at, made):
    folder = tmp_path / "c"
    result = run(*ASKED, "--until-resolved", "--out", str(folder), resolved_at=resolved_at)
    assert result.returncode == 0, result.stderr
    assert boots(folder) == {"off": made, "idle": made}
    looked = [
        int(line.split()[-4])
        for line in result.stderr.splitlines()
        if "pairs:" in line and "not" in line
    ]
    assert looked == [at for at in LOOKS if at < min(resolved_at, 21)]
    header = json.loads((folder / "campaign.json").read_text())
    assert [(look["pairs"], look["share"]) for look in header["looks"]] == list(LOOKS.items())


def test_it_can_be_resumed_to_the_next_look(tmp_path):
    folder = tmp_path / "c"
    assert run(*ASKED, "--until-resolved", "--out", str(folder)).returncode == 0
    result = run("--resume", str(folder), "--until-resolved", "--no-install")
    assert result.returncode == 0, result.stderr
    assert boots(folder) == {"off": 10, "idle": 10}


def test_what_was_begun_without_it_has_spent_its_level(tmp_path):
    folder = tmp_path / "c"
    assert run(*ASKED, "--boots", "1", "--out", str(folder)).returncode == 0
    result = run("--resume", str(folder), "--until-resolved", "--no-install")
    assert result.returncode == 2 and "begun without --until-resolved" in result.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--boots", "9"], "leave out --boots"),
        (["--variants", "off"], "name two or more"),
    ],
)
def test_what_does_not_go_with_it_is_refused(more, said):
    result = run(*ASKED, "--until-resolved", *more)
    assert result.returncode == 2 and said in result.stderr


def test_exact_counts_are_resolved_at_the_first_look(tmp_path):
    """By compare itself: the stand-ins' figures repeat to the digit."""
    folder = tmp_path / "c"
    result = subprocess.run(
        [sys.executable, "-m", "lab.tests.support.stand_in_lab", "run", *ASKED]
        + ["--until-resolved", "--out", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert boots(folder) == {"off": 8, "idle": 8}
