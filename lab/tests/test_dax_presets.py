# SPDX-License-Identifier: Apache-2.0
import pytest

from lab.core.errors import KmapbenchError
from lab.workloads.fio import guest_script, presets, workload


@pytest.mark.parametrize("name", presets.load())
def test_no_two_jobs_of_a_preset_share_a_file_or_a_record(name):
    jobs = presets.load()[name].jobs
    assert len({job.name for job in jobs}) == len({job.case for job in jobs}) == len(jobs)


def test_quick_has_all_block_sizes_on_both_file_systems_and_each_control():
    jobs = presets.load()["quick"].jobs
    for on in ("ext4", "xfs"):
        assert {job.block_bytes for job in jobs if job.on == on and job.engine == "psync"} == {
            512,
            4096,
            65536,
            2097152,
        }
        assert any(job.on == on and job.engine == "mmap" for job in jobs)
        assert any(job.on == f"{on}_cache" for job in jobs)
    assert any(job.on == "block" and job.direct for job in jobs)


def test_throughput_and_latency_are_runs_of_their_own():
    preset = presets.load()["quick"]
    for job in preset.jobs:
        assert ("--gtod_reduce=1" in guest_script.options(job, preset)) == (
            job.figure == "throughput"
        )


def write(tmp_path, **changes):
    row = {
        "files": 1,
        "file_mib": 1,
        "ramp_ms": 0,
        "runtime_ms": 1,
        "block": "[4096]",
        "jobs": "[1]",
    } | changes
    head = "".join(
        f"{key} = {row[key]}\n" for key in ("files", "file_mib", "ramp_ms", "runtime_ms")
    )
    rows = (
        f'{{ on = ["ext4"], engine = ["psync"], rw = ["read"], block = {row["block"]}, jobs ='
        f' {row["jobs"]}, figure = ["latency"] }}'
    )
    table = tmp_path / "dax.toml"
    table.write_text(f"[one]\n{head}jobs = [\n\t{rows},\n]\n")
    return table


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"jobs": "[2]"}, "more jobs than files"),
        ({"block": "[2097152]"}, "larger than a file"),
        ({"jobs": "[1, 1]"}, "twice"),
    ],
)
def test_a_preset_that_cannot_be_measured_is_one_line(tmp_path, changes, said):
    with pytest.raises(KmapbenchError, match=said):
        presets.load(table=write(tmp_path, **changes))


def test_a_machine_gets_as_many_processes_as_it_has_cpus():
    throughput = {
        cpus: {job.jobs for job in presets.find("full", cpus).jobs if job.figure == "throughput"}
        for cpus in (1, 6, 256)
    }
    assert throughput == {1: {1}, 6: {1, 2, 4}, 256: {1, 2, 4, 8, 16, 32, 64}}
    assert {cpus: presets.find("full", cpus).files for cpus in (1, 6, 256)} == {1: 1, 6: 4, 256: 64}
    assert {cpus: {job.jobs for job in presets.find("lkp", cpus).jobs} for cpus in (1, 12)} == {
        1: {1},
        12: {6},
    }
    assert {job.jobs for job in presets.find("ext4-maintainer", 1).jobs} == {16}


def test_full_is_the_whole_matrix():
    jobs = presets.find("full", 64).jobs
    psync = {
        (job.on, job.rw, job.block_bytes, job.jobs, job.direct)
        for job in jobs
        if job.engine == "psync" and job.figure == "throughput" and job.on in ("ext4", "xfs")
    }
    assert len(psync) == 2 * 5 * 4 * 7 * 2
    assert {job.rw for job in jobs} == {"read", "write", "randread", "randwrite", "randrw"}


def test_processes_that_share_files_are_given_all_of_them():
    preset = presets.find("ext4-maintainer")
    (job,) = preset.jobs
    options = guest_script.options(job, preset)
    (names,) = [option for option in options if option.startswith("--filename")]
    assert (
        names.removeprefix("--filename=").split(":") == [f"file.{number}" for number in range(32)]
        and "--numjobs=16" in options
    )
    assert guest_script.files_of(job, preset, "/x") == [f"/x/file.{number}" for number in range(32)]


def test_what_would_take_the_lab_hours_is_refused_there():
    with pytest.raises(KmapbenchError, match="--preset full: .* hours: give --here"):
        workload.preset_of("full", here=False)
    assert workload.preset_of(None, here=False) == presets.find("quick")
    assert workload.preset_of(None, here=True).seconds > 3600


def test_a_preset_that_is_not_there_is_one_line_with_those_there_are():
    with pytest.raises(
        KmapbenchError,
        match="--preset fast: there is none; there are quick, full, lkp, ext4-maintainer",
    ):
        presets.find("fast")
