# SPDX-License-Identifier: Apache-2.0
"""`run --only dax`, from plan to report, with few jobs."""

import json
from dataclasses import replace

import jsonschema
import pytest

from analysis.fio_model import cost_model
from formats import schema
from lab.kernels import variants
from lab.run import runner
from lab.run.plan import Plan
from lab.tests.support.records import of_cases
from lab.workloads.fio import guest_script, presets, workload

pytestmark = pytest.mark.guest

QUICK = presets.load()["quick"]
LATENCY, *_ = (job for job in QUICK.jobs if job.figure == "latency" and job.block_bytes == 4096)
THROUGHPUT, *_ = (job for job in QUICK.jobs if job.figure == "throughput" and job.jobs == 1)


def output(
    job: presets.Job,
    ios: int = 1000,
    mean_ns: float = 5000.0,
    block: int | None = None,
    **percentile: float,
) -> str:
    """As fio writes it of one job that reads."""
    none = {
        "total_ios": 0,
        "io_bytes": 0,
        "short_ios": 0,
        "drop_ios": 0,
        "clat_ns": {"mean": 0.0, "N": 0},
    }
    timed = {"mean": mean_ns, "N": ios if job.figure == "latency" else 0}
    timed |= {"percentile": {f"{name[1:]}.000000": value for name, value in percentile.items()}}
    read = none | {"total_ios": ios, "io_bytes": ios * (block or job.block_bytes), "clat_ns": timed}
    return json.dumps(
        {
            "fio version": "fio-3.33",
            "jobs": [{"read": read, "write": none, "job_runtime": 300, "error": 0}],
        }
    )


def test_latency_is_instructions_an_io_by_the_emulators_clock():
    record = workload.record(LATENCY, "off", 2, output(LATENCY, mean_ns=6466.25))
    assert (record["case"], record["variant"], record["boot"]) == (
        "dax/ext4/psync/randread/4k/jobs1/latency",
        "off",
        2,
    )
    assert (record["cost"], record["ops"], record["unit"], record["exact"]) == (
        6466.25,
        1000,
        "instructions",
        False,
    )


def test_latency_has_its_percentiles_beside_it_and_throughput_has_none():
    listed = {"p50": 6400, "p99": 9000}
    record = workload.record(LATENCY, "off", 1, output(LATENCY, **listed))
    assert record["percentiles"] == listed
    jsonschema.validate(record, schema.load("record"))
    assert "percentiles" not in workload.record(LATENCY, "off", 1, output(LATENCY))
    throughput = workload.record(THROUGHPUT, "off", 1, output(THROUGHPUT, **listed))
    assert "percentiles" not in throughput


def test_throughput_is_all_instructions_of_the_run_by_its_ios():
    record = workload.record(THROUGHPUT, "off", 1, output(THROUGHPUT, ios=40000))
    assert (record["cost"], record["ops"], record["status"]) == (7500, 40000, "ok")


@pytest.mark.parametrize(
    "text, said",
    [
        (output(LATENCY, block=512), "bytes by 1000 I/Os"),
        (output(THROUGHPUT), "no latencies"),
        ("", "was it killed"),
    ],
)
def test_output_that_cannot_be_trusted_has_no_figure_and_says_why(text, said):
    record = workload.record(LATENCY, "off", 1, text)
    assert (record["status"], record["cost"]) == ("flagged", None)
    assert said in record["reason"] and f"{LATENCY.name}.json" in record["reason"]


