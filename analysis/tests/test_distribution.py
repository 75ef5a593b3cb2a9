# SPDX-License-Identifier: Apache-2.0
import pytest

from analysis.distribution import distributions
from analysis.load import load
from analysis.tests.conftest import histogram_record, record

SAMPLES = record(samples=[50, 100, 50, 200, 50, 100], exact=False)
HISTOGRAM = histogram_record({"case_n": (50, 50, 50), "case_2n": (100, 100, 200)}, exact=False)


@pytest.mark.parametrize("raw", [SAMPLES, HISTOGRAM], ids=["samples", "histogram"])
def test_a_curve_has_the_cost_of_each_sample_by_rank(write_campaign, raw):
    (one,) = distributions(load(write_campaign([raw])).records)
    (boot,) = one.boots
    # (T(2n) - T(n)) / 10 operations, less the empty loop's 2
    assert list(boot.values) == [3, 3, 13] and boot.samples == 3
