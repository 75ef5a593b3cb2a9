# SPDX-License-Identifier: Apache-2.0
"""Campaigns that are killed, run out of disk or lose their cache: nothing is lost, and one line
says what to do. With stand-ins for guests.
"""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.tests.support import kills

pytestmark = pytest.mark.program

KILLS, SEED = 50, 20261125


def test_kills_at_random_moments_lose_nothing(tmp_path):
    said = kills.killed_campaigns(KILLS, SEED, tmp_path)
    assert said.startswith(f"{KILLS} kills") and " 0 of " not in said


def ended(process: subprocess.Popen) -> tuple[int, list[str]]:
    """Exit code, and what was said beside progress."""
    _, said = process.communicate(timeout=60)
    return process.returncode, [line for line in said.splitlines() if not line.startswith("[")]


def run(folder: Path, **environment: str) -> subprocess.Popen:
    return kills.start([*kills.ASKED, "--out", str(folder)], **environment)


def resume(folder: Path, **environment: str) -> tuple[int, list[str]]:
    return ended(kills.start(["run", "--resume", str(folder)], **environment))


def wait_for(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def has_records(folder: Path) -> Callable[[], bool]:
    return lambda: any(path.stat().st_size for path in folder.glob("*/boot-*/micro.jsonl"))


def test_a_whole_campaign_has_nothing_left_to_do(tmp_path):
    assert ended(run(tmp_path / "c")) == (0, [])
    before = (tmp_path / "c" / "campaign.json").read_text()
    order = json.loads(before)["order"]
    unbuilt = str(tmp_path / "nothing is built here")
    said = f"{tmp_path / 'c'}: nothing is left to measure; writing the report"
    assert resume(tmp_path / "c", KMAPBENCH_BUILD=unbuilt) == (0, [said])
    assert json.loads((tmp_path / "c" / "campaign.json").read_text())["order"] == order


def test_two_at_once_in_one_folder_are_one_line(tmp_path):
    process = run(tmp_path / "c")
    wait_for(has_records(tmp_path / "c"))
    process.send_signal(signal.SIGSTOP)  # at work, as long as we like
    assert resume(tmp_path / "c") == (
        2,
        [
            f"kmapbench: {tmp_path / 'c'}: another kmapbench is at work in it: wait for it, or"
            " end it"
        ],
    )
    process.send_signal(signal.SIGCONT)
    assert ended(process) == (0, [])
    kills.assert_whole(tmp_path / "c")


def test_a_cache_that_vanishes_is_one_line_and_the_campaign_goes_on_when_it_is_back(tmp_path):
    cache = tmp_path / "kernel"
    process = run(tmp_path / "c", STAND_IN_KERNEL=str(cache))
    wait_for(has_records(tmp_path / "c"))
    shutil.rmtree(cache)
    code, (line,) = ended(process)
    assert code == 2 and f"{cache}: gone from the cache" in line and "--resume" in line
    before = kills.kept(tmp_path / "c")
    assert any(before.values())
    assert resume(tmp_path / "c", STAND_IN_KERNEL=str(cache)) == (0, [])
    kills.assert_nothing_lost(before, kills.kept(tmp_path / "c"))
    kills.assert_whole(tmp_path / "c")


def test_a_disk_that_fills_up_is_one_line_and_the_campaign_goes_on_when_there_is_room(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "none", disk], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk takes root: {mounted.stderr.strip()}")
    try:
        code, lines = ended(run(disk / "c"))
        assert code == 2 and len(lines) == 1, lines
        assert "No space left on device" in lines[0] and "--resume" in lines[0]
        before = kills.kept(disk / "c")
        assert any(before.values())
        subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
        assert resume(disk / "c") == (0, [])
        kills.assert_nothing_lost(before, kills.kept(disk / "c"))
        kills.assert_whole(disk / "c")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_stored_plan_repeats_the_campaign(tmp_path):
    assert ended(run(tmp_path / "first")) == (0, [])
    plan = tmp_path / "first" / "plan.toml"
    assert ended(kills.start(["run", "--plan", str(plan), "--out", str(tmp_path / "second")])) == (
        0,
        [],
    )
    assert (tmp_path / "second" / "plan.toml").read_text() == plan.read_text()
    headers = [
        json.loads((tmp_path / name / "campaign.json").read_text()) for name in ("first", "second")
    ]
    orders = [[(step["variant"], step["boot"]) for step in header["order"]] for header in headers]
    assert (
        orders[0]
        == orders[1]
        == [(step["variant"], step["boot"]) for step in headers[0]["planned"]]
    )
    assert headers[0]["planned"] == headers[1]["planned"]


def test_a_dry_run_prints_every_step_and_makes_nothing(tmp_path):
    process = kills.start([*kills.ASKED, "--out", str(tmp_path / "c"), "--dry-run"])
    printed, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
    assert sorted(
        line.partition(" (")[0] for line in printed.splitlines() if ", boot " in line
    ) == [f"{variant}, boot {boot}" for variant in sorted(kills.VARIANTS) for boot in (1, 2)]
    assert list(tmp_path.iterdir()) == []
