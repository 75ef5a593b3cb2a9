# SPDX-License-Identifier: Apache-2.0
"""The randomisation test against an independent implementation, and against counting by hand."""

import warnings
from itertools import product

import numpy as np
import pytest

from analysis.stats import randomisation
from analysis.stats.tests import reference_method

pytestmark = pytest.mark.program

NOISES = {
    "normal": lambda chooser, shape: chooser.normal(0, 0.007, shape),
    "heavy tails": lambda chooser, shape: 0.007 * chooser.standard_t(2, shape),
    "two values": lambda chooser, shape: 0.01 * chooser.integers(0, 2, shape),
    "ties and zeros": lambda chooser, shape: np.round(chooser.normal(0, 0.01, shape), 2),
    "outliers": lambda chooser, shape: chooser.normal(0, 0.005, shape)
    + 0.15 * (chooser.random(shape) < 0.1),
}


def campaign(number: int, pairs: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Differences and margins, of another noise each."""
    chooser = np.random.default_rng([8, number])
    shape = chooser.integers(1, 25), chooser.integers(*pairs, endpoint=True)
    noise = list(NOISES.values())[number % len(NOISES)]
    differences = noise(chooser, shape) + chooser.choice([0, 0.01, 0.03], (shape[0], 1))
    return differences, chooser.choice([0.01, 0.02, 0.05], shape[0])


def p_by_reference(differences, margin, flips) -> list[np.ndarray]:
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return list(reference_method.changed(differences, margin, flips))


@pytest.mark.parametrize("block", range(10))
def test_p_is_that_of_the_reference_in_a_thousand_campaigns(block):
    for number in range(100 * block, 100 * (block + 1)):
        differences, margin = campaign(number, (6, 14))
        flips = reference_method.all_flips(differences.shape[1], None)
        wanted = p_by_reference(differences, margin, flips)
        found = randomisation.changes(differences, margin)
        np.testing.assert_allclose([found.worse, found.better, found.differs], wanted, atol=1e-12)


def test_with_the_same_drawn_flips_p_is_that_of_the_reference_beyond():
    for number in range(20):
        differences, margin = campaign(number, (15, 24))
        flips = reference_method.all_flips(differences.shape[1], np.random.default_rng(number))
        wanted = p_by_reference(differences, margin, flips)
        found = randomisation.changes(differences, margin, flips.astype(float))
        np.testing.assert_allclose([found.worse, found.better, found.differs], wanted, atol=1e-12)


@pytest.mark.parametrize("pairs", [1, 2, 6, 10])
def test_all_vectors_of_signs_are_there_once(pairs):
    signs = randomisation.sign_vectors(pairs)
    assert sorted(map(tuple, signs)) == sorted(product((-1, 1), repeat=pairs))
    assert (signs[0] == 1).all()


def test_drawn_vectors_count_what_was_measured_and_are_the_same_each_time():
    signs = randomisation.sign_vectors(15)
    assert signs.shape == (randomisation.DRAWN, 15) and (signs[0] == 1).all()
    assert (signs[len(signs) // 2 :] == -signs[: len(signs) // 2]).all()
    assert (signs == randomisation.sign_vectors(15)).all()
    assert abs(signs[1 : len(signs) // 2].mean()) < 0.02


def test_a_score_rises_falls_and_stays():
    # the median distance is 2
    (found,) = randomisation.scores(np.array([[-1.0, 2, 2, 2, 3, -3.5, 4, -40]]))
    weights = np.array([-0.5, 1, 1, 1, 1.5, -0.8, 0.1, -0.1])
    # of eight distances the median is (2 + 3) / 2
    (even,) = randomisation.scores(np.array([[1.0, 2, 3, 4]]))
    assert np.allclose(even / even[0], np.array([0.4, 0.8, 1.2, 1.22]) / 0.4)
    (odd,) = randomisation.scores(
        np.array([[-1.0, 2, 2, 2, 3, -3.5, 4, -40, 0]])[:, [0, 1, 2, 4, 7, 8, 3]]
    )
    assert np.allclose(np.abs(odd[[0, 1, 2, 6]] / odd[1]), [0.5, 1, 1, 1]) and odd[5] == 0
    assert np.isclose((found**2).sum(), 1) and np.isclose((weights**2).sum() > 0, True)


def test_a_pair_without_a_figure_counts_for_nothing():
    with_gap = np.array([[0.03, np.nan, 0.031, 0.029, 0.033, 0.03, 0.028]])
    (gap,) = randomisation.scores(with_gap)
    (kept,) = randomisation.scores(with_gap[:, [0, 2, 3, 4, 5, 6]])
    assert gap[1] == 0 and np.allclose(gap[[0, 2, 3, 4, 5, 6]], kept)
    margin = np.array([0.01])
    for name in ("worse", "better", "differs", "alone"):
        assert getattr(randomisation.changes(with_gap, margin), name) == getattr(
            randomisation.changes(with_gap[:, [0, 2, 3, 4, 5, 6]], margin), name
        )


def test_p_of_a_case_by_itself_is_counted_by_hand():
    differences = np.array([[0.01, 0.02, 0.03, -0.01, 0.015, 0.02]])
    weights = randomisation.scores(differences)[0]
    seen = abs(weights.sum())
    extreme = [
        abs(np.dot(np.abs(weights), signs)) >= seen - 1e-9 for signs in product((-1, 1), repeat=6)
    ]
    found = randomisation.changes(differences, np.array([0.01]))
    assert found.alone[0] == np.mean(extreme)


def test_a_difference_that_is_the_margin_is_not_beyond_it():
    """Boots that all agree, one whole cycle apart: the last bit decides nothing."""
    for cycles in range(20, 101):
        margin = np.array([np.log1p(1 / cycles)])
        differences = np.full((1, 10), np.log(cycles + 1) - np.log(cycles))
        found = randomisation.changes(differences, margin)
        assert found.worse[0] == 1 and found.differs[0] == 2 / 1024
        assert randomisation.changes(differences * 1.001, margin).worse[0] == 2 / 1024


@pytest.mark.parametrize("margin", [0.0099, 0.0488, 1.0, 250.0])
@pytest.mark.parametrize(("further", "p"), [(5e-10, 1), (2e-9, 2 / 1024)])
def test_a_difference_from_the_margin_below_a_billionth_of_it_is_none(margin, further, p):
    """In logarithms as in units: figures carry rounding errors of their own size."""
    for direction, name in ((1, "worse"), (-1, "better")):
        differences = np.full((1, 10), direction * margin * (1 + further))
        found = randomisation.changes(differences, np.array([margin]))
        assert getattr(found, name)[0] == p


def test_pairs_far_from_the_others_are_counted():
    far = np.array([[1.0, 1, 1, 1, 1, 1, 2, -2.1], [1.0, 1, 1, 1, 1, 1, 1, 1.9], [0.0] * 8])
    assert list(randomisation.weak_pairs(far)) == [2, 0, 0]
