# SPDX-License-Identifier: Apache-2.0
"""Figures as people write them."""

import pytest

from formats.figures import to_digits


@pytest.mark.parametrize(
    "value, digits, text",
    [
        (5.0, 4, "5"),
        (0.0, 4, "0"),
        (106.5, 4, "106.5"),
        (999.96, 4, "1000"),
        (1234.5, 4, "1,234"),
        (29330065.629, 6, "29,330,066"),
        (2395.864, 6, "2395.86"),
        (-1.5, 4, "-1.5"),
        (1e-09, 4, "0.000000001"),
        (0.000123456, 3, "0.000123"),
        (float("inf"), 4, "inf"),
    ],
)
def test_a_figure_has_its_digits_and_no_exponent(value, digits, text):
    assert to_digits(value, digits) == text
