# SPDX-License-Identifier: Apache-2.0
"""Files of records that other processes decode, against the same files read here."""

import json
import os
import signal
from multiprocessing import active_children

import numpy as np
import pytest

from analysis.data import read_ahead
from analysis.data.bad_data import BadData
from analysis.data.load import load
from analysis.tests.conftest import HEADER

ARRAYS, UNREAD = ("samples",), ("empty_samples",)


@pytest.fixture
def paths(tmp_path):
    """More than are read ahead at a time; the third one is missing, and the fifth is torn."""
    for number in range(20):
        path = tmp_path / f"{number}.jsonl"
        lines = [
            {"number": number, "line": line, "samples": [line + 1, 7]} for line in range(number)
        ]
        path.write_text("".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines))
    (tmp_path / "2.jsonl").unlink()
    with (tmp_path / "4.jsonl").open("a") as file:
        file.write('{"torn')
    return [tmp_path / f"{number}.jsonl" for number in range(20)]


def read(paths):
    """What the files say, the warnings, and the error that ended it."""
    warnings: list[str] = []
    found = []
    try:
        for lines in read_ahead.read_files(paths, warnings, ARRAYS, UNREAD):
            for number, line in lines:
                assert isinstance(line["samples"], np.ndarray)
                found.append((number, line | {"samples": line["samples"].tolist()}))
    except BadData as error:
        return found, warnings, str(error)
    return found, warnings, None


def both_ways(paths, monkeypatch):
    monkeypatch.setattr(read_ahead.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(read_ahead, "_WORTH_IT", 1 << 40)
    here = read(paths)
    monkeypatch.setattr(read_ahead, "_WORTH_IT", 0)
    return here, read(paths)


def test_other_processes_read_the_same(paths, monkeypatch):
    here, elsewhere = both_ways(paths, monkeypatch)
    assert elsewhere == here
    lines, warnings, error = here
    assert len(lines) == sum(range(20)) - 2 and error is None
    assert warnings == [f"{paths[4]}: the last line is torn, and was dropped"]


def test_lines_before_a_broken_one_come_first(paths, monkeypatch):
    with paths[7].open("a") as file:
        file.write("nothing\n")
    here, elsewhere = both_ways(paths, monkeypatch)
    assert elsewhere == here
    lines, _, error = here
    assert lines[-1][1]["number"] == 7 and lines[-1][0] == 7
    assert error.startswith(f"{paths[7]}:8: not JSON")


def test_large_files_are_read_elsewhere(paths, monkeypatch):
    monkeypatch.setattr(read_ahead.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(read_ahead, "_WORTH_IT", 0)
    started = []
    pool = read_ahead.ProcessPoolExecutor
    monkeypatch.setattr(
        read_ahead,
        "ProcessPoolExecutor",
        lambda *arguments: started.append(arguments) or pool(*arguments),
    )
    read(paths)
    assert len(started) == 1
    monkeypatch.setattr(read_ahead.os, "cpu_count", lambda: 1)
    read(paths)
    assert len(started) == 1


def test_an_error_leaves_no_process_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(read_ahead.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(read_ahead, "_WORTH_IT", 0)
    boot = tmp_path / "stock" / "boot-01"
    boot.mkdir(parents=True)
    (tmp_path / "campaign.json").write_text(json.dumps(HEADER))
    (boot / "micro.jsonl").write_text("nothing\nneither\n")
    with pytest.raises(BadData) as kept:
        load(tmp_path)
    assert kept.tb is not None and not active_children()


def test_a_process_killed_is_one_line(paths, monkeypatch):
    monkeypatch.setattr(read_ahead.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(read_ahead, "_WORTH_IT", 0)
    monkeypatch.setattr(read_ahead, "_read", _kill)
    assert read(paths)[2].startswith("a process that reads records was killed")


def _kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
