# SPDX-License-Identifier: Apache-2.0
"""Runs with --tune, in processes of their own, on false machines: each knob is as wanted in the
run, and as before after it, however it ends.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.commands import tune
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.core.progress import Display
from lab.host import system_findings
from lab.host.tuning import left_over, tuned
from lab.host.tuning.knobs import KNOBS
from lab.run import tuned_run
from lab.run.plan import Plan
from lab.run.targets import Context
from lab.tests.support import tuning_kills
from lab.tests.support.false_machine import (
    CGROUP,
    CPUS,
    FLAVOURS,
    LATENCY,
    PARTITION,
    FalseMachine,
    end_of_holder,
    make_tree,
    snapshot,
)

pytestmark = pytest.mark.program

HOLDER = "lab.tests.support.false_holder"
LIMIT_SECONDS = 120

# What each knob makes of a file.
WANTED = {
    "interrupts": {
        "proc/irq/24/smp_affinity_list": b"0-2",
        "proc/irq/25/smp_affinity_list": b"0-2",
    },
    "workqueues": {"sys/devices/virtual/workqueue/cpumask": b"7"},
    "SMT": {f"{CPUS}/smt/control": b"off", f"{CPUS}/online": b"0-3"},
    "governor": {f"{CPUS}/cpufreq/policy2/scaling_governor": b"performance"},
    "turbo": {f"{CPUS}/intel_pstate/no_turbo": b"1", f"{CPUS}/cpufreq/boost": b"0"},
    "NMI watchdog": {"proc/sys/kernel/nmi_watchdog": b"0"},
    "NUMA balancing": {"proc/sys/kernel/numa_balancing": b"0"},
    "isolation": {
        f"{CGROUP}/cgroup.subtree_control": b"cpu memory cpuset",
        f"{PARTITION}/cpuset.cpus": b"3",
        f"{PARTITION}/cpuset.cpus.partition": b"isolated",
    },
    "C-states": {LATENCY: b"\1\0\0\0"},
}


class Run:
    """A run that is tuned, until it ends in some way."""

    def __init__(self, root: Path, state: Path):
        self.root, self.state = root, state
        self.before = snapshot(root)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lab.tests.support.tuned_run", root, state, HOLDER],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "measuring\n", self.process.stderr.read()
        self.during = snapshot(root)
        (self.holder,) = [
            int(child)
            for task in Path(f"/proc/{self.process.pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]

    def end(self, how: str) -> None:
        """Ends it, and waits until its holder has ended, too."""
        if how in ("well", "error"):
            said = self.process.communicate(f"{how}\n", timeout=LIMIT_SECONDS)
        else:
            self.process.send_signal(getattr(signal, f"SIG{how}"))
            said = self.process.communicate(timeout=LIMIT_SECONDS)
        self.said = "".join(said)
        self.wait_for_holder()

    def wait_for_holder(self) -> None:
        """Its parent may be gone, so that nobody of ours can wait for it."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while Path(f"/proc/{self.holder}/cmdline").exists():
            if not Path(f"/proc/{self.holder}/cmdline").read_bytes():
                break  # it has ended, and nobody has asked how
            assert time.monotonic() < deadline
            time.sleep(0.05)


CODES = {"well": 0, "error": 2, "INT": 130, "TERM": 143, "HUP": 129, "KILL": -9}


