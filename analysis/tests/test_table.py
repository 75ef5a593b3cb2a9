# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction

import pytest

from analysis.data.load import load
from analysis.summary.cases import summarize_cases
from analysis.tests.conftest import histogram_record, path, record


def only_row(folder):
    (row,) = summarize_cases(load(folder))
    return row


def test_boots_that_agree_are_exact(write_campaign):
    row = only_row(write_campaign([record(boot=1), record(boot=2)]))
    assert (row.cost, row.exact, row.boots) == (5, True, 2)


def test_one_digit_of_one_boot_is_enough_not_to_be(write_campaign):
    other = record(boot=2)
    other["samples"] = [time + 1 for time in other["samples"]]  # of the same cost
    row = only_row(write_campaign([record(boot=1), other]))
    assert not row.exact


def test_the_other_alignment_has_to_agree_too(write_campaign):
    boots = [record(boot=boot, shifted_samples=[80 + boot, 150 + boot]) for boot in (1, 2)]
    assert not only_row(write_campaign(boots)).exact


@pytest.mark.parametrize(("second", "exact"), [((70, 70), True), ((71, 71), False)])
def test_histograms_have_to_agree_too(write_campaign, second, exact):
    windows = {"case_2n": (140, 140), "empty_n": (20, 20), "empty_2n": (40, 40)}
    boots = [
        histogram_record({"case_n": values} | windows, boot=boot)
        for boot, values in ((1, (70, 70)), (2, second))
    ]
    assert only_row(write_campaign(boots)).exact is exact


def test_the_median_of_boots_is_shown_with_its_range(write_campaign):
    row = only_row(
        write_campaign(
            [record(boot=boot, cost=cost, exact=False) for boot, cost in ((1, 5), (2, 9), (3, 6))]
        )
    )
    assert (row.cost, row.low, row.high, row.exact) == (6, 5, 9, False)


def test_a_failed_oracle_in_one_boot_leaves_no_figure(write_campaign):
    failed = record(
        boot=2,
        cost=None,
        status="flagged",
        reason="the page was not closed before the map",
        oracle="failed",
    )
    row = only_row(write_campaign([record(boot=1, oracle="held"), failed]))
    assert row.cost is None and row.oracle == "failed"
    assert "not closed" in row.note


def test_a_skipped_case_says_why(write_campaign):
    skipped = record(
        cost=None,
        empty=None,
        status="skipped",
        reason="this CPU has no PKS",
        samples=[],
        exact=False,
    )
    row = only_row(write_campaign([skipped]))
    assert row.cost is None and row.note == "skipped: this CPU has no PKS"


def test_a_crashed_boot_does_not_count_as_exact(write_campaign):
    crashed = record(
        boot=2, cost=None, empty=None, status="crashed", reason="hung", samples=[], exact=False
    )
    row = only_row(write_campaign([record(boot=1), crashed]))
    assert row.cost == 5 and not row.exact and row.note == "crashed: hung"


def test_a_flagged_boot_does_not_either_though_its_samples_agree(write_campaign):
    flagged = record(boot=2, status="flagged", reason="time is not linear")
    assert not only_row(write_campaign([record(boot=1), flagged])).exact


def test_parts_add_up_to_the_cost(write_campaign):
    case = "model/kmap_local/protected"
    counted = path(
        case,
        wrmsr=2,
        __wrmsr=6,
        kb_model_page_address=5,
        is_zone_device_page=3,
        kb_published_open=4,
        nobody_named_this=1,
    )
    row = only_row(write_campaign([record(case, cost=19)], [counted]))
    assert row.parts == {"address": 5, "checks": 3, "bookkeeping": 4, "wrpkrs": 2, "other": 5}
    assert sum(row.parts.values()) == row.cost
    assert row.pkrs_writes == 2
    assert row.warnings == []


def test_pkrs_writes_are_the_records_where_it_has_them(write_campaign):
    counted = [record(cost=19, pkrs_writes=3, boot=1), record(cost=19, boot=2)]
    paths = [path(boot=boot, wrmsr=2, lowmem_page_address=19) for boot in (1, 2)]
    assert only_row(write_campaign(counted, paths)).pkrs_writes == 3


def test_an_observer_that_disagrees_with_the_clock_is_called_out(write_campaign):
    row = only_row(write_campaign([record(cost=5)], [path(lowmem_page_address=6)]))
    assert (
        len(row.warnings) == 1
        and "clock says 5" in row.warnings[0]
        and "observer 6" in row.warnings[0]
    )


def test_in_which_order_a_boot_names_functions_is_no_difference(write_campaign):
    records = [record(cost=6, boot=1), record(cost=6, boot=2)]
    row = only_row(
        write_campaign(
            records,
            [path(lowmem_page_address=3, other=3), path(boot=2, other=3, lowmem_page_address=3)],
        )
    )
    assert row.warnings == []


def test_a_path_that_differs_between_boots_is_called_out(write_campaign):
    records = [record(boot=1), record(boot=2)]
    row = only_row(
        write_campaign(
            records, [path(lowmem_page_address=5), path(boot=2, lowmem_page_address=4, other=1)]
        )
    )
    assert any("differs between boots" in warning for warning in row.warnings)


def test_shares_of_an_operation_are_exact_fractions(write_campaign):
    counted = path(ops=3, lowmem_page_address=5)
    counted["functions"][0]["instructions"] += 1
    counted["instructions"] += 1
    row = only_row(write_campaign([record(ops=3, cost=5, exact=False)], [counted]))
    assert row.parts["address"] == Fraction(16, 3)
