# SPDX-License-Identifier: Apache-2.0
"""Short trials: each model that is asked for gives its figures. What they say is for a quiet
machine (docs/findings-user-models.md).
"""

import json
from pathlib import Path

import pytest

from analysis.studies import timing_verdict as judge
from lab.studies import timing

pytestmark = pytest.mark.program


def run(tmp_path: Path, *arguments: str) -> list[dict]:
    file = tmp_path / "trial.jsonl"
    assert timing.main([arguments[0], str(file), *arguments[1:]]) == 0
    lines = file.read_text().splitlines()
    assert judge.judged(lines)
    header, *figures = map(json.loads, lines)
    assert header["trial"] == arguments[0] and header["cpu"] and header["kernel"]
    return figures


def test_both_tools_time_the_same_models_in_each_launch(tmp_path, monkeypatch):
    monkeypatch.setattr(
        timing, "BUDGET", ["--benchmark_min_time=0.001", "--benchmark_repetitions=2"]
    )
    figures = run(tmp_path, "spread", "--launches", "2")
    models = set(timing.REGISTER_BOUND + timing.WITH_MODES)
    for launch in range(2):
        of_launch = [figure for figure in figures if figure["launch"] == launch]
        assert {one["case"] for one in of_launch if one["tool"] == "google"} == models
        # a record that something disturbed has no figure
        assert {one["case"] for one in of_launch if one["tool"] == "kmapbench"} <= models
    first = [next(one["tool"] for one in figures if one["launch"] == launch) for launch in range(2)]
    assert first == ["google", "kmapbench"]


def test_campaigns_launch_both_sides_in_each_round(tmp_path):
    figures = run(tmp_path, "campaigns", "--launches", "2", "--campaigns", "1")
    launched = list(dict.fromkeys((figure["round"], figure["side"]) for figure in figures))
    assert [one for one, _ in launched] == sorted([1, 1, 2, 2])
    assert set(launched) == {(one, side) for one in (1, 2) for side in "AB"}


@pytest.mark.all
def test_what_is_known_has_figures_for_all_that_is_judged(tmp_path):
    figures = run(tmp_path, "known", "--launches", "1")
    assert {figure["case"] for figure in figures} == set(timing.KNOWN)
    assert {figure["write_cycles"] for figure in figures if figure["case"] in timing.DELAYS} == set(
        timing.WRITE_CYCLES
    )


def test_a_file_that_is_there_is_left_alone(tmp_path):
    file = tmp_path / "kept"
    file.write_text("kept")
    with pytest.raises(FileExistsError):
        timing.main(["known", str(file)])
    assert file.read_text() == "kept"
