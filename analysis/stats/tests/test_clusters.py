# SPDX-License-Identifier: Apache-2.0
"""Groups and outliers."""

import numpy as np
import pytest

from analysis.stats import clusters
from analysis.stats.clusters import Cluster, Outlier

RANDOM = np.random.default_rng(9)


def test_two_groups_are_found_with_their_centres_and_sizes():
    assert clusters.find_clusters(np.array([119.0, 101, 102, 100, 120])) == (
        Cluster(101, 3),
        Cluster(119.5, 2),
    )


def test_a_gap_has_to_be_three_times_the_wider_group():
    assert len(clusters.find_clusters(np.array([0.0, 1, 4.1, 4.2]))) == 2
    assert len(clusters.find_clusters(np.array([0.0, 1, 4.0, 4.2]))) == 1
    assert len(clusters.find_clusters(np.array([0.0, 0.1, 3.0, 4.0]))) == 1
    assert len(clusters.find_clusters(np.array([0.0, 0.1, 3.2, 4.2]))) == 2


def test_a_boot_alone_is_no_group():
    assert clusters.find_clusters(np.array([1.0, 1, 1, 50])) == (Cluster(1, 4),)
    assert clusters.find_clusters(np.array([1.0, 50, 50, 50])) == (Cluster(50, 4),)


def test_boots_that_agree_are_one_group():
    assert clusters.find_clusters(np.full(6, 7.0)) == (Cluster(7, 6),)


@pytest.mark.parametrize(("boots", "most"), [(4, 0.09), (6, 0.03), (10, 0.005)])
def test_normal_noise_seldom_falls_into_two_groups(boots, most):
    found = np.mean(
        [len(clusters.find_clusters(side)) > 1 for side in RANDOM.normal(size=(2000, boots))]
    )
    assert found <= most


def test_outliers_are_beyond_tukeys_fences():
    # quartiles 3 and 7: the inner fences are at -3 and 13, the outer at -17 and 27
    for value, expected in (
        (12.9, ()),
        (13.1, (Outlier(13.1, False),)),
        (26.9, (Outlier(26.9, False),)),
        (27.1, (Outlier(27.1, True),)),
    ):
        boots = np.array([3.0, 7, 3, value, 5, 3, 7, 7, 5])
        assert list(np.percentile(boots, [25, 75])) == [3, 7]
        assert clusters.outliers(boots) == expected
        mirrored = tuple(Outlier(10 - one.value, one.severe) for one in expected)
        assert clusters.outliers(10 - boots) == mirrored


def test_fences_stand_on_the_quartiles():
    # quartiles 2 and 6, so that the inner fence is at 12
    assert clusters.outliers(np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 12.1])) == (Outlier(12.1, False),)
    assert clusters.outliers(np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 11.9])) == ()


def test_outliers_are_given_from_the_smallest():
    boots = np.array([3.0, 40, 3, 3, 5, 5, 5, 7, 7, 7, -20])
    assert [one.value for one in clusters.outliers(boots)] == [-20, 40]


def test_few_boots_have_no_outliers():
    assert clusters.outliers(np.array([1.0, 1, 1, 1, 99])) == ()
