# SPDX-License-Identifier: Apache-2.0
"""Figures as people write them."""

import math


def to_digits(value: float, digits: int = 4) -> str:
    """A figure to so many digits, and whole where it has more before the point: thousands apart,
    without zeros at the end, and never with an exponent.
    """
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
