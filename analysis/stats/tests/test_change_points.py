# SPDX-License-Identifier: Apache-2.0
"""Where a level moved: by counting orders, and in histories whose changes are known."""

from itertools import permutations
from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from analysis.stats import change_points
from analysis.studies import clean_histories


def history(count: int, seed: int, *steps: tuple[int, float], spread: float = 0.005) -> np.ndarray:
    """Normal noise, and from each of these places on so much more."""
    figures = np.random.default_rng(seed).normal(0, spread, count)
    for place, size in steps:
        figures[place:] += size
    return figures


@pytest.mark.parametrize("count", [24, 40, 300, 3000])
def test_a_step_of_three_percent_is_found_once_where_it_is(count):
    found = [
        change_points.find_changes(history(count, seed, (count // 2, 0.03))) for seed in range(20)
    ]
    assert all(len(changes) == 1 for changes in found)
    assert all(abs(changes[0].place - count // 2) <= 1 for changes in found)
    assert np.mean([changes[0].difference for changes in found]) == pytest.approx(0.03, abs=0.002)
    covered = [changes[0].interval.low < 0.03 < changes[0].interval.high for changes in found]
    assert sum(covered) >= 13  # of 20 at 90 %, all but surely


def test_the_last_few_figures_are_enough_where_the_past_is_long():
    """In the newest figures, where one looks."""
    found = [change_points.find_changes(history(1000, seed, (995, 0.03))) for seed in range(20)]
    assert sum(len(changes) == 1 and changes[0].place == 995 for changes in found) >= 18


def test_what_went_away_again_is_two_changes_and_steps_are_found_one_inside_the_other():
    changes = change_points.find_changes(history(160, 1, (40, 0.03), (80, -0.03)))
    assert [change.place for change in changes] == [40, 80]
    assert changes[0].difference == pytest.approx(-changes[1].difference, abs=0.004)
    places = [
        one.place for one in change_points.find_changes(history(90, 2, (30, 0.03), (60, 0.03)))
    ]
    assert places == [30, 60]


def test_a_change_has_the_sign_of_what_came_after():
    (up,) = change_points.find_changes(history(60, 3, (30, 0.03)))
    (down,) = change_points.find_changes(-history(60, 3, (30, 0.03)))
    assert up.difference == pytest.approx(-down.difference) and up.difference > 0


def test_ranks_decide_and_so_neither_unit_nor_outlier_does():
    figures = history(100, 4, (50, 0.03))
    assert [one.place for one in change_points.find_changes(1000 * np.exp(3 * figures))] == [50]
    figures[[10, 70]] += 5
    assert [one.place for one in change_points.find_changes(figures)] == [50]
    alone = history(100, 5)
    alone[60] += 100
    assert change_points.find_changes(alone) == []


@pytest.mark.parametrize(
    "figures", [np.full(200, 5.0), np.zeros(50), np.array([]), np.arange(19.0)]
)
def test_equal_figures_and_few_ones_have_no_change(figures):
    assert change_points.find_changes(figures) == []


def test_fewest_is_where_an_order_of_ranks_can_be_rare_enough():
    def least_p(count: int) -> float:
        """Of the most striking order: all low ones first, or last."""
        return 2 / comb(count, count // 2)

    fewest = change_points.FEWEST
    assert least_p(fewest - 2) > change_points.LEVEL > least_p(fewest)
    striking = change_points.largest_statistics(np.arange(fewest, dtype=float)[None])
    assert striking[0] > change_points.critical_value(fewest)


def test_the_statistic_is_what_its_formula_says():
    figures = np.array([3.0, 1.0, 2.0, 9.0, 8.0, 7.0])
    scores = change_points._scores(figures)
    orders = np.array(list(permutations(scores)))
    for place, statistic in enumerate(change_points._statistics(scores[None])[0], 2):
        # of all orders alike: mean 0, and this deviation
        sums = orders[:, :place].sum(1)
        assert statistic == pytest.approx(abs(scores[:place].sum()) / sums.std())


@pytest.mark.parametrize("count", [20, 27, 60, 120, 250])
def test_a_critical_value_keeps_its_level_and_is_no_larger_than_it_has_to_be(count):
    orders = np.random.default_rng(9).random((40_000, count))
    largest = np.sort(change_points.largest_statistics(orders))
    value = change_points.critical_value(count)
    assert (largest > value).sum() <= binom.isf(0.001, len(orders), change_points.LEVEL)
    assert largest[-40] < value < largest[-40] * 1.3  # that of 0.1 %
    assert value <= change_points.critical_value_of_limit(count)


def test_critical_values_rise_with_the_number_of_figures():
    values = [change_points.critical_value(count) for count in range(change_points.FEWEST, 3000)]
    assert all(one <= other for one, other in zip(values, values[1:]))


def test_looking_after_each_figure_marks_hardly_any_clean_history():
    histories, numbers = 4000, (40, 80)
    marked = clean_histories.ever_marked(histories, numbers, seed=5)
    assert marked[0] <= marked[1] <= binom.isf(0.001, histories, change_points.MARKED_EVER)


def test_a_history_that_grows_is_marked_as_one_that_is_given_whole():
    """The study's way to say so, and that of the command."""
    figures = history(60, 8, (40, 0.03))
    first = next(
        count
        for count in range(change_points.FEWEST, 61)
        if change_points.largest_statistics(figures[None, :count])
        > change_points.critical_value(count)
    )
    assert change_points.find_changes(figures[:first])
    assert not change_points.find_changes(figures[: first - 1])
    assert 43 <= first <= 50


@pytest.mark.parametrize(("marked", "is_broken"), [(45, False), (60, True)])
def test_the_study_ends_with_1_only_where_the_promise_is_broken_for_certain(marked, is_broken):
    assert clean_histories.broken(marked, 30_000) == is_broken


def test_the_study_draws_the_critical_values_that_are_used():
    drawn = clean_histories.draw_critical_value(25, 400_000, seed=3)
    assert drawn == pytest.approx(change_points.critical_value(25), abs=0.12)


def test_a_change_as_large_as_is_said_is_found_in_about_half_of_histories():
    smallest = change_points.smallest_marked(history(90, 6))
    lasting = change_points.LASTING

    def found(size: float) -> float:
        histories = [history(90 + lasting, seed, (90, size)) for seed in range(200)]
        return float(np.mean([bool(change_points.find_changes(one)) for one in histories]))

    assert found(0.6 * smallest) < 0.3 < found(smallest) and found(1.6 * smallest) > 0.8


@pytest.mark.parametrize(("count", "is_known"), [(9, False), (12, False), (20, True)])
def test_of_few_figures_nothing_is_said_of_what_would_be_marked(count, is_known):
    assert (change_points.smallest_marked(history(count, 7)) is not None) == is_known
