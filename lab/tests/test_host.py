# SPDX-License-Identifier: Apache-2.0
"""User models on this machine, through the whole job."""

import json
import re
import subprocess
import sys

import pytest

from lab import campaign, local_boot, run
from lab.tests.conftest import KMAP_BENCH
from lab.tests.test_lab import FORMS, FROM_USER_SPACE, TOUCHES
from lab.tests.test_lab import STATES as KERNEL_STATES


STATES = ["key_off", "dram", "devmap", "protected/nowrite", "protected_nested", "protected/wrpkru", "protected/delay"]
MODELS = ["user/empty", *(f"user/{form}/{state}" for form in ("kmap_local", "kmap_local_slim") for state in STATES)]


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
    assert sorted(launches) == list(range(1, local_boot.LAUNCHES + 1))
    assert all(sorted(cases) == sorted(MODELS) for cases in launches.values())


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
    assert f"U Test, Repetitions: {local_boot.LAUNCHES} vs {local_boot.LAUNCHES}" in result.stdout


def kmap_bench(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([KMAP_BENCH, *map(str, arguments)], capture_output=True, text=True)


def test_the_list_of_cases_is_their_names():
    assert kmap_bench("--benchmark_list_tests").stdout.split() == [*MODELS, *FROM_USER_SPACE]


def test_every_model_lines_up_with_a_kernel_case():
    """What names a state, a touch or a depth in user space names it in the module."""
    listed = kmap_bench("--benchmark_list_tests", "--kmapbench_cases=all").stdout.split()
    of_forms = {name for name in listed if name.startswith(("user/kmap_local/", "user/kmap_local_slim/"))}
    without_write = {re.sub("/(nowrite|wrpkru|delay|serialising|nonserialising)$", "", name).replace("user/", "model/") for name in of_forms}
    touched = {f"model/{form}/{state}/{touch}" for form in FORMS for state in ("dram", "devmap", "protected") for touch in TOUCHES}
    nested = {f"model/{form}/protected_nested/depth{depth}" for form in FORMS for depth in (3, 4)}
    assert touched | nested | {f"model/{form}/{state}" for form in FORMS for state in KERNEL_STATES} <= without_write


@pytest.mark.parametrize(
    ("options", "iterations", "lines"),
    [
        (["--benchmark_repetitions=3"], 5, 3),
        (["--benchmark_repetitions=3", "--benchmark_enable_random_interleaving=true"], 5, 3),
        (["--benchmark_repetitions=2", "--benchmark_report_aggregates_only=true"], None, 0),
        (["--benchmark_min_time=0.001", "--kmapbench_repetitions=1"], 50, 1),
        (["--benchmark_format=csv"], None, None),
        (["--benchmark_counters_tabular=true", "--benchmark_color=false"], None, None),
        (["--benchmark_context=who=me"], None, None),
    ],
)
def test_googles_own_options_work(tmp_path, options, iterations, lines):
    out = tmp_path / "out.json"
    samples = [] if "--benchmark_min_time=0.001" in options else ["--kmapbench_samples=5"]
    result = kmap_bench("--benchmark_filter=^user/empty", f"--benchmark_out={out}", *samples, *options)
    assert result.returncode == 0, result.stderr
    measured = [one for one in json.loads(out.read_text())["benchmarks"] if one["run_type"] == "iteration"]
    if lines is not None:
        assert len(measured) == lines
    if iterations is not None:
        assert {one["iterations"] for one in measured} == {iterations}
    if "--benchmark_format=csv" in options:
        assert "name,iterations,real_time" in result.stdout
    if "--benchmark_context=who=me" in options:
        assert json.loads(out.read_text())["context"]["who"] == "me"


def test_help_explains_ours_beside_googles():
    said = kmap_bench("--help").stdout
    assert said.index("--wrpkrs-cycles") < said.index("--counters") < said.index("--benchmark_filter")


def test_a_write_is_assumed_to_take_what_one_says(tmp_path):
    records = tmp_path / "records"
    select = "--benchmark_filter=^user/kmap_local/protected/delay"
    kmap_bench(select, "--kmapbench_repetitions=1", "--kmapbench_samples=5", "--wrpkrs-cycles=300", f"--kmapbench_records={records}")
    (record,) = map(json.loads, records.read_text().splitlines())
    campaign.validate("record", record)
    assert record["assumed_write_cycles"] == 300


def test_threads_are_measured_each_and_together(tmp_path):
    records = tmp_path / "records"
    options = ["--kmapbench_cases=all", "--kmapbench_repetitions=2", "--kmapbench_samples=5", f"--kmapbench_records={records}"]
    kmap_bench("--benchmark_filter=^user/kmap_local/dram/threads2/", *options)
    lines = records.read_text().splitlines()
    if not lines:
        pytest.skip("one CPU")
    (record,) = map(json.loads, lines)
    campaign.validate("record", record)
    assert len({thread["cpu"] for thread in record["threads"]}) == 2
    assert len(record["samples"]) == 2 * 2 * 2 * 5  # of n and 2n, threads, repetitions, samples
    assert record["operations_per_1000"] > 0
