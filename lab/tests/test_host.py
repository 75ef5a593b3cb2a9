# SPDX-License-Identifier: Apache-2.0
"""User models on this machine, through the whole job."""

import json
import re
import subprocess
import sys
import time

import pytest

from lab.campaign import validation
from lab.core import bench_command
from lab.core.errors import KmapbenchError
from lab.host import bench_program
from lab.kernels import variants
from lab.run import host_steps, runner, selection
from lab.tests.conftest import KMAP_BENCH
from lab.tests.support.cases import FORMS, FROM_USER_SPACE
from lab.tests.support.cases import STATES as KERNEL_STATES
from lab.tests.support.cases import TOUCHES
from lab.tests.support.records import of_cases

pytestmark = pytest.mark.program

REGISTERS = ["wrpkru", "delay"]
STATES = [
    *("key_off", "dram", "devmap", "protected/nowrite", "protected_nested"),
    *(
        "key_off/alone",
        "dram/alone",
        "devmap/alone",
        "protected/alone/nowrite",
        "protected_nested/alone",
    ),
    *(f"protected/{register}" for register in REGISTERS),
    *(f"protected/alone/{register}" for register in REGISTERS),
]
MODELS = [
    "user/empty",
    "user/empty/alone",
    *(f"user/{form}/{state}" for form in ("kmap_local", "kmap_local_slim") for state in STATES),
]


@pytest.fixture(scope="module")
def user_campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaigns") / "user"
    assert (
        runner.run(
            runner.Plan([], 1, 1, "user", None, "default", folder, ["run", "--only", "user"])
        )
        == 0
    )
    return folder


@pytest.fixture(scope="module")
def records(user_campaign):
    return of_cases(user_campaign / "host" / "boot-01" / "micro.jsonl")


def test_every_launch_has_every_model(records):
    launches = {}
    for record in records:
        validation.validate("record", record)
        launches.setdefault(record["launch"], []).append(record["case"])
    assert sorted(launches) == list(range(1, host_steps.LAUNCHES + 1))
    assert all(sorted(cases) == sorted(MODELS) for cases in launches.values())


def test_what_was_measured_has_core_cycles_and_is_not_exact(records):
    measured = [record for record in records if record["status"] != "skipped"]
    assert measured
    for record in measured:
        assert record["clock"] == "tsc" and not record["exact"]
        assert record["chain"] > 0
        assert len(record["samples"]) == len(record["empty_samples"]) > 0


def test_environment_and_campaign_are_what_the_schema_says(user_campaign):
    validation.validate(
        "environment",
        json.loads((user_campaign / "host" / "boot-01" / "environment.json").read_text()),
    )
    validation.validate("campaign", json.loads((user_campaign / "campaign.json").read_text()))


