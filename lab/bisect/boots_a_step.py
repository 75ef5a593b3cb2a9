# SPDX-License-Identifier: Apache-2.0
"""How many boots a commit takes where a figure differs from boot to boot, and what the chance is
that a search ends with the wrong commit.

Each end is booted BOOTS_OF_AN_END times. A commit goes with the end whose mean is nearer. Its own
mean, of n boots, is expected at the mean of its end, with a standard deviation of
s * sqrt(1 / n + 1 / BOOTS_OF_AN_END) and Student's t of as many degrees of freedom as s has: the
usual prediction interval for the mean of further samples. s is pooled over both ends. As a search
begins where the ends seem far enough apart, their distance is taken at its lower limit.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

BOOTS_OF_AN_END = 10
# A figure that would take more is not fit for a search: the ends are hardly told apart.
MOST_BOOTS = 6
# The greatest chance that any step of a search goes the wrong way.
WRONG = 0.01
# Of the distance of the ends: by a one-sided limit.
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Effort:
    """What a search by figures that differ takes."""

    boots: int  # a commit
    wrong: float  # the chance that one of the steps goes the wrong way
    deviation: float  # of one boot's figure
    freedom: int  # degrees of freedom of the deviation

    def interval(self, old: int, new: int) -> float:
        """Half of the 95 % interval of the difference of two means, of old and new boots."""
        quantile = special.stdtrit(self.freedom, 0.975)
        return float(quantile * self.deviation * np.sqrt(1 / old + 1 / new))


def effort(good: list[float], bad: list[float], steps: int) -> Effort | None:
    """The fewest boots a commit with a chance of WRONG at most; None: it would be more than
    MOST_BOOTS.

    good, bad: the figures of each end's boots, two at least; steps: how many commits are looked at.
    """
    freedom = len(good) + len(bad) - 2
    squares = sum(float(np.var(figures)) * len(figures) for figures in (good, bad))
    deviation = float(np.sqrt(squares / freedom))
    limit = special.stdtrit(freedom, _CONFIDENCE)
    apart = abs(float(np.mean(bad) - np.mean(good)))
    apart -= limit * deviation * np.sqrt(1 / len(good) + 1 / len(bad))
    for boots in range(1, MOST_BOOTS + 1):
        error = deviation * np.sqrt(1 / boots + 1 / min(len(good), len(bad)))
        wrong = steps * float(special.stdtr(freedom, -apart / 2 / error)) if error else 0.0
        if apart > 0 and wrong <= WRONG:
            return Effort(boots, wrong, deviation, freedom)
    return None
