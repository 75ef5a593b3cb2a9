# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from analysis.data.load import load
from analysis.summary.samples import POINTS, distributions, titles
from analysis.tests.conftest import histogram_record, record

SAMPLES = record(samples=[50, 100, 50, 200, 50, 100], exact=False)
WINDOWS = {"case_n": (50, 50, 50), "case_2n": (100, 100, 200), "empty_n": (20,), "empty_2n": (40,)}
HISTOGRAM = histogram_record(WINDOWS, exact=False)


def only(folder):
    (one,) = distributions(load(folder).records)
    return one


def test_each_sample_is_a_slope_without_the_empty_loop(write_campaign):
    samples = [
        100,
        220,
        100,
        200,
        100,
        210,
    ]  # T(10), T(20): 12, 10 and 11 an operation, of which the loop takes 2
    one = only(write_campaign([record(ops=10, samples=samples, exact=False, cost=9)]))
    assert one.boots[0].values.tolist() == [8, 9, 10] and one.boots[0].samples == 3


def test_more_samples_than_points_are_thinned_by_rank_and_keep_both_ends(write_campaign):
    count = 2 * POINTS
    samples = [value for number in range(count) for value in (0, 10 * (number + 2))]
    boot = only(write_campaign([record(ops=10, samples=samples, exact=False)])).boots[0]
    assert boot.samples == count and len(boot.values) == POINTS
    assert (boot.values[0], boot.values[-1]) == (0, count - 1)
    assert set(np.diff(boot.values)) <= {1, 2, 3}


def test_of_a_histogram_the_mean_of_the_short_window_is_taken_from_each_long_one(write_campaign):
    windows = {"case_n": (60, 80), "case_2n": (140, 140, 160), "empty_n": (20,), "empty_2n": (40,)}
    one = only(write_campaign([histogram_record(windows, ops=10, exact=False)]))
    assert one.boots[0].values.tolist() == [5, 5, 7]  # (140 - 70) / 10 less the loop's 2
    assert one.boots[0].samples == 3


def test_a_wide_bucket_of_a_histogram_stands_at_its_middle(write_campaign):
    windows = {"case_n": (70,), "case_2n": (140, 150), "empty_n": (20,), "empty_2n": (40,)}
    raw = histogram_record(windows, ops=10, exact=False)
    raw["histogram"]["case_2n"]["buckets"] = [[140, 160, 2]]
    boot = only(write_campaign([raw, record(boot=2, cost=9, exact=False)])).boots[0]
    assert boot.values.tolist() == [6, 6]


def test_what_agrees_to_the_digit_and_the_loop_itself_have_no_spread(write_campaign):
    spread = [100, 220, 100, 200]
    records = [
        record(),
        record("empty", samples=spread, exact=False),
        record("model/x/y", samples=[], cost=None, empty=None, status="skipped", reason="r"),
    ]
    assert distributions(load(write_campaign(records)).records) == []


def test_exact_boots_that_differ_from_each_other_do_have_one(write_campaign):
    one = only(write_campaign([record(boot=1, cost=5), record(boot=2, cost=6)]))
    assert [(boot.number, boot.cost) for boot in one.boots] == [
        (1, 5),
        (2, 6),
    ] and one.per == "boot"


def test_launches_of_one_boot_are_told_apart_by_launch(write_campaign):
    one = only(
        write_campaign([record(launch=launch, cost=4 + launch, exact=False) for launch in (1, 2)])
    )
    assert one.per == "launch" and [boot.number for boot in one.boots] == [1, 2]


def test_names_carry_the_variant_where_there_are_several(write_campaign):
    records = [
        record(variant=variant, boot=boot, cost=5 + boot)
        for variant in ("a", "b")
        for boot in (1, 2)
    ]
    found = distributions(load(write_campaign(records)).records)
    assert titles([found[0], found[0]]) == 2 * ["kernel/kmap_local/dram"]
    assert titles(found) == ["kernel/kmap_local/dram a", "kernel/kmap_local/dram b"]


@pytest.mark.parametrize("raw", [SAMPLES, HISTOGRAM], ids=["samples", "histogram"])
def test_a_curve_has_the_cost_of_each_sample_by_rank(write_campaign, raw):
    (one,) = distributions(load(write_campaign([raw])).records)
    (boot,) = one.boots
    # (T(2n) - T(n)) / 10 operations, less the empty loop's 2
    assert list(boot.values) == [3, 3, 13] and boot.samples == 3
