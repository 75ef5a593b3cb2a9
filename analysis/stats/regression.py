# SPDX-License-Identifier: Apache-2.0
"""The difference of two sides, with the order in which their boots were made taken out.

value = constant + difference * (is new) + slope * slot + noise, by least squares (the analysis of
covariance with one covariate: Montgomery, Design and Analysis of Experiments, 15.3). The slope
takes up a steady drift.
In blocks ABBA the sides' mean slots are the same, and a drift that is not steady, too, moves both
alike. Written out rather
than solved as a matrix, because then each step is odd or even in the exchange of the sides, and an
exchange changes
the sign of the result and not one digit of it.

Arrays have boots on the last axis; what is before it are independent comparisons, fitted at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special


@dataclass(frozen=True)
class Fit:
    """Estimates, of the shape that the arrays had before their last axis."""

    difference: NDArray[np.float64]  # new - old, at the same slot
    standard_error: NDArray[np.float64]
    degrees: int  # of freedom
    slope: NDArray[np.float64] | None = None  # a slot; None: no order known
    slope_standard_error: NDArray[np.float64] | None = None
    widening: NDArray[
        np.float64
    ] | float = (
        0.0  # of the difference's variance by the slope term, as a share; 0 for sides made in turn
    )

    def interval(self, confidence: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Two-sided t interval of the difference."""
        reach = special.stdtrit(self.degrees, (1 + confidence) / 2) * self.standard_error
        return self.difference - reach, self.difference + reach

    def p(self) -> NDArray[np.float64]:
        """Two-sided p of no difference: below 1 - confidence exactly where interval(confidence)
        excludes 0.
        """
        return _two_sided_p(self.difference, self.standard_error, self.degrees)

    def deviation(self, old_boots: int, new_boots: int) -> NDArray[np.float64]:
        """Standard deviation of boots around the model."""
        share = (1 / old_boots + 1 / new_boots) * (1 + self.widening)
        deviation: NDArray[np.float64] = self.standard_error / np.sqrt(share)
        return deviation

    def without_drift(
        self,
        old: NDArray[np.float64],
        new: NDArray[np.float64],
        old_slots: NDArray[np.float64] | None,
        new_slots: NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values as they would be, had all been made in the middle of the campaign; of one
        comparison.
        """
        if self.slope is None or old_slots is None or new_slots is None:
            return old, new
        middle = np.concatenate([old_slots, new_slots]).mean()
        return old - self.slope * (old_slots - middle), new - self.slope * (new_slots - middle)

    def slope_p(self) -> NDArray[np.float64]:
        """Two-sided p of no drift; an order is known."""
        assert self.slope is not None and self.slope_standard_error is not None
        return _two_sided_p(self.slope, self.slope_standard_error, self.degrees)


def fit(
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    old_slots: NDArray[np.float64] | None = None,
    new_slots: NDArray[np.float64] | None = None,
) -> Fit:
    """Fits (..., n_old) and (..., n_new) values. Without slots it is the two-sample t test with one
    variance.
    """
    old_centre, new_centre = old.mean(-1), new.mean(-1)
    old_rest, new_rest = old - old_centre[..., None], new - new_centre[..., None]
    squares = _sum(old_rest**2) + _sum(new_rest**2)
    share = 1 / old.shape[-1] + 1 / new.shape[-1]
    degrees = old.shape[-1] + new.shape[-1] - 2
    if old_slots is None or new_slots is None:
        return Fit(new_centre - old_centre, np.sqrt(squares / degrees * share), degrees)
    old_middle, new_middle = old_slots.mean(-1), new_slots.mean(-1)
    old_place, new_place = old_slots - old_middle[..., None], new_slots - new_middle[..., None]
    apart = new_middle - old_middle
    spread = _sum(old_place**2) + _sum(new_place**2)
    slope = (_sum(old_place * old_rest) + _sum(new_place * new_rest)) / spread
    # what is left of each value, not a difference of sums: that would lose what a steep drift
    # leaves
    left = _sum((old_rest - slope[..., None] * old_place) ** 2) + _sum(
        (new_rest - slope[..., None] * new_place) ** 2
    )
    variance = left / (degrees - 1)
    return Fit(
        difference=new_centre - old_centre - slope * apart,
        standard_error=np.sqrt(variance * (share + apart**2 / spread)),
        degrees=degrees - 1,
        slope=slope,
        slope_standard_error=np.sqrt(variance / spread),
        widening=apart**2 / spread / share,
    )


def _sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = values.sum(-1)
    return total


def _two_sided_p(
    estimate: NDArray[np.float64], standard_error: NDArray[np.float64], degrees: int
) -> NDArray[np.float64]:
    """Two-sided p of a t test. Without any spread, p is 1 for no difference, and 0 for another."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(estimate) / np.asarray(standard_error)
    p: NDArray[np.float64] = 2 * special.stdtr(degrees, -np.where(np.isnan(t), 0, t))
    return p
