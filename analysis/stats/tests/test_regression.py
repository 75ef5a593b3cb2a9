# SPDX-License-Identifier: Apache-2.0
"""The model against numpy's least squares, scipy's t test, and what an exchange of sides has to do.
"""

import numpy as np
import pytest
from scipy import stats

from analysis.stats import regression

RANDOM = np.random.default_rng(6)


def by_matrix(old, new, old_slots, new_slots):
    """Ordinary least squares as in any textbook: estimates and standard errors of constant,
    difference and slope.
    """
    values = np.concatenate([old, new])
    design = np.column_stack(
        [
            np.ones(len(values)),
            np.r_[np.zeros(len(old)), np.ones(len(new))],
            np.concatenate([old_slots, new_slots]),
        ]
    )
    estimates, residual, *_ = np.linalg.lstsq(design, values, rcond=None)
    degrees = len(values) - 3
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * residual[0] / degrees)
    return estimates, errors, degrees


@pytest.mark.parametrize("sizes", [(4, 4), (6, 9), (20, 10)])
def test_it_is_the_least_squares_fit_of_side_and_slot(sizes):
    slots = RANDOM.permutation(sum(sizes)).astype(float)
    old_slots, new_slots = slots[: sizes[0]], slots[sizes[0] :]
    old = RANDOM.normal(10, 1, sizes[0]) + 0.3 * old_slots
    new = RANDOM.normal(11, 1, sizes[1]) + 0.3 * new_slots
    fit = regression.fit(old, new, old_slots, new_slots)
    (_, difference, slope), (_, difference_error, slope_error), degrees = by_matrix(
        old, new, old_slots, new_slots
    )
    assert fit.degrees == degrees
    assert [fit.difference, fit.slope] == pytest.approx([difference, slope])
    assert [fit.standard_error, fit.slope_standard_error] == pytest.approx(
        [difference_error, slope_error]
    )
    assert fit.p() == pytest.approx(2 * stats.t.sf(abs(difference / difference_error), degrees))
    assert fit.slope_p() == pytest.approx(2 * stats.t.sf(abs(slope / slope_error), degrees))
    reach = stats.t.ppf(0.95, degrees) * difference_error
    assert fit.interval(0.90) == pytest.approx((difference - reach, difference + reach))


def test_without_slots_it_is_the_t_test_of_two_samples():
    old, new = RANDOM.normal(0, 1, 7), RANDOM.normal(1, 1, 5)
    fit = regression.fit(old, new)
    expected = stats.ttest_ind(new, old)
    assert fit.p() == pytest.approx(expected.pvalue)
    assert fit.difference / fit.standard_error == pytest.approx(expected.statistic)
    assert fit.degrees == 10 and fit.slope is None


def test_a_steady_drift_changes_nothing_but_the_slope():
    slots = np.arange(12.0)
    old, new = RANDOM.normal(size=6), RANDOM.normal(size=6)
    still = regression.fit(old, new, slots[::2], slots[1::2])
    drifting = regression.fit(old + 5 * slots[::2], new + 5 * slots[1::2], slots[::2], slots[1::2])
    assert drifting.difference == pytest.approx(still.difference)
    assert drifting.standard_error == pytest.approx(still.standard_error)
    assert drifting.slope == pytest.approx(still.slope + 5)


def test_values_without_drift_are_those_of_the_middle_of_the_campaign():
    slots = np.arange(8.0)
    fit = regression.fit(7 + slots[::2], 9 + slots[1::2], slots[::2], slots[1::2])
    old, new = fit.without_drift(7 + slots[::2], 9 + slots[1::2], slots[::2], slots[1::2])
    assert old == pytest.approx([10.5] * 4) and new == pytest.approx([12.5] * 4)


def test_the_deviation_of_boots_is_that_of_the_residuals():
    slots = np.arange(8.0)
    old, new = RANDOM.normal(size=5), RANDOM.normal(size=3)
    fit = regression.fit(old, new, slots[:5], slots[5:])
    _, residual, *_ = np.linalg.lstsq(
        np.column_stack([np.ones(8), slots > 4, slots]), np.r_[old, new], rcond=None
    )
    assert fit.deviation(5, 3) == pytest.approx(np.sqrt(residual[0] / 5))


def test_the_slot_term_widens_by_how_far_the_sides_are_apart_in_time():
    slots = np.arange(8.0)
    old, new = RANDOM.normal(size=4), RANDOM.normal(size=4)
    assert regression.fit(old, new, slots[[0, 3, 4, 7]], slots[[1, 2, 5, 6]]).widening == 0
    # all of one side first: the variance is four times 1/4 + 1/4 of a boot's, less what 2/64 boots
    # would have added
    assert regression.fit(old, new, slots[:4], slots[4:]).widening == pytest.approx(
        4**2 / 10 / (1 / 4 + 1 / 4)
    )


def test_an_exchange_of_sides_changes_the_sign_and_no_digit():
    slots = RANDOM.permutation(9).astype(float)
    old, new = RANDOM.normal(size=4), RANDOM.normal(size=5)
    one, other = regression.fit(old, new, slots[:4], slots[4:]), regression.fit(
        new, old, slots[4:], slots[:4]
    )
    assert one.difference == -other.difference
    assert one.standard_error == other.standard_error and one.p() == other.p()


def test_many_comparisons_are_fitted_at_once():
    old, new = RANDOM.normal(size=(3, 2, 4)), RANDOM.normal(size=(3, 2, 5))
    slots = RANDOM.permutation(9).astype(float)
    together = regression.fit(old, new, slots[:4], slots[4:])
    alone = regression.fit(old[2, 1], new[2, 1], slots[:4], slots[4:])
    assert together.difference.shape == (3, 2)
    assert together.difference[2, 1] == pytest.approx(alone.difference)
    assert together.p()[2, 1] == pytest.approx(alone.p())


def test_without_any_spread_equal_is_certain_and_unequal_is_certain():
    assert regression.fit(np.full(4, 2.0), np.full(4, 2.0)).p() == 1
    assert regression.fit(np.full(4, 2.0), np.full(4, 3.0)).p() == 0
