# SPDX-License-Identifier: Apache-2.0
"""The study of campaigns that are looked at several times, and of gates."""

import re
from dataclasses import replace

import numpy as np
import pytest

from analysis.stats.verdict import ALPHA, Words, judge
from analysis.studies import calibrate, several_looks
from formats.campaign_format import LOOKS

pytestmark = pytest.mark.program


def test_looks_that_share_the_level_keep_it():
    line = several_looks.simulate("normal", 200, seed=3)
    assert not line.is_broken(1)
    assert min(LOOKS) <= line.pairs <= max(LOOKS)


def test_looks_that_have_all_of_it_each_do_not(monkeypatch):
    monkeypatch.setattr(several_looks, "LOOKS", dict.fromkeys(LOOKS, 0.05))
    assert several_looks.simulate("mode-0.3", 150, seed=3).is_broken(1)


def test_a_gate_that_is_red_inside_the_margin_is_noticed(monkeypatch):
    def too_eager(evidence, alpha=ALPHA) -> Words:
        """Takes a difference for a change."""
        words = judge(evidence, alpha)
        return replace(words, slower=words.differs & (evidence.estimate > 0))

    monkeypatch.setattr(several_looks, "judge", too_eager)
    assert several_looks.simulate("normal", 100, seed=3).is_broken(1)


@pytest.mark.parametrize("counts, is_broken", [((120, 20, 100), False), ((100, 60, 100), True)])
def test_a_line_breaks_a_limit_when_chance_does_not_explain_it(counts, is_broken):
    alarms, red, at_margin = counts
    line = several_looks.Line("normal", 2000, alarms, 9.0, red, at_margin)
    assert line.is_broken(6) == is_broken


def test_a_campaign_is_looked_at_until_each_case_has_a_verdict():
    quiet = np.random.default_rng(1).normal(0, 1e-5, (3, 20))
    assert several_looks.look_until_resolved(quiet) == (False, min(LOOKS))
    loud = np.random.default_rng(1).normal(0, 0.2, (3, 20))
    assert several_looks.look_until_resolved(loud)[1] == max(LOOKS)


def test_the_page_that_is_kept_has_the_studys_noises():
    page = calibrate.FOLDER / "looks.md"
    assert re.findall(r"^\| ([a-z0-9.-]+) \| 2000", page.read_text(), re.MULTILINE) == list(
        several_looks.NOISES
    )
