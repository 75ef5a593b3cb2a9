# SPDX-License-Identifier: Apache-2.0
"""Campaigns in which the truth is known, for analysis.studies.calibrate. All figures are
logarithms, so that 0.01 is about 1 %.
"""

from dataclasses import dataclass

import numpy as np

SHAPES = ("normal", "skewed", "two-mode")
DRIFTS = ("none", "linear", "walk")

# Spread of the repetitions inside a boot, as in the table of other rules in docs/statistics.md.
REPETITION_SPREAD = 0.01
REPETITIONS = 10
# From the first boot to the last; of a random walk, the standard deviation of where it ends.
DRIFT = 0.02
# Two modes: so many are in the higher, and each is so wide as a part of the whole's standard
# deviation.
HIGH_MODE, MODE_WIDTH = 0.3, 0.05


@dataclass(frozen=True)
class Setting:
    """What nature does in a campaign of two variants between which there is no difference."""

    boots: int  # a side
    spread: float  # standard deviation between boots
    shape: str
    drift: str


@dataclass(frozen=True)
class Campaigns:
    """Shapes are (campaigns, cases, boots[, repetitions]); slots are the same for all cases of a
    campaign.
    """

    old: np.ndarray
    new: np.ndarray
    old_slots: np.ndarray
    new_slots: np.ndarray


def campaigns(setting: Setting, count: int, cases: int, chooser: np.random.Generator) -> Campaigns:
    """So many campaigns in blocks ABBA or BAAB, as `run` orders them."""
    first = chooser.integers(0, 2, (count, 1, setting.boots // 2))
    is_new = np.stack([first, 1 - first, 1 - first, first], -1).reshape(count, 1, 2 * setting.boots)
    order = np.argsort(is_new, axis=-1, kind="stable")
    old_slots, new_slots = order[..., : setting.boots], order[..., setting.boots :]
    boots = setting.spread * _noise(
        setting.shape, (count, cases, 2 * setting.boots), chooser
    ) + _drift(setting, count, cases, chooser)
    values = boots[..., None] + REPETITION_SPREAD * _noise(
        setting.shape, (*boots.shape, REPETITIONS), chooser
    )

    def at_slots(slots: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, slots[..., None], 2)

    return Campaigns(
        at_slots(old_slots), at_slots(new_slots), old_slots.astype(float), new_slots.astype(float)
    )


def _noise(shape: str, size: tuple[int, ...], chooser: np.random.Generator) -> np.ndarray:
    """Noise with a standard deviation of 1."""
    if shape == "normal":
        return chooser.standard_normal(size, dtype=np.float32)
    if shape == "skewed":
        return chooser.standard_exponential(size, dtype=np.float32)
    between = np.sqrt((1 - MODE_WIDTH**2) / (HIGH_MODE * (1 - HIGH_MODE)))
    return between * (
        chooser.random(size, dtype=np.float32) < HIGH_MODE
    ) + MODE_WIDTH * chooser.standard_normal(size, dtype=np.float32)


def _drift(setting: Setting, count: int, cases: int, chooser: np.random.Generator) -> np.ndarray:
    slots = 2 * setting.boots
    if setting.drift == "none":
        return np.zeros((1, 1, slots))
    if setting.drift == "linear":
        return np.linspace(0, DRIFT, slots)[None, None, :]
    return (
        np.cumsum(chooser.standard_normal((count, cases, slots)), axis=-1) * DRIFT / np.sqrt(slots)
    )
