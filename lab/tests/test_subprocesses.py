# SPDX-License-Identifier: Apache-2.0
"""Programs that we start: they end with us, and Ctrl-C is never lost on the way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.core.dirs import ROOT
from lab.core.errors import CommandFailed
from lab.host.tuning.cpu_knobs import PARTITION
from lab.host.tuning.tuned import Tuned

_STARTS_A_SLEEPER = """
import subprocess, sys
from lab.core import subprocesses
process = subprocess.Popen(subprocesses.ended_with_us(["sleep", "1000"], by=sys.argv[1]))
print(process.pid, flush=True)
process.wait()
"""


@pytest.mark.parametrize("by", ["KILL", "TERM"])
def test_a_program_ends_when_we_are_killed(by):
    with subprocess.Popen(
        [sys.executable, "-c", _STARTS_A_SLEEPER, by], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        sleeper = Path("/proc", starter.stdout.readline().strip())
        while (sleeper / "comm").read_text() != "sleep\n":
            time.sleep(0.01)
        starter.kill()
    deadline = time.monotonic() + 60
    while _is_running(sleeper):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_running(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_no_hook_runs_in_which_a_ctrl_c_would_be_lost(tmp_path):
    """What modules registered for the time after a fork, where Python drops exceptions."""
    ran = []
    os.register_at_fork(after_in_parent=lambda: ran.append("hook"))
    subprocesses.logged(["true"], tmp_path / "log", "nothing")
    assert not ran
    assert os.waitpid(os.fork() or os._exit(0), 0)[1] == 0 and ran  # it is one that runs


def test_nothing_of_ours_is_started_with_a_preexec_fn():
    rooms = [ROOT / name for name in ("lab", "analysis", "formats", "fleet")]
    files = [file for room in rooms for file in room.rglob("*.py") if "tests" not in file.parts]
    assert len(files) > 100
    assert not [file for file in files if "preexec_fn=" in file.read_text()]


def test_a_program_that_fails_is_named_and_no_wrapper(tmp_path):
    with pytest.raises(CommandFailed, match=r"^trying failed \(false ended with 1\): see "):
        subprocesses.logged(["false"], tmp_path / "log", "trying")


# The measuring CPU


def _allowed(*wrapper: str) -> subprocess.CompletedProcess:
    show = ["sh", "-c", "echo $$; grep Cpus_allowed_list /proc/self/status"]
    return subprocess.run([*wrapper, *show], capture_output=True, text=True)


def _tuned(cpu: int | None, root: Path) -> Tuned:
    return Tuned(effects={}, said=[], cpu=cpu, root=root)


def test_a_wrapper_moves_to_the_cpu_and_into_the_cgroup(tmp_path):
    cpu = max(os.sched_getaffinity(0))
    wrapper = _tuned(cpu, tmp_path).wrapper()
    assert _allowed(*wrapper).stdout.splitlines()[1].split() == ["Cpus_allowed_list:", str(cpu)]
    members = tmp_path / PARTITION / "cgroup.procs"
    members.parent.mkdir(parents=True)
    members.touch()
    moved = _allowed(*_tuned(cpu, tmp_path).wrapper())
    assert moved.stdout.splitlines()[1].split() == ["Cpus_allowed_list:", str(cpu)]
    assert members.read_text() == "0\n"  # itself, for the kernel
    assert _tuned(None, tmp_path).wrapper() == ()


@pytest.mark.parametrize("is_of_cgroup", [False, True])
def test_a_wrapper_that_cannot_move_starts_nothing(tmp_path, is_of_cgroup):
    members = tmp_path / PARTITION / "cgroup.procs"
    if is_of_cgroup:
        members.mkdir(parents=True)  # nobody can write to a folder
    failed = _allowed(*_tuned(0 if is_of_cgroup else 4000, tmp_path).wrapper())
    assert failed.returncode == 125 and not failed.stdout
    assert failed.stderr.strip()


def test_signals_are_what_they_were_in_a_program():
    show = ["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"]
    plain = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    ours = subprocess.run(
        subprocesses.ended_with_us(show), capture_output=True, text=True, check=True
    )
    assert ours.stdout == plain and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
