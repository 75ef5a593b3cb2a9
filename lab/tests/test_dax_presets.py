# SPDX-License-Identifier: Apache-2.0
import pytest

from lab import dax_job, dax_presets
from lab.errors import KmapbenchError


@pytest.mark.parametrize("name", dax_presets.load())
def test_no_two_jobs_of_a_preset_share_a_file_or_a_record(name):
    jobs = dax_presets.load()[name].jobs
    assert len({job.name for job in jobs}) == len({job.case for job in jobs}) == len(jobs)


def test_quick_has_all_block_sizes_on_both_file_systems_and_each_control():
    jobs = dax_presets.load()["quick"].jobs
    for on in ("ext4", "xfs"):
        assert {job.block_bytes for job in jobs if job.on == on and job.engine == "psync"} == {512, 4096, 65536, 2097152}
        assert any(job.on == on and job.engine == "mmap" for job in jobs)
        assert any(job.on == f"{on}_cache" for job in jobs)
    assert any(job.on == "block" and job.direct for job in jobs)


def test_throughput_and_latency_are_runs_of_their_own():
    preset = dax_presets.load()["quick"]
    for job in preset.jobs:
        assert ("--gtod_reduce=1" in dax_job.options(job, preset)) == (job.figure == "throughput")


def write(tmp_path, **changes):
    row = {"files": 1, "file_mib": 1, "ramp_ms": 0, "runtime_ms": 1, "block": "[4096]", "jobs": "[1]"} | changes
    head = "".join(f"{key} = {row[key]}\n" for key in ("files", "file_mib", "ramp_ms", "runtime_ms"))
    rows = f'{{ on = ["ext4"], engine = ["psync"], rw = ["read"], block = {row["block"]}, jobs = {row["jobs"]}, figure = ["latency"] }}'
    table = tmp_path / "dax.toml"
    table.write_text(f"[one]\n{head}jobs = [\n\t{rows},\n]\n")
    return table


@pytest.mark.parametrize(
    "changes, said",
    [({"jobs": "[2]"}, "more jobs than files"), ({"block": "[2097152]"}, "larger than a file"), ({"jobs": "[1, 1]"}, "twice")],
)
def test_a_preset_that_cannot_be_measured_is_one_line(tmp_path, changes, said):
    with pytest.raises(KmapbenchError, match=said):
        dax_presets.load(write(tmp_path, **changes))
