# SPDX-License-Identifier: Apache-2.0
"""Killed and interrupted campaigns: what was measured is kept, and nothing is left running."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.data import load
from lab.core.dirs import ROOT
from lab.tests.support.records import of_cases

pytestmark = pytest.mark.guest


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, task.read_text().split())
    return found


def is_qemu(pid: int) -> bool:
    try:
        return b"qemu-system" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture
def running(tmp_path):
    """A campaign of one boot, right after its first record of a case is on disk: process, QEMU's
    pid, folder.
    """
    folder, scratch = tmp_path / "campaign", tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "lab",
            "run",
            "--boots",
            "1",
            "--only",
            "micro",
            "--out",
            str(folder),
        ],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    records = folder / "stock" / "boot-01" / "micro.jsonl"
    deadline = time.monotonic() + 600
    while not (records.exists() and records.read_text().endswith("\n") and of_cases(records)):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    (qemu,) = [pid for pid in children(process.pid) if is_qemu(pid)]
    yield process, qemu, folder
    if process.poll() is None:
        process.kill()
        process.wait()


def scratch_of(folder: Path) -> list[Path]:
    """What the campaign has made on the side."""
    return list((folder.parent / "scratch").iterdir())


def said(process: subprocess.Popen) -> list[str]:
    _, errors = process.communicate(timeout=300)
    return [line for line in errors.splitlines() if not line.startswith("[")]


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while is_qemu(pid):
        assert time.monotonic() < deadline, "QEMU is still there"
        time.sleep(0.02)


def test_kill_of_qemu_keeps_the_records_and_names_the_step(running):
    process, qemu, folder = running
    os.kill(qemu, signal.SIGKILL)
    lines = said(process)
    assert process.returncode == 1
    assert len(lines) == 1 and "stock, boot 1: QEMU was ended by SIGKILL; made again" in lines[0]
    wait_gone(qemu)
    kept = of_cases(folder / "stock" / "boot-01.try-1" / "micro.jsonl")
    assert (kept[0]["case"], kept[0]["status"]) == ("empty", "ok")
    first, second = json.loads((folder / "campaign.json").read_text())["order"]
    assert (first["status"], first["reason"], second["status"]) == (
        "crashed",
        "QEMU was ended by SIGKILL",
        "ok",
    )
    assert {record.status for record in load.load(folder).records} <= {"ok", "skipped"}


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")],
)
def test_what_ends_it_keeps_the_records_and_leaves_nothing_else(running, number, name):
    process, qemu, folder = running
    assert scratch_of(folder)
    os.kill(process.pid, number)
    lines = said(process)
    assert (process.returncode, lines) == (
        128 + number,
        [
            f"kmapbench: ended by {name}; what was measured is kept, and ./kmapbench run --resume"
            f" {folder} goes on"
        ],
    )
    wait_gone(qemu)
    assert scratch_of(folder) == []
    assert load.load(folder).records[0].status == "ok"
    (step,) = json.loads((folder / "campaign.json").read_text())["order"]
    assert (step["status"], step["reason"]) == ("interrupted", name)


def test_kill_of_kmapbench_takes_qemu_along(running):
    process, qemu, folder = running
    process.kill()
    process.wait()
    wait_gone(qemu)
    assert load.load(folder).records[0].status == "ok"
