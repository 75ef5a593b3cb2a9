# SPDX-License-Identifier: Apache-2.0
"""Runs with --tune that are killed, at each step and at random moments, on false machines: all
settings are back after the next start, and a power cut leaves nothing behind.
"""

import os
import random
import shutil

import pytest

from lab.host.tuning import journal, left_over
from lab.tests.support import tuning_kills
from lab.tests.support.false_machine import BOOT, FLAVOURS, FalseMachine, make_tree, snapshot
from lab.tests.support.machine import tree

pytestmark = pytest.mark.program

SEED = 20261129
MOMENTS, TWICE = 150, 40  # kills of each flavour

# What the journal has in other words: what a CPU or a cgroup that it names has beside.
DERIVED = ("sys/devices/system/cpu/online", "sys/devices/system/cpu/smt/active", "sys/fs/cgroup/")


FIRST, *OTHERS = FLAVOURS


@pytest.fixture(params=[FIRST, *(pytest.param(other, marks=pytest.mark.all) for other in OTHERS)])
def false(tmp_path, request, monkeypatch):
    """Root and state of a machine."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return make_tree(tmp_path / "root", FLAVOURS[request.param]), tmp_path / "state"


def restore(root, state):
    return left_over.restore_left_over(FalseMachine(root), state)


def assert_as_before(root, state, before, when):
    assert snapshot(root) == before, when
    assert not any(state.rglob("*")), when


def test_a_kill_at_any_step_is_put_back_by_the_next_start(false):
    root, state = false
    before = snapshot(root)
    step = touched = 0
    while tuning_kills.killed_at(step, root, state):
        touched += assert_journaled(root, state, before)
        assert restore(root, state).problems == [], step
        assert_as_before(root, state, before, step)
        step += 1
    assert touched > 40  # of each setting there, and back
    assert_as_before(root, state, before, "the end")


def assert_journaled(root, state, before) -> bool:
    """Whether anything is touched; if so, a journal that can be read has the values before."""
    now = snapshot(root)
    different = {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
    if not different:
        return False
    kept = journal.read_journal(journal.path_of(state, BOOT))
    said = {setting.path: setting.before for setting in kept.settings}
    for path in different - {"dev/cpu_dma_latency"}:
        if path.startswith(DERIVED):
            continue
        # the status of a task, and a folder that goes with its file
        assert said.keys() & {path, path.removesuffix("/status"), f"{path}/rate_limit_us"}, path
        if path in said:
            assert said[path].encode() == before[path]
    return True


def test_a_power_cut_at_any_step_leaves_the_next_boot_alone_and_is_told(false, tmp_path):
    root, state = false
    step, told = 0, 0
    killed = True
    while killed:
        killed = tuning_kills.killed_at(step, root, state)
        new, kept = tmp_path / "new", tmp_path / "kept"
        make_tree(new, FLAVOURS["intel"])
        tree(new, {"proc/sys/kernel/random/boot_id": "another"})
        shutil.copytree(state, kept) if state.exists() else kept.mkdir()
        now, was_left = snapshot(new), bool(journal.journals(kept))
        restored = restore(new, kept)
        assert_as_before(new, kept, now, step)
        assert restored.problems == []
        assert [line for line in restored.said if "restarted" in line] == restored.said[:was_left]
        told += was_left
        for used in (new, kept):
            shutil.rmtree(used, ignore_errors=True)
        restore(root, state)
        step += 4
    assert told > 10


def test_a_next_start_that_is_killed_itself_loses_nothing(false):
    root, state = false
    before = snapshot(root)
    chooser = random.Random(SEED)
    twice = 0
    for turn in range(TWICE):
        tuning_kills.killed_at(chooser.randrange(20, 90), root, state)
        twice += tuning_kills.restoration_killed_at(chooser.randrange(40), root, state)
        assert restore(root, state).problems == [], turn
        assert_as_before(root, state, before, turn)
    assert twice > TWICE / 4


def test_kills_at_random_moments_lose_nothing(false):
    root, state = false
    before = snapshot(root)
    whole = min(tuning_kills.whole_seconds(root, state) for _ in range(3))
    killed = 0
    for moment in tuning_kills.moments(MOMENTS, SEED, whole):
        killed += tuning_kills.killed_after(moment, root, state)
        assert restore(root, state).problems == [], moment
        assert_as_before(root, state, before, moment)
    assert killed > MOMENTS / 3
