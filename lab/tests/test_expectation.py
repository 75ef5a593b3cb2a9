# SPDX-License-Identifier: Apache-2.0
"""What is asked of the analysis before a run."""

import subprocess

import pytest

from lab import cli
from lab.run import expectation


def asked(monkeypatch, tmp_path, *options: str) -> dict[str, str]:
    """The options of the analysis by name, and its folder, for this command line; {}: nothing is
    asked.
    """
    planned = cli.parse(["run", *options]).planned
    calls = []

    def run(command, **_):
        calls.append(command[3:])
        return subprocess.CompletedProcess(command, 0, "10 pairs find something\n", "")

    monkeypatch.setattr(expectation.subprocess, "run", run)
    said = expectation.sentence(planned, tmp_path)
    assert said == ("10 pairs find something" if calls else "")
    if not calls:
        return {}
    ((name, folder, *rest),) = calls
    assert (name, folder) == ("forecast", str(tmp_path))
    return dict(zip(rest[::2], rest[1::2]))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--variants", "off,plain", "--boots", "10"], {"--pairs": "10", "--alpha": "0.05"}),
        (["--variants", "off,plain", "--until-resolved"], {"--pairs": "20", "--alpha": "0.02"}),
        (
            ["--variants", "off,plain", "--only", "dax"],
            {"--pairs": "6", "--alpha": "0.05", "--cases": "dax/*"},
        ),
        (
            ["--variants", "off,plain", "--cases", "kernel/*"],
            {"--pairs": "2", "--alpha": "0.05", "--cases": "kernel/*"},
        ),
        (
            ["--variants", "off,plain", "--base", "7.3"],
            {"--pairs": "2", "--alpha": "0.05", "--base": "7.3"},
        ),
    ],
)
def test_pairs_level_and_cases_are_those_of_the_plan(monkeypatch, tmp_path, options, wanted):
    found = asked(monkeypatch, tmp_path, *options)
    assert found == {"--variants": "off,plain", "--base": "6.12"} | wanted


@pytest.mark.parametrize("options", [[], ["--only", "user"]])
def test_a_run_that_compares_nothing_asks_nothing(monkeypatch, tmp_path, options):
    assert asked(monkeypatch, tmp_path, *options) == {}


def test_nothing_is_said_without_an_earlier_campaign(tmp_path):
    plan = cli.parse(["run", "--variants", "off,plain", "--boots", "10"]).planned
    assert expectation.sentence(plan, tmp_path) == ""
