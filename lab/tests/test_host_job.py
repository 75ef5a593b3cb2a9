# SPDX-License-Identifier: Apache-2.0
"""A measurement on a host, begun by one connection and found by another."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lab.core.dirs import ROOT
from lab.fleet import host_job
from lab.tests.support.stand_in_kmapbench import write_stand_in

PLAN = 'only = "user"\ncases = "default"\n'


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "plan.toml").write_text(PLAN)
    program = write_stand_in(tmp_path / "program")
    yield host_job.Job("run", folder, "smoke-1", program)
    (program.parent / "gate").touch()  # whatever became of the test, nobody waits for ever


def ask(job, what: str, *words: str) -> dict:
    """As a connection does: by a program of its own."""
    said = subprocess.run(
        [
            *(sys.executable, "-m", "lab.fleet.host_job", what, f"--kind={job.kind}"),
            *(f"--folder={job.folder}", f"--name={job.name}", f"--program={job.program}", *words),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def ended(job) -> dict:
    until(lambda: host_job.status(job)["state"] != host_job.RUNNING)
    return host_job.status(job)


def until(is_so) -> None:
    for _ in range(3000):
        if is_so():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen within a minute")


def runs(job) -> list[str]:
    calls = (job.program.parent / "calls").read_text().splitlines()
    return [call for call in calls if call.startswith(("run --no", "campaign --no"))]


def is_running(job) -> bool:
    """Whether kmapbench itself was begun, not only who begins it."""
    return bool(runs(job))


def test_a_job_outlives_who_began_it_and_is_begun_once(job):
    (job.program.parent / "gate").unlink()
    assert host_job.status(job) == {"state": "new"}
    assert ask(job, "start") == {"state": "running", "started": True}
    assert ask(job, "start") == {"state": "running", "started": False}
    (job.program.parent / "gate").touch()
    assert ended(job) == {"state": "ended", "code": 0}
    assert ask(job, "start") == {"state": "ended", "code": 0, "started": False}
    assert runs(job) == [
        f"run --no-install --plan {job.plan} --out {job.campaign} --anonymize",
    ]


def test_a_job_that_was_killed_goes_on(job):
    (job.program.parent / "gate").unlink()
    ask(job, "start")
    until((job.campaign / "campaign.json").exists)
    workers = subprocess.run(
        ["pgrep", "-f", f"host_job work .*{job.folder}"], capture_output=True, text=True
    ).stdout.split()
    assert len(workers) == 1
    os.killpg(int(workers[0]), signal.SIGKILL)
    assert ended(job) == {"state": "stopped"}
    (job.program.parent / "gate").touch()
    assert ask(job, "start")["started"]
    assert ended(job) == {"state": "ended", "code": 0}
    assert runs(job)[1:] == [f"run --no-install --resume {job.campaign}"]


def test_kmapbench_alone_still_counts_as_running(job):
    (job.program.parent / "gate").unlink()
    ask(job, "start")
    until(lambda: is_running(job))
    (worker,) = subprocess.run(
        ["pgrep", "-f", f"host_job work .*{job.folder}"], capture_output=True, text=True
    ).stdout.split()
    os.kill(int(worker), signal.SIGKILL)
    assert ask(job, "start") == {"state": "running", "started": False}
    (job.program.parent / "gate").touch()
    assert ended(job)["state"] == "stopped"


def test_a_run_that_fails_says_why_and_is_gone_on_with(job):
    (job.program.parent / "code").write_text("1")
    (job.program.parent / "reason").write_text("host: the control was off")
    ask(job, "start")
    said = ended(job)
    assert said["code"] == 1
    assert said["reason"].startswith("host: the control was off (exit code 1, see ")
    (job.program.parent / "code").write_text("0")
    ask(job, "start")
    assert ended(job) == {"state": "ended", "code": 0}


@pytest.mark.parametrize(
    ("ended", "stopped", "unit", "said"),
    [
        (None, None, True, {"state": "running"}),
        (None, None, False, {"state": "stopped"}),
        ("2026-11-29T10:00:00Z", None, False, {"state": "ended", "code": 0}),
        (
            "2026-11-29T10:00:00Z",
            "disk full",
            False,
            {"state": "ended", "code": 1, "reason": "stopped: disk full"},
        ),
    ],
)
def test_over_reboots_the_campaign_says_how_far_it_is(job, monkeypatch, ended, stopped, unit, said):
    job = host_job.Job("campaign", job.folder, job.name, job.program)
    job.campaign.mkdir()
    reboots = {"stopped": stopped} if stopped else {}
    header = {"planned": [], "ended": ended, "reboots": reboots}
    (job.campaign / "campaign.json").write_text(json.dumps(header))
    (job.folder / "lock").touch()
    (job.folder / "ended").write_text('{"code": 0}')  # of what began it
    monkeypatch.setattr(
        host_job.reboot_unit, "campaign_folder", lambda _: job.campaign if unit else None
    )
    assert host_job.status(job) == said


def test_what_stands_against_a_plan_is_said_by_check(job):
    assert ask(job, "fit") == {"obstacles": []}
    (job.program.parent / "unfit").write_text("clock: none that can be read")
    assert ask(job, "fit") == {"obstacles": ["clock: none that can be read"]}


def test_nobody_looks_at_a_host_that_measures(job):
    (job.program.parent / "gate").unlink()
    ask(job, "start")
    until(lambda: is_running(job))
    before = (job.program.parent / "calls").read_text()
    assert ask(job, "fit") == {"obstacles": []}
    assert (job.program.parent / "calls").read_text() == before
    (job.program.parent / "gate").touch()
    ended(job)


def test_options_of_check_are_handed_on(job):
    ask(job, "fit", "--check-option=--level", "--check-option=publish")
    calls = (job.program.parent / "calls").read_text()
    assert "check --no-install --format json --level publish\n" in calls


def test_packages_are_those_of_the_plan(job, monkeypatch):
    monkeypatch.setattr(host_job.requirements, "missing", lambda wanted, _: wanted)
    named = set(host_job.missing_packages(job))
    assert "python3-numpy" in named and "cmake" in named and "qemu-system-x86" not in named
    job.plan.write_text('cases = "kernel/*"\n')
    assert "qemu-system-x86" in set(host_job.missing_packages(job))


def test_a_plan_with_a_wrong_word_is_one_line(job):
    job.plan.write_text('password = "secret"\n')
    said = subprocess.run(
        [sys.executable, "-m", "lab.fleet.host_job", "fit", f"--folder={job.folder}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert f"{job.plan}: password is not known" in said.stderr