def test_a_campaign_has_a_record_a_job_and_fios_own_output_beside_it(tmp_path, monkeypatch, capsys):
    preset = replace(QUICK, jobs=(LATENCY, replace(LATENCY, on="xfs_cache")))
    monkeypatch.setattr(presets, "find", lambda *_: preset)
    folder = tmp_path / "dax"
    boot = folder / "stock" / "boot-01"
    case_of, on_disk = workload.Dax.case_of, []

    def watched(self, step):
        """As the second job begins, the first is on disk, whatever becomes of the boot."""
        if step == f"dax/{preset.jobs[1].name}":
            on_disk.append((boot / "micro.jsonl").read_text().count("\n"))
        return case_of(self, step)

    monkeypatch.setattr(workload.Dax, "case_of", watched)
    assert (
        runner.run(Plan([variants.find("stock")], 1, 1, "dax", None, "default", folder, ["run"]))
        == 0
    )
    assert on_disk == [1]
    records = of_cases(boot / "micro.jsonl")
    cases = records[len(preset.jobs) :]
    assert [record["case"] for record in records] == [job.case for job in preset.jobs] + [
        record["case"] for record in cases
    ]
    skipped = {case for case in guest_script.KERNEL_CASES if "/protected" in case}
    assert {record["case"]: record["status"] for record in cases} == {
        case: "skipped" if case in skipped else "ok" for case in guest_script.KERNEL_CASES
    }
    for job, record in zip(preset.jobs, records):
        kept = json.loads((boot / "dax" / f"{job.name}.json").read_text())
        assert record["cost"] == pytest.approx(
            kept["jobs"][0]["read"]["clat_ns"]["mean"], rel=1e-12
        )  # a mean of one mean
        assert (
            1e9 / record["cost"] >= kept["jobs"][0]["read"]["iops"]
        )  # an I/O takes at least its own latency
    assert json.loads((boot / "environment.json").read_text())["emulator"]["observed"] is True
    paths = {
        path["case"]: path
        for path in map(json.loads, (boot / "path.jsonl").read_text().splitlines())
    }
    path = paths["dax/ext4/pread/4k"]
    assert (
        path["instructions"]
        == sum(at["instructions"] for at in path["functions"])
        == sum(at["instructions"] for at in path["stacks"])
    )
    assert path["wrmsr"] == 0  # of a kernel without our series
    assert paths[cost_model.WRITES]["wrmsr"] == 2 * paths[cost_model.WRITES]["ops"]
    assert (folder / "charts" / "profile-dax-ext4-pread-4k-stock.svg").exists()
    assert "psync/randread/4k/jobs1/latency" in (folder / "details.txt").read_text()
    assert f"page     {folder}/report/index.html" in capsys.readouterr().out
    assert "fio on persistent memory (emulated)" in (folder / "report" / "index.html").read_text()


KILL_FIO = (
    "(until pidof fio; do usleep 1000; done; usleep 20000; kill -9 $(pidof fio)) >/dev/null &\n"
)


@pytest.mark.kernels
@pytest.mark.all
def test_fio_killed_in_mid_job_is_one_line_and_the_campaign_goes_on_after_it(
    tmp_path, monkeypatch, capsys
):
    preset = replace(
        QUICK, jobs=(LATENCY, replace(LATENCY, rw="randwrite"), replace(LATENCY, engine="mmap"))
    )
    first, killed, last = (job.case for job in preset.jobs)
    monkeypatch.setattr(presets, "find", lambda *_: preset)
    whole, folder = guest_script.text, tmp_path / "dax"
    before = f"dax_job {preset.jobs[1].name}"
    monkeypatch.setattr(
        guest_script, "text", lambda preset: whole(preset).replace(before, KILL_FIO + before)
    )
    plan = Plan([variants.find("protected")], 1, 1, "dax", None, "default", folder, ["run"])
    assert runner.run(plan) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert f"step dax/{preset.jobs[1].name} ended with 137" in line
    for boot in ("boot-01.try-1", "boot-01"):
        records = of_cases(folder / "protected" / boot / "micro.jsonl")
        assert [(record["case"], record["status"]) for record in records[:3]] == [
            (first, "ok"),
            (killed, "crashed"),
            (last, "ok"),
        ]

    monkeypatch.setattr(guest_script, "text", whole)
    assert runner.run(replace(plan, out=None, resume=folder)) == 0
    records = of_cases(folder / "protected" / "boot-01" / "micro.jsonl")
    assert [(record["case"], record["status"]) for record in records[:3]] == [
        (case, "ok") for case in (first, killed, last)
    ]
    # Of an unprotected page there is none here.
    skipped = {case for case in guest_script.KERNEL_CASES if "/devmap" in case}
    assert {record["case"]: record["status"] for record in records[3:]} == {
        case: "skipped" if case in skipped else "ok" for case in guest_script.KERNEL_CASES
    }
