# SPDX-License-Identifier: Apache-2.0
"""User models on this machine, through the whole job."""

import json
import subprocess
import sys

import pytest

from lab import campaign, run


@pytest.fixture(scope="module")
def user_campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaigns") / "user"
    assert run.run(run.Plan([], 1, 1, "user", None, "default", folder, ["run", "--only", "user"])) == 0
    return folder


@pytest.fixture(scope="module")
def records(user_campaign):
    return [json.loads(line) for line in (user_campaign / "host" / "boot-01" / "micro.jsonl").read_text().splitlines()]


def test_every_launch_has_every_model(records):
    launches = {}
    for record in records:
        campaign.validate("record", record)
        launches.setdefault(record["launch"], []).append(record["case"])
    assert sorted(launches) == list(range(1, run.LAUNCHES + 1))
    models = ["user/empty", "user/kmap_local/protected/nowrite", "user/kmap_local/protected/wrpkru"]
    assert all(sorted(cases) == models for cases in launches.values())


def test_what_was_measured_has_core_cycles_and_is_not_exact(records):
    measured = [record for record in records if record["status"] != "skipped"]
    assert measured
    for record in measured:
        assert record["clock"] == "tsc" and not record["exact"]
        assert record["chain"] > 0
        assert len(record["samples"]) == len(record["empty_samples"]) > 0


def test_environment_and_campaign_are_what_the_schema_says(user_campaign):
    campaign.validate("environment", json.loads((user_campaign / "host" / "boot-01" / "environment.json").read_text()))
    campaign.validate("campaign", json.loads((user_campaign / "campaign.json").read_text()))


def test_googles_compare_takes_launches_for_repetitions(user_campaign):
    file = user_campaign / "host" / "boot-01" / "micro.json"
    result = subprocess.run(
        [sys.executable, "/usr/share/benchmark/compare.py", "--no-color", "benchmarks", file, file], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert f"U Test, Repetitions: {run.LAUNCHES} vs {run.LAUNCHES}" in result.stdout
