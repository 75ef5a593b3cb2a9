# SPDX-License-Identifier: Apache-2.0
"""What the samples inside a boot say beside its median."""

from dataclasses import replace

import numpy as np

from analysis.data.records import Records
from analysis.stats.sample import Distribution, Sample

# Metrics that are the cost in another unit, and so have its samples.
_COSTS = ("cost", "core_cycles", "ns")


def by_unit(values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """A median for each boot or launch, in the order of their numbers. units: of each value, whose
    it is.
    """
    numbers = np.unique(units)
    if len(numbers) == len(units):
        ordered: np.ndarray = values[np.argsort(units, kind="stable")]
        return ordered
    return np.array([np.median(values[units == number]) for number in numbers])


def with_looks(
    side: Sample, records: Records, rows: np.ndarray, units: np.ndarray, metric: str
) -> Sample:
    """The side with what else there is of its boots: means, samples, the second alignment, and
    percentiles of I/Os.

    rows: of one case, its records; units: of each row, the boot or launch that it is of.
    """
    if metric not in _COSTS:
        return side
    costs = by_unit(records.column("cost")[rows], units)
    shifted = records.column("cost_shifted")[rows]
    if (costs == 0).any() or not np.isfinite(side.values / costs).all():
        return side
    # a boot's cost in the metric's unit, of one that counts ticks
    scale = side.values / costs
    if np.isfinite(shifted).all():
        side = replace(side, shifted=by_unit(shifted, units) * scale)
    medians, tails = (records.column(name)[rows] for name in ("p50", "p99"))
    if np.isfinite(medians).all() and np.isfinite(tails).all():
        side = replace(
            side, io_medians=by_unit(medians, units) * scale, io_p99=by_unit(tails, units) * scale
        )
    return _with_samples(side, records, rows, units, scale)


def _with_samples(
    side: Sample, records: Records, rows: np.ndarray, units: np.ndarray, scale: np.ndarray
) -> Sample:
    """With means and samples, where each of the records has any. scale: of each boot, from costs to
    the metric's unit.
    """
    offsets = records.samples()[1]
    samples = offsets[rows + 1] - offsets[rows]
    if side.exact or any(records.histogram(int(row)) is None for row in rows[samples == 0]):
        return side
    numbers = np.unique(units)
    if len(numbers) == len(rows):
        in_order = rows[np.argsort(units, kind="stable")]
        of_boots = list(in_order[:, None])
    else:
        of_boots = [rows[units == number] for number in numbers]

    def distribution(boot: int) -> Distribution:
        parts = [_costs(records, int(row)) for row in of_boots[boot]]
        values, counts = (np.concatenate(column) for column in zip(*parts))
        return Distribution(values * scale[boot], counts)

    if len(of_boots) < len(rows) or records.have_histograms(rows):
        means = np.array([_mean(distribution(boot)) for boot in range(len(of_boots))])
        return replace(side, means=means, distribution=distribution)
    means = _means(records, in_order) * scale

    def all_samples() -> np.ndarray:
        every: np.ndarray = _all_costs(records, in_order) * scale[:, None]
        return every

    return replace(
        side,
        means=means,
        distribution=distribution,
        samples=all_samples if np.ptp(samples) == 0 else None,
    )


def _means(records: Records, rows: np.ndarray) -> np.ndarray:
    """Mean cost of each of these records, which have samples: by their times of n and of 2n."""
    values, offsets = records.samples()
    empty = np.nan_to_num(records.column("empty")[rows])
    if np.ptp(offsets[rows + 1] - offsets[rows]) == 0:
        sums = _times(records, rows).mean(1)
    else:
        sums = np.array(
            [values[offsets[row] : offsets[row + 1]].reshape(-1, 2).mean(0) for row in rows]
        )
    means: np.ndarray = (sums[:, 1] - sums[:, 0]) / records.column("ops")[rows] - empty
    return means


def _times(records: Records, rows: np.ndarray) -> np.ndarray:
    """Times of these records, which have as many samples: (rows, samples, 2)."""
    values, offsets = records.samples()
    begins = offsets[rows]
    length = int(offsets[rows[0] + 1] - begins[0])
    times: np.ndarray = np.array([values[begin : begin + length] for begin in begins])
    return times.reshape(len(rows), -1, 2)


def _all_costs(records: Records, rows: np.ndarray) -> np.ndarray:
    """Cost of each sample of these records, which have as many: (rows, samples)."""
    times = _times(records, rows)
    empty = np.nan_to_num(records.column("empty")[rows])
    ops = records.column("ops")[rows]
    costs: np.ndarray = (times[..., 1] - times[..., 0]) / ops[:, None] - empty[:, None]
    return costs


def _mean(samples: Distribution) -> float:
    return float((samples.values * samples.counts).sum() / samples.counts.sum())


def _costs(records: Records, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Cost of each sample of a record, and how often it was seen.

    Of a histogram, which has lost which T(2n) belongs to which T(n): each T(2n) less the mean of
    T(n), at the middle of its bucket.
    """
    ops, empty = records.column("ops")[row], records.column("empty")[row]
    empty = empty if np.isfinite(empty) else 0.0
    histogram = records.histogram(row)
    if histogram is None:
        values, offsets = records.samples()
        times = values[offsets[row] : offsets[row + 1]].reshape(-1, 2)
        return (times[:, 1] - times[:, 0]) / ops - empty, np.ones(len(times))
    short, long = histogram["case_n"], histogram["case_2n"]
    first, last, counts = np.array(long["buckets"], dtype=float).T
    return ((first + last) / 2 - short["sum"] / short["count"]) / ops - empty, counts
