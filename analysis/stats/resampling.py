# SPDX-License-Identifier: Apache-2.0
"""The difference's interval with no assumption on the shape of the noise, as a check on the
model's.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
# Fixed, so that the same files always give the same interval.
SEED = 20261125
# Below this many boots a side percentile intervals are too narrow (at 4 they cover 92 to 93 %).
FEWEST = 6
# Above it the interval is the model's whatever the shape of the noise.
MOST = 60


def interval(
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    old_slots: NDArray[np.float64] | None,
    new_slots: NDArray[np.float64] | None,
    confidence: float,
) -> tuple[float, float]:
    """Percentile interval of model.fit's difference over resampled boots, each with its slot."""
    old_weights, new_weights = _weights(len(old), 0), _weights(len(new), 1)
    old_centre, new_centre = old_weights @ old, new_weights @ new
    differences = new_centre - old_centre
    if old_slots is not None and new_slots is not None:
        old_middle, new_middle = old_weights @ old_slots, new_weights @ new_slots
        together = len(old) * (old_weights @ (old * old_slots) - old_centre * old_middle)
        together += len(new) * (new_weights @ (new * new_slots) - new_centre * new_middle)
        spread = len(old) * (old_weights @ old_slots**2 - old_middle**2) + len(new) * (
            new_weights @ new_slots**2 - new_middle**2
        )
        # resamples of one boot over and over have no spread, and no slope
        slopes = np.divide(
            together,
            spread,
            out=np.zeros_like(together),
            where=spread > 1e-9 * (len(old) + len(new)),
        )
        differences -= slopes * (new_middle - old_middle)
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


@lru_cache(maxsize=8)
def _weights(boots: int, stream: int) -> NDArray[np.float64]:
    """Shape (RESAMPLES, boots): what part of a resample each boot is. All cases of a family can
    share them.
    """
    chooser = np.random.default_rng([SEED, stream, boots])
    return chooser.multinomial(boots, np.full(boots, 1 / boots), size=RESAMPLES) / boots
