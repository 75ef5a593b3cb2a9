# SPDX-License-Identifier: Apache-2.0
"""How likely a verdict is at so many boots a side, and how many would bring one about."""

import numpy as np
from scipy import special

# What "would resolve it" promises: a verdict in four campaigns of five.
POWER = 0.8
# No campaign has more boots a side than this.
MOST_BOOTS = 10_000
# Points at which the distribution of the estimated variance is taken; more change no digit that is
# shown.
_POINTS = 200


def power_for_difference(
    difference: float, standard_error: float, degrees: float, alpha: float
) -> float:
    """Probability that a two-sided t test at alpha finds a true difference: noncentral t, both
    tails.
    """
    critical = special.stdtrit(degrees, 1 - alpha / 2)
    shift = difference / standard_error
    return float(
        _noncentral_sf(critical, degrees, shift) + _noncentral_sf(critical, degrees, -shift)
    )


def _noncentral_sf(critical: float, degrees: float, shift: float) -> float:
    # the library's loses its way far out, where the answer is 0 or 1 to all digits
    if shift > critical + 30:
        return 1.0
    if shift < -10:
        return 0.0
    return float(1 - special.nctdtr(degrees, shift, critical))


def power_for_sameness(
    difference: float, standard_error: float, degrees: float, margin: float, alpha: float = 0.05
) -> float:
    """Probability that two one-sided t tests at alpha (the 1 - 2 alpha interval inside +-margin)
    show a true difference to be within the margin (Schuirmann, Journal of Pharmacokinetics and
    Biopharmaceutics 15, 1987,
    657-680).
    """
    share = (np.arange(_POINTS) + 0.5) / _POINTS
    estimated = np.sqrt(special.chdtri(degrees, share) / degrees)  # of the true standard error
    room = margin - special.stdtrit(degrees, 1 - alpha) * standard_error * estimated
    inside = special.ndtr((room - difference) / standard_error) - special.ndtr(
        (-room - difference) / standard_error
    )
    return float(np.mean(np.where(room > 0, inside, 0)))


def boots_to_resolve(
    difference: float, deviation: float, margin: float, alpha: float
) -> int | None:
    """Boots a side at which a difference like the one seen, between boots that deviate like those
    seen, is called one thing or the other with POWER: `same` by margin, or a change at alpha. None:
    more than MOST_BOOTS."""

    def resolved(boots: int) -> bool:
        standard_error, degrees = deviation * np.sqrt(2 / boots), 2 * boots - 3
        return (
            max(
                power_for_sameness(difference, standard_error, degrees, margin),
                power_for_difference(difference, standard_error, degrees, alpha),
            )
            >= POWER
        )

    few, many = 4, 4
    if resolved(few):
        return few
    while not resolved(many):
        few, many = many, many * 2
        if many > MOST_BOOTS:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if resolved(middle) else (middle, many)
    return many
