# SPDX-License-Identifier: Apache-2.0
"""The method once more, written independently of analysis/stats and shorter: to hold it against.

d: (cases, pairs) log differences new - old, one column a pair, NaN-free. `changed` has not the
guard (90 % interval above 0): interval(d, .10) gives it.
"""
# A function as a formula has it, with the names of the formula.

import numpy as np
from scipy.stats import rankdata


def scores(d):
    a = np.abs(d)
    z = np.where(a > 1e-12, a, np.nan)
    unit = np.nanmedian(z, 1, keepdims=True) if a.any() else np.ones((len(d), 1))
    u = a / np.where(np.isnan(unit), 1, unit)
    w = np.where(u <= 1.5, u, np.maximum(0.1, 1.5 - 1.4 * (u - 1.5) / 0.5)) * (a > 1e-12)
    size = np.sqrt((w**2).sum(1, keepdims=True))
    return np.sign(d) * w / np.where(size > 0, size, 1)


def all_flips(n, rng, most=14, drawn=10_000):
    if n <= most:
        half = 1 - 2 * ((np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1)
    else:
        half = 1 - 2 * rng.integers(0, 2, (drawn // 2, n))
        half[0] = 1
    return np.concatenate([half, -half])  # row 0: as it was measured


def stepdown(R):
    """Westfall-Young maxT, one-sided, R: (flips, cases)."""
    o = np.argsort(-R[0])
    top = np.maximum.accumulate(R[:, o][:, ::-1], 1)[:, ::-1]
    p = np.empty(len(o))
    p[o] = np.maximum.accumulate((top >= R[0, o] - 1e-9).mean(0))
    return p


def changed(d, margin, flips):
    """p of slower, of faster (beyond the margin), of differs; each against .05."""
    up, down = np.zeros(len(d)), np.zeros(len(d))
    for shift in (-1, 0, 1):
        R = flips @ scores(d - shift * np.reshape(margin, (-1, 1))).T
        a, b = stepdown(R), stepdown(-R)
        up, down = np.maximum(up, a), np.maximum(down, b)
        if shift == 0:
            differs = np.minimum(1, 2 * np.minimum(a, b))
    return np.minimum(1, 2 * up), np.minimum(1, 2 * down), differs


def signed_rank(d, theta):
    """One-sided exact p of 'below theta', 'above theta' of one case (ties: midranks, zeros out)."""
    x = d - theta
    x = x[np.abs(x) > 1e-12]
    if not len(x):
        return 1.0, 1.0
    r2 = np.rint(2 * rankdata(np.abs(x))).astype(int)
    c = np.array([1.0])
    for k in r2:
        c = np.convolve(c, np.r_[1, np.zeros(k - 1), 1]) / 2
    s = r2[x > 0].sum()
    return c[: s + 1].sum(), c[s:].sum()


def walsh(d):
    i, j = np.triu_indices(len(d))
    return np.sort((d[i] + d[j]) / 2)


def interval(d, alpha=0.05):
    """Hodges-Lehmann estimate and exact interval."""
    w = walsh(d)
    n = len(d)
    c = np.array([1.0])
    for k in range(1, n + 1):
        c = np.convolve(c, np.r_[1, np.zeros(k - 1), 1]) / 2
    k = int(np.searchsorted(np.cumsum(c), alpha / 2, side="right"))  # P(W <= k-1) <= alpha/2
    return np.median(w), (w[k - 1], w[-k]) if k else (-np.inf, np.inf)
