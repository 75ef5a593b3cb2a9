# SPDX-License-Identifier: Apache-2.0
"""Campaigns in which the truth is known: pairs of boots by a coin, and what disturbs them.

All figures are logarithms, so that 0.01 is about 1 %. Spread is the standard deviation of boots,
or what would be if noise were normal.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SPREAD = 0.005
# Of the truth, where a side has it. Slow boots and modes are so much slower, in spreads or as logs.
SLOW, HALF_SLOW = float(np.log(1.15)), float(np.log(1.075))
MODES_APART, STEPS, TICK = 40.0, (10.0, 40.0), 2.0
LOST = 0.1

Chooser = np.random.Generator
Noise = Callable[[Chooser, tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class Setting:
    """What nature does in campaigns of two sides that do not differ."""

    shape: str  # a key of SHAPES
    pairs: int
    cases: int  # that are read together


def _modes(share: float) -> Noise:
    def noise(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
        return chooser.normal(size=size) + MODES_APART * (chooser.random(size) < share)

    return noise


def _slow(share: float, by: float) -> Noise:
    def noise(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
        return chooser.normal(size=size) + by / SPREAD * (chooser.random(size) < share)

    return noise


def _auto_regressive(weight: float) -> Noise:
    def noise(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
        values = chooser.normal(size=size)
        for slot in range(1, size[-1]):
            fresh = np.sqrt(1 - weight**2) * values[..., slot]
            values[..., slot] = weight * values[..., slot - 1] + fresh
        return values

    return noise


def _added(pattern: Callable[[np.ndarray, int], np.ndarray]) -> Noise:
    """Normal noise on something that depends on the boot's place in time alone."""

    def noise(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
        return chooser.normal(size=size) + pattern(np.arange(size[-1]), size[-1])

    return noise


def _walk(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
    steps = chooser.normal(size=size) * 4 / np.sqrt(size[-1])
    return chooser.normal(size=size) + np.cumsum(steps, axis=-1)


def _contaminated(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
    return chooser.normal(size=size) * np.where(chooser.random(size) < 0.1, 10, 1)


def _whole_boots(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
    slow = chooser.random((size[0], 1, size[2])) < 0.1
    return chooser.normal(size=size) + SLOW / SPREAD * slow


def _correlated(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
    shared = chooser.normal(size=(size[0], 1, size[2]))
    return np.sqrt(0.9) * shared + np.sqrt(0.1) * chooser.normal(size=size)


def _quantised(chooser: Chooser, size: tuple[int, ...]) -> np.ndarray:
    """Two values of a clock whose step is far wider than the noise."""
    level = chooser.random((size[0], size[1], 1))
    return TICK * np.floor(level + 0.5 + 0.2 * chooser.normal(size=size))


# Noise of boots, in spreads; arrays are (campaigns, cases, slots in time).
SHAPES: dict[str, Noise] = {
    "normal": lambda chooser, size: chooser.normal(size=size),
    "skewed": lambda chooser, size: chooser.standard_exponential(size),
    "t2": lambda chooser, size: chooser.standard_t(2, size),
    "t3": lambda chooser, size: chooser.standard_t(3, size),
    "lognormal": lambda chooser, size: chooser.lognormal(size=size),
    "laplace": lambda chooser, size: chooser.laplace(size=size),
    "contaminated": _contaminated,
    "slow-boots": _slow(0.1, SLOW),
    "half-slow-boots": _slow(0.1, HALF_SLOW),
    "whole-boots": _whole_boots,
    "mode-0.1": _modes(0.1),
    "mode-0.3": _modes(0.3),
    "mode-0.5": _modes(0.5),
    "ar-0.7": _auto_regressive(0.7),
    "ar--0.5": _auto_regressive(-0.5),
    "linear": _added(lambda slot, slots: 20 * slot / slots),
    "walk": _walk,
    "step-10": _added(lambda slot, slots: STEPS[0] * (slot >= slots / 2)),
    "step-40": _added(lambda slot, slots: STEPS[1] * (slot >= slots / 2)),
    "every-3rd": _added(lambda slot, slots: 8 * (slot % 3 == 0)),
    "in-phase": _added(lambda slot, slots: 8 * np.isin(slot % 4, (0, 3))),
    "quantised": _quantised,
    "correlated": _correlated,
    "spread-2x": lambda chooser, size: chooser.normal(size=size),
    "spread-4x": lambda chooser, size: chooser.normal(size=size),
    "lost": lambda chooser, size: chooser.normal(size=size),
    "higher": lambda chooser, size: chooser.normal(size=size),
}
_TIMES = {"spread-2x": 2.0, "spread-4x": 4.0}


def differences(setting: Setting, count: int, chooser: Chooser) -> np.ndarray:
    """New - old of so many campaigns in which nothing changed: (campaigns, cases, pairs), above 0
    where new is worse; NaN: the pair lost a boot.
    """
    pairs = setting.pairs
    noise = SHAPES[setting.shape](chooser, (count, setting.cases, 2 * pairs))
    slots = SPREAD * noise.reshape(count, setting.cases, pairs, 2)
    # one coin for all cases of a pair
    new_first = chooser.integers(0, 2, (count, 1, pairs)).astype(bool)
    first, second = slots[..., 0], slots[..., 1]
    old, new = np.where(new_first, second, first), np.where(new_first, first, second)
    found: np.ndarray = new * _TIMES.get(setting.shape, 1.0) - old
    if setting.shape == "higher":
        found = old - new
    if setting.shape == "lost":
        lost = chooser.random((count, 1, pairs)) < LOST
        # as many as a verdict takes are left
        lost &= np.cumsum(lost, axis=-1) <= pairs - 6
        found = np.where(lost, np.nan, found)
    return found
