# SPDX-License-Identifier: Apache-2.0
"""Power against published figures and against simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats import power

RANDOM = np.random.default_rng(8)


def test_power_of_the_t_test_as_tables_have_it():
    # Cohen, Statistical Power Analysis, 2nd edition: d = 0.5 at alpha .05 two-sided takes 64 a
    # group for .80; d = 0.8 takes 26
    assert power.power_for_difference(0.5, math.sqrt(2 / 64), 126, 0.05) == pytest.approx(
        0.80, abs=0.005
    )
    assert power.power_for_difference(0.8, math.sqrt(2 / 26), 50, 0.05) == pytest.approx(
        0.81, abs=0.005
    )


def test_where_nothing_differs_the_t_test_finds_it_at_its_level():
    assert power.power_for_difference(0, 1, 7, 0.05) == pytest.approx(0.05)
    assert power.power_for_difference(0, 1, 7, 0.01) == pytest.approx(0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_of_a_hundred_errors_is_found(sign):
    assert power.power_for_difference(sign * 100, 1, 5, 0.001) == pytest.approx(1)


def test_power_of_two_one_sided_tests_as_published():
    # bioequivalence, 2x2 crossover of 40 subjects, CV 0.30, true ratio 0.95, limits 0.80 to 1.25:
    # 0.8158 (R package PowerTOST, its documentation; the standard error of a crossover of n
    # subjects is s * sqrt(2 / n), with n - 2 degrees)
    deviation = math.sqrt(math.log(1 + 0.30**2))
    found = power.power_for_sameness(
        math.log(0.95), deviation * math.sqrt(2 / 40), 38, math.log(1.25)
    )
    assert found == pytest.approx(0.8158, abs=0.001)


def test_power_of_sameness_is_what_simulation_gives():
    boots, margin, difference = 5, 2.0, 0.7
    old, new = RANDOM.normal(0, 1, (20_000, boots)), RANDOM.normal(difference, 1, (20_000, boots))
    apart, error = new.mean(-1) - old.mean(-1), np.sqrt(
        (old.var(-1, ddof=1) + new.var(-1, ddof=1)) / boots
    )
    reach = stats.t.ppf(0.95, 2 * boots - 2) * error
    share = np.mean((apart - reach > -margin) & (apart + reach < margin))
    assert power.power_for_sameness(
        difference, math.sqrt(2 / boots), 2 * boots - 2, margin
    ) == pytest.approx(share, abs=0.012)
    assert power.power_for_sameness(
        -difference, math.sqrt(2 / boots), 2 * boots - 2, margin
    ) == pytest.approx(share, abs=0.012)


def test_at_the_margin_sameness_is_found_at_its_level():
    assert power.power_for_sameness(1.0, 0.01, 20, 1.0) == pytest.approx(0.05, abs=0.002)


def test_power_of_sameness_is_small_and_not_negative_where_the_error_is_as_large_as_the_margin():
    old, new = RANDOM.normal(0, 1, (50_000, 4)), RANDOM.normal(0, 1, (50_000, 4))
    apart, error = new.mean(-1) - old.mean(-1), np.sqrt(
        (old.var(-1, ddof=1) + new.var(-1, ddof=1)) / 4
    )
    reach = stats.t.ppf(0.95, 6) * error
    margin = math.sqrt(2 / 4)
    share = np.mean((apart - reach > -margin) & (apart + reach < margin))
    assert power.power_for_sameness(0, math.sqrt(2 / 4), 6, margin) == pytest.approx(
        share, abs=0.003
    )


CLOSE_TO_EACH_NUMBER_OF_BOOTS = [(0.0, deviation) for deviation in np.linspace(0.0045, 0.0065, 40)]


@pytest.mark.parametrize(
    ("difference", "deviation"), [(0.02, 0.02), (0.004, 0.02), *CLOSE_TO_EACH_NUMBER_OF_BOOTS]
)
def test_boots_to_resolve_is_the_fewest_that_have_the_power(difference, deviation):
    margin, alpha = 0.01, 0.05 / 12

    def resolved(boots):
        error, degrees = deviation * math.sqrt(2 / boots), 2 * boots - 3
        return (
            max(
                power.power_for_sameness(difference, error, degrees, margin),
                power.power_for_difference(difference, error, degrees, alpha),
            )
            >= 0.8
        )

    boots = power.boots_to_resolve(difference, deviation, margin, alpha)
    assert boots > 4 and resolved(boots) and not resolved(boots - 1)


def test_boots_to_resolve_starts_at_the_fewest_that_have_a_verdict():
    assert power.boots_to_resolve(0.0, 0.0001, 0.01, 0.05) == 4


def test_what_no_campaign_resolves_has_no_number():
    assert power.boots_to_resolve(0.0, 10.0, 0.001, 0.05) is None
