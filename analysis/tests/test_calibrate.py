# SPDX-License-Identifier: Apache-2.0
"""A part of the calibration, and that it would notice a method that is wrong."""

from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest

from analysis.data.bad_data import BadData
from analysis.stats import randomisation, verdict
from analysis.studies import calibrate, calibration, simulate
from analysis.studies.calibration import Cell, run_cell
from analysis.studies.simulate import Setting

pytestmark = pytest.mark.program

GOOD = Cell(
    shape="normal",
    pairs=10,
    cases=12,
    campaigns=2000,
    seed=1,
    false_alarms=0.05,
    not_covered=0.05,
    false_same=0.05,
    wrong_direction=0.025,
    at_the_margin=0.05,
    slower=0.99,
    same=0.95,
)
CELLS = 1600 // len(calibration.MOST)


@pytest.mark.parametrize("name", ["false_alarms", "not_covered", "false_same", "at_the_margin"])
def test_a_limit_is_broken_where_its_bound_excludes_it(name):
    """7.1 % of 2,000 campaigns, by the normal approximation for 1,600 limits."""
    assert GOOD.broken(CELLS) == []
    assert replace(GOOD, **{name: 0.070}).broken(CELLS) == []
    assert replace(GOOD, **{name: 0.078}).broken(CELLS) == [name]
    assert replace(GOOD, **{name: 0.078}, campaigns=200).broken(CELLS) == []


def test_a_wrong_direction_has_a_limit_of_its_own():
    assert replace(GOOD, wrong_direction=0.045).broken(CELLS) == ["wrong_direction"]


@pytest.mark.parametrize("shape", simulate.SHAPES)
def test_no_noise_breaks_a_limit_in_a_few_campaigns(shape):
    assert run_cell(Setting(shape, 8, 3), 150).broken(CELLS) == []


def test_what_was_found_before_is_found():
    """Power of the method as it was simulated when it was chosen, less three standard errors."""
    for shape, pairs, least in (
        ("normal", 10, 0.99),
        ("slow-boots", 10, 0.74 - 0.08),
        ("step-40", 10, 0.95),
        ("normal", 8, 0.94),
    ):
        assert run_cell(Setting(shape, pairs, 12), 300).slower >= least
    assert run_cell(Setting("normal", 10, 12), 300).same >= 0.95 - 0.04


def test_without_the_guard_directions_are_taken_for_each_other(monkeypatch):
    cell = Setting("in-phase", 10, 12)
    assert run_cell(cell, 400).wrong_direction <= 0.025
    judge = calibration.judge

    def unguarded(evidence):
        free = replace(evidence, low=np.full(12, 1.0), high=np.full(12, -1.0))
        return replace(judge(free), inside=judge(evidence).inside)

    monkeypatch.setattr(calibration, "judge", unguarded)
    guarded = run_cell(cell, 400)
    assert guarded.wrong_direction > 0


def test_a_level_that_is_not_kept_is_noticed(monkeypatch):
    monkeypatch.setattr(randomisation, "step_down", lambda statistics: _alone(statistics))
    assert "false_alarms" in run_cell(Setting("normal", 8, 12), 200).broken(CELLS)


def _alone(statistics: np.ndarray) -> np.ndarray:
    """p of each case by itself."""
    return (statistics >= statistics[:, :1] - 1e-9).mean(1)


def test_an_interval_that_is_too_narrow_is_noticed(monkeypatch):
    monkeypatch.setattr("analysis.stats.judges.CONFIDENCE", 0.7)
    assert "not_covered" in run_cell(Setting("normal", 8, 1), 200).broken(CELLS)


def test_a_same_that_forgets_the_interval_is_noticed(monkeypatch):
    monkeypatch.setattr("analysis.stats.judges.SAME_CONFIDENCE", 0.3)
    assert "false_same" in run_cell(Setting("normal", 8, 1), 200).broken(CELLS)


@pytest.mark.parametrize("shape", simulate.SHAPES)
def test_the_coin_makes_differences_symmetric(shape):
    """Without it a drift would be a change, and no noise moves the middle."""
    found = simulate.differences(Setting(shape, 10, 2), 400, np.random.default_rng(1))
    signs = np.sign(np.nansum(np.sign(found), axis=-1))[:, 0]
    assert abs(signs.mean()) < 4 / np.sqrt(len(signs))


def test_cells_do_not_hang_on_each_other_and_repeat():
    setting = Setting("normal", 6, 2)
    first = run_cell(setting, 50)
    run_cell(Setting("t2", 6, 2), 50)
    assert run_cell(setting, 50) == first != run_cell(setting, 50, seed=2)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    few = [(Setting(shape, 6, 1), 20) for shape in ("normal", "t2")]
    monkeypatch.setattr(calibrate, "settings", lambda: few)
    return Namespace(quick=False, cells="", seed=1, jobs=1, out=tmp_path)


def test_cells_are_kept_and_only_the_others_are_made(asked, monkeypatch, capsys):
    assert calibrate.calibrate(Namespace(**vars(asked) | {"cells": "t2"})) == 0
    assert "1 of 2 cells; 0 break a limit" in capsys.readouterr().out
    kept = asked.out / calibrate.KEPT
    before = kept.read_text()
    kept.write_text(before + '{"shape": "nor')  # it was ended in the middle of a line
    assert calibrate.calibrate(asked) == 0
    lines = kept.read_text().splitlines()
    assert lines[0] == before.strip() and len(lines) == 3 and '"normal"' in lines[2]
    table = (asked.out / calibrate.TABLE).read_text().splitlines()
    assert [line.split(" | ")[2] for line in table[4:]] == ["normal", "t2"]
    assert calibrate.calibrate(asked) == 0 and kept.read_text().splitlines() == lines


def test_words_that_no_cell_has_are_an_error(asked):
    asked.cells = "pairs=10,nope"
    with pytest.raises(BadData, match="--cells pairs=10,nope: no cell has all of these"):
        calibrate.calibrate(asked)


def test_a_broken_limit_is_an_exit_code(asked, monkeypatch, capsys):
    calibrate.calibrate(asked)
    monkeypatch.setitem(calibration.MOST, "false_same", -1.0)
    monkeypatch.setattr(Cell, "broken", lambda cell, cells: ["false_same"])
    assert calibrate.calibrate(asked) == 1
    assert "2 break a limit" in capsys.readouterr().out


def test_quick_is_ten_cells_and_keeps_nothing(asked, monkeypatch, tmp_path):
    assert len(calibration.QUICK) == 10
    monkeypatch.setattr(calibrate, "QUICK", calibration.QUICK[:1])
    monkeypatch.setattr(calibrate, "CAMPAIGNS", 40)
    calibrate.calibrate(Namespace(**vars(asked) | {"quick": True}))
    assert not (asked.out / calibrate.KEPT).exists()


def test_all_cells_are_named_once():
    cells = calibration.settings()
    assert len(set(cells)) == len(cells) == len(simulate.SHAPES) * 8 + 6 * 4


def test_the_margin_is_the_product_s():
    assert np.isclose(calibration.MARGIN, np.log1p(verdict.MARGIN_SHARE))
