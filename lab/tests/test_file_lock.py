# SPDX-License-Identifier: Apache-2.0
"""Locks between processes, and what they keep apart in a cache that several share."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.core import file_lock
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.kernels import build_place

# Another process that takes a lock, says so, and has it until its input ends.
_HOLDER = (
    "import sys; from pathlib import Path; from lab.core import file_lock\n"
    "with file_lock.held(Path(sys.argv[1])):\n"
    "    print('has it', flush=True); sys.stdin.read()\n"
)


@pytest.fixture
def other(tmp_path):
    """Starts a process that has the lock on a file."""
    started = []

    def start(path: Path) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        started.append(process)
        assert process.stdout.readline() == "has it\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_who_has_a_lock_keeps_all_others_out_until_it_is_killed(tmp_path, other):
    path = tmp_path / "lock"
    process = other(path)
    assert file_lock.take(path) is None
    process.kill()
    process.wait()
    fd = file_lock.take(path)
    assert fd is not None
    os.close(fd)


def test_who_waits_is_told_so_and_then_gets_the_lock(tmp_path, other):
    path = tmp_path / "lock"
    process = other(path)
    told = []

    def wait() -> None:
        told.append("wait")
        process.kill()

    with file_lock.held(path, wait):
        assert told == ["wait"] and file_lock.take(path) is None


def test_the_lock_is_of_the_kind_that_a_server_of_nfs_keeps_for_all(tmp_path):
    """A lock of flock(2) would not be seen by one of fcntl(2)."""
    path = tmp_path / "lock"
    with file_lock.held(path), path.open("r+") as file, pytest.raises(BlockingIOError):
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_reading_the_file_does_not_give_the_lock_back(tmp_path):
    path = tmp_path / "lock"
    with file_lock.held(path):
        path.read_text()
        assert file_lock.take(path) is None


def test_what_cannot_be_locked_is_named(tmp_path):
    with pytest.raises(KmapbenchError, match=f"{tmp_path}: Is a directory"):
        file_lock.take(tmp_path)


def test_a_folder_of_a_build_goes_when_its_builder_is_gone_and_not_before(tmp_path, other):
    alive, dead = tmp_path / ".building-alive", tmp_path / ".building-dead"
    for folder in (alive, dead):
        folder.mkdir()
    other(alive / "in-use")
    killed = other(dead / "in-use")
    killed.kill()
    killed.wait()
    kept, gone = tmp_path / "k.alive.log", tmp_path / "k.dead.log"
    for log in (kept, gone):
        log.touch()
    with build_place.scratch(tmp_path) as mine, build_place.scratch(tmp_path) as second:
        assert {*tmp_path.glob(".building-*")} == {alive, mine, second}
    assert [*tmp_path.glob(".building-*")] == [alive]
    assert kept.exists() and not gone.exists()


def test_a_machine_builds_one_kernel_at_a_time_and_a_job_of_slurm_beside_others(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    lock = tmp_path / f".lock-{os.uname().nodename}"
    with build_place.alone(tmp_path, tmp_path / "a", print):
        assert file_lock.take(lock) is None
        assert file_lock.take(tmp_path / ".a.lock") is None
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    with build_place.alone(tmp_path, tmp_path / "a", print), build_place.alone(
        tmp_path, tmp_path / "b", print
    ):
        assert file_lock.take(tmp_path / ".a.lock") is None
        assert file_lock.take(tmp_path / ".b.lock") is None