def test_googles_compare_takes_launches_for_repetitions(user_campaign):
    file = user_campaign / "host" / "boot-01" / "micro.json"
    result = subprocess.run(
        [sys.executable, "/usr/share/benchmark/compare.py", "--no-color", "benchmarks", file, file],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert f"U Test, Repetitions: {host_steps.LAUNCHES} vs {host_steps.LAUNCHES}" in result.stdout


def kmap_bench(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([KMAP_BENCH, *map(str, arguments)], capture_output=True, text=True)


def test_the_list_of_cases_is_their_names():
    assert kmap_bench("--benchmark_list_tests").stdout.split() == [*MODELS, *FROM_USER_SPACE]


@pytest.mark.parametrize(("half", "names"), [("user", MODELS), ("kernel", FROM_USER_SPACE)])
def test_each_half_can_be_had_without_the_other(half, names):
    assert kmap_bench("--benchmark_list_tests", f"--kmapbench_only={half}").stdout.split() == list(
        names
    )
    assert bench_program.matching(KMAP_BENCH, "default", half) == list(names)


def test_there_are_two_halves():
    refused = kmap_bench("--kmapbench_only=both")
    assert (refused.returncode, refused.stderr) == (
        2,
        "kmap_bench: --kmapbench_only=both: give kernel or user\n",
    )


def test_a_glob_means_models_by_their_whole_name():
    assert bench_program.matching(KMAP_BENCH, "user/known/adds10?", bench_command.USER) == [
        "user/known/adds100",
        "user/known/adds103",
    ]
    assert len(bench_program.matching(KMAP_BENCH, "all", bench_command.USER)) > 5 * len(MODELS)
    assert (
        bench_program.matching(KMAP_BENCH, "user/kmap", bench_command.USER)
        == bench_program.matching(KMAP_BENCH, "user/*", bench_command.KERNEL)
        == []
    )


def plan_of(cases: str, only: str | None = None, folder=None) -> runner.Plan:
    return runner.Plan(
        [variants.find("stock")], 1, 1, only, None, cases, folder, ["run", "--cases", cases]
    )


@pytest.mark.parametrize(
    ("cases", "only", "steps"),
    [
        ("default", None, ["stock", "host"]),
        ("*/dram", None, ["stock", "host"]),
        ("kernel/*", None, ["stock"]),
        ("user/known/*", None, ["host"]),
        ("user/known/*", "user", ["host"]),
        ("*/dram", "micro", ["stock"]),
    ],
)
def test_a_half_that_a_glob_has_nothing_of_is_no_step(cases, only, steps):
    assert [step.variant for step in selection.steps(plan_of(cases, only))] == steps


@pytest.mark.parametrize(("cases", "only"), [("kernel/*", "user"), ("user/known/*", "micro")])
def test_a_glob_of_nothing_is_refused(cases, only):
    with pytest.raises(KmapbenchError, match="^--cases .*matches; ./kmapbench cases lists them"):
        selection.steps(plan_of(cases, only))


def test_a_campaign_has_the_models_of_a_glob(tmp_path):
    assert runner.run(plan_of("user/known/adds1?", None, tmp_path / "campaign")) == 0
    records = of_cases(tmp_path / "campaign" / "host" / "boot-01" / "micro.jsonl")
    assert [record["case"] for record in records] == [
        "user/known/adds13",
        "user/known/adds15",
    ] * host_steps.LAUNCHES


def test_every_model_lines_up_with_a_kernel_case():
    """What names a state, a touch or a depth in user space names it in the module."""
    listed = kmap_bench("--benchmark_list_tests", "--kmapbench_cases=all").stdout.split()
    of_forms = {
        name for name in listed if name.startswith(("user/kmap_local/", "user/kmap_local_slim/"))
    }
    without_write = {
        re.sub("/(nowrite|wrpkru|delay|serialising|nonserialising)$", "", name).replace(
            "user/", "model/"
        )
        for name in of_forms
    }
    touched = {
        f"model/{form}/{state}/{touch}"
        for form in FORMS
        for state in ("dram", "devmap", "protected")
        for touch in TOUCHES
    }
    nested = {f"model/{form}/protected_nested/depth{depth}" for form in FORMS for depth in (3, 4)}
    assert (
        touched | nested | {f"model/{form}/{state}" for form in FORMS for state in KERNEL_STATES}
        <= without_write
    )


@pytest.fixture
def measure(tmp_path):
    """Measures one model with more options: what was printed, and what Google Benchmark's file and
    the records say.
    """

    def run_it(*options: str, samples: str | None = "--kmapbench_samples=5"):
        out, records = tmp_path / "out", tmp_path / "records"
        ours = [samples] * bool(samples) + [
            f"--benchmark_out={out}",
            f"--kmapbench_records={records}",
        ]
        result = kmap_bench(
            "--benchmark_filter=^user/known/adds13/", "--kmapbench_cases=all", *ours, *options
        )
        assert result.returncode == 0, result.stderr
        return result.stdout, out.read_text(), of_cases(records)

    return run_it


def rows(out: str, kind: str) -> list[dict]:
    return [one for one in json.loads(out)["benchmarks"] if one["run_type"] == kind]


@pytest.mark.parametrize("order", ["true", "false"])
def test_google_benchmarks_repetitions(measure, order):
    _, out, (record,) = measure(
        "--benchmark_repetitions=3", f"--benchmark_enable_random_interleaving={order}"
    )
    assert [one["iterations"] for one in rows(out, "iteration")] == [5, 5, 5]
    assert len(record["samples"]) == 3 * 5 * 2  # of n and 2n


def test_google_benchmarks_time(measure):
    _, out, (record,) = measure(
        "--benchmark_min_time=0.001", "--kmapbench_repetitions=1", samples=None
    )
    assert [one["iterations"] for one in rows(out, "iteration")] == [50]
    assert len(record["samples"]) == 50 * 2


def test_google_benchmarks_warm_up(measure):
    begun = time.monotonic()
    _, out, (record,) = measure("--benchmark_min_warmup_time=1", "--kmapbench_repetitions=2")
    assert time.monotonic() - begun > 1
    assert (
        len(rows(out, "iteration")) == 2 and len(record["samples"]) == 2 * 5 * 2
    )  # nothing of the warm-up


def test_google_benchmarks_aggregates(measure):
    printed, out, _ = measure(
        "--benchmark_repetitions=2", "--benchmark_report_aggregates_only=true"
    )
    assert "_median" in printed and not rows(out, "iteration") and rows(out, "aggregate")
    printed, out, _ = measure(
        "--benchmark_repetitions=2", "--benchmark_display_aggregates_only=true"
    )
    assert (
        len([line for line in printed.splitlines() if line.split()[0].endswith("manual_time")]) == 0
    )
    assert "_median" in printed and len(rows(out, "iteration")) == 2


def test_google_benchmarks_formats(measure):
    assert "name,iterations,real_time" in measure("--benchmark_format=csv")[0]
    assert json.loads(measure("--benchmark_format=json")[0])["benchmarks"]
    assert "name,iterations,real_time" in measure("--benchmark_out_format=csv")[1]
    assert (
        "\x1b[" in measure("--benchmark_color=true")[0]
        and "\x1b[" not in measure("--benchmark_color=false")[0]
    )
    head = measure("--benchmark_counters_tabular=true")[0].splitlines()[1].split()
    assert head[-2:] == ["cost", "empty"]  # a column each


def test_google_benchmarks_units_and_context(measure):
    _, out, _ = measure("--benchmark_time_unit=us", "--benchmark_context=who=me", "--v=1")
    assert {one["time_unit"] for one in rows(out, "iteration")} == {"us"}
    assert json.loads(out)["context"]["who"] == "me"
    assert {one["time_unit"] for one in rows(measure()[1], "iteration")} == {"ns"}


def test_google_benchmarks_filter_and_list():
    assert kmap_bench(
        "--benchmark_filter=slim/dram$", "--benchmark_list_tests=true"
    ).stdout.split() == ["user/kmap_local_slim/dram"]
    assert (
        "user/empty"
        not in kmap_bench("--benchmark_filter=-^user/", "--benchmark_list_tests").stdout.split()
    )


def test_help_explains_ours_beside_googles():
    said = kmap_bench("--help").stdout
    assert (
        said.index("--wrpkrs-cycles") < said.index("--counters") < said.index("--benchmark_filter")
    )


def test_a_write_is_assumed_to_take_what_one_says(tmp_path):
    records = tmp_path / "records"
    select = "--benchmark_filter=^user/kmap_local/protected/delay"
    kmap_bench(
        select,
        "--kmapbench_repetitions=1",
        "--kmapbench_samples=5",
        "--wrpkrs-cycles=300",
        f"--kmapbench_records={records}",
    )
    (record,) = of_cases(records)
    validation.validate("record", record)
    assert record["assumed_write_cycles"] == 300


def test_threads_are_measured_each_and_together(tmp_path):
    records = tmp_path / "records"
    options = [
        "--kmapbench_cases=all",
        "--kmapbench_repetitions=2",
        "--kmapbench_samples=5",
        f"--kmapbench_records={records}",
    ]
    kmap_bench("--benchmark_filter=^user/kmap_local/dram/threads2/", *options)
    measured = of_cases(records)
    if not measured:
        pytest.skip("one CPU")
    (record,) = measured
    validation.validate("record", record)
    assert len({thread["cpu"] for thread in record["threads"]}) == 2
    assert len(record["samples"]) == 2 * 2 * 2 * 5  # of n and 2n, threads, repetitions, samples
    assert record["operations_per_1000"] > 0
