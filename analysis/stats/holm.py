# SPDX-License-Identifier: Apache-2.0
"""Holm's adjustment of p over a family (Scandinavian Journal of Statistics 6, 1979, 65-70)."""

import numpy as np
from numpy.typing import NDArray


def adjusted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p, family on the last axis: below a level where Holm's procedure rejects at that
    level.
    """
    count = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    steps = np.take_along_axis(p, order, -1) * np.arange(count, 0, -1)
    rising = np.minimum(np.maximum.accumulate(steps, axis=-1), 1)
    result = np.empty_like(rising)
    np.put_along_axis(result, order, rising, -1)
    return result