@pytest.fixture(scope="module", params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.fixture(scope="module", params=CODES)
def ended(request, flavour, tmp_path_factory):
    """A run that has ended in one of these ways."""
    folder = tmp_path_factory.mktemp("ended")
    run = Run(make_tree(folder / "root", FLAVOURS[flavour]), folder / "state")
    run.end(request.param)
    run.how = request.param
    return run


@pytest.mark.parametrize("knob", WANTED)
def test_a_knob_is_as_wanted_in_the_run_and_as_before_after_it(ended, knob):
    files = {path: value for path, value in WANTED[knob].items() if path in ended.during}
    assert files
    after = snapshot(ended.root)
    for path, value in files.items():
        assert ended.during[path] == value != ended.before.get(path)
        assert after.get(path) == ended.before.get(path)


def test_all_else_is_as_before_too_and_the_end_is_what_it_was(ended):
    assert snapshot(ended.root) == ended.before
    assert not any(ended.state.rglob("*"))
    assert ended.process.returncode == CODES[ended.how], ended.said
    assert "Traceback" not in ended.said


def test_each_knob_is_tried():
    assert set(WANTED) == {knob.name for knob in KNOBS}


@pytest.fixture
def run(tmp_path, flavour):
    return Run(make_tree(tmp_path / "root", FLAVOURS[flavour]), tmp_path / "state")


def test_a_run_whose_holder_is_killed_puts_settings_back_itself_and_fails(run):
    os.kill(run.holder, signal.SIGKILL)
    end_of_holder(run.root)
    run.end("well")
    assert run.process.returncode == 1
    assert run.said == (
        "the process that held the settings was killed, so that not all of them held to the end of"
        " the run\n"
    )
    assert snapshot(run.root) == run.before and not any(run.state.rglob("*"))


def test_when_both_are_killed_check_says_so_and_the_next_start_puts_back(run):
    os.kill(run.holder, signal.SIGKILL)
    run.end("KILL")
    end_of_holder(run.root)
    left = snapshot(run.root)
    assert left != run.before
    (run.root / "var/lib").mkdir(parents=True)
    run.state.rename(run.root / "var/lib/kmapbench")
    found = system_findings.findings(run.root, "6.12", pks=True)
    (finding,) = [finding for finding in found if finding.what == "tuned"]
    assert finding.state == system_findings.NOTE and finding.mend == left_over.RESTORE
    (run.root / "var/lib/kmapbench").rename(run.state)
    (run.root / "var/lib").rmdir()
    (run.root / "var").rmdir()
    assert snapshot(run.root) == left  # nothing was changed by looking
    restored = left_over.restore_left_over(FalseMachine(run.root), run.state)
    assert restored.problems == [] and "was killed" in restored.said[0]
    assert snapshot(run.root) == run.before


def test_a_second_run_meanwhile_is_refused_in_one_line_and_the_first_goes_on(run):
    again = subprocess.run(
        [sys.executable, "-m", "lab.tests.support.tuned_run", run.root, run.state, HOLDER],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 2
    (line,) = again.stderr.splitlines()
    assert f"held by process {run.process.pid}: wait for it" in line
    assert snapshot(run.root) == run.during
    run.end("well")
    assert run.process.returncode == 0 and snapshot(run.root) == run.before


# Around a run.


@pytest.fixture
def context(tmp_path, monkeypatch):
    """A run with --tune on a false machine, its root and state."""
    root, state = make_tree(tmp_path / "root", FLAVOURS["intel"]), tmp_path / "state"
    monkeypatch.setattr(tuned, "_HOLDER", HOLDER)

    def on_false_machine(isolate):
        return tuned.tuned(root, state, isolate)

    monkeypatch.setattr(tuned_run, "tuned", on_false_machine)
    with Display() as display:
        yield Context(Plan([], here=True, tune=True), tmp_path, tmp_path, tmp_path, display, None)


def test_the_environment_of_a_run_says_what_was_set(context, capsys):
    with tuned_run.tuned_for(context) as problems:
        said = context.place.described["tuned"]
    assert problems == []
    assert said["governor"] == "performance" and said["turbo"] == said["smt"] == "off"
    assert said["measuring_cpu"] == "3"
    assert "settings are as they were before the run" in capsys.readouterr().err


def test_what_somebody_else_has_changed_fails_the_run(context, tmp_path, capsys):
    path = tmp_path / "root" / "proc/sys/kernel/numa_balancing"
    with tuned_run.tuned_for(context) as problems:
        path.write_text("2")
    (line,) = problems
    assert line.startswith("after the run: NUMA balancing: /proc/sys/kernel/numa_balancing: was 1")
    assert "settings are as they were" not in capsys.readouterr().err
    with pytest.raises(KmapbenchError, match="full"), tuned_run.tuned_for(context):
        path.write_text("3")
        raise KmapbenchError("the disk is full")
    assert "after the run: NUMA balancing" in capsys.readouterr().err


def test_a_run_puts_back_first_what_another_one_has_left(tmp_path, monkeypatch, capsys):
    root, state = make_tree(tmp_path / "root", FLAVOURS["intel"]), tmp_path / "state"
    before = snapshot(root)
    tuning_kills.kill_in_the_middle(root, state)
    left = snapshot(root)
    with Display() as display:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        tuned_run.restore_first(display, FalseMachine(root), state)
        assert left_over.RESTORE in capsys.readouterr().err and snapshot(root) == left
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        tuned_run.restore_first(display, FalseMachine(root), state)
        assert "a run with --tune was killed: 4" in capsys.readouterr().err
        assert snapshot(root) == before
        tuned_run.restore_first(display, FalseMachine(root), state)
        assert capsys.readouterr().err == ""


def test_settings_of_a_run_that_is_there_are_left_to_it(run):
    with Display() as display:
        tuned_run.restore_first(display, FalseMachine(run.root), run.state)
    assert snapshot(run.root) == run.during
    run.end("well")


@pytest.mark.parametrize(
    ("restored", "code", "out", "err"),
    [
        (left_over.Restored(["was killed"]), 0, "was killed\n", ""),
        (left_over.Restored(), 0, "no run with --tune has left anything\n", ""),
        (left_over.Restored(["killed"], ["x is 1, was 2"]), 1, "killed\n", "kmapbench: x is 1"),
    ],
)
def test_the_command_ends_with_1_where_something_is_not_back(
    monkeypatch, capsys, restored, code, out, err
):
    monkeypatch.setattr(left_over, "is_left", lambda: True)
    monkeypatch.setattr(left_over, "restore_left_over", lambda: restored)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert tune.restore() == code
    said = capsys.readouterr()
    assert said.out == out and said.err.startswith(err)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(KmapbenchError, match="by root: sudo"):
        tune.restore()
