# SPDX-License-Identifier: Apache-2.0
"""Inputs of Google Benchmark and fio that are out of the ordinary, each in tests/foreign: read
rightly, or refused in one line that says what to do. Names and figures in them are invented.
"""

import argparse

import pytest

from analysis import options
from analysis.data.bad_data import BadData

FORMATS = ("text", "md", "html", "json")


@pytest.fixture
def compare(compare, monkeypatch, request):
    """`compare` from the folder of the inputs."""
    monkeypatch.chdir(request.path.parent / "foreign")
    return compare


def sides(name: str) -> tuple[str, str]:
    """The two files, or folders, of an input."""
    return (f"{name}_old.json", f"{name}_new.json")


def folders(name: str) -> tuple[str, str]:
    return (f"{name}/old", f"{name}/new")


def test_a_skipped_benchmark_has_no_figure(compare):
    found = compare(*folders("gb_skipped"), "--fail-on", "slower")
    assert found.code != 1 and set(found.cases) == {"BM_Boil"}
    assert "no figure of BM_Whistle: skipped: no steam on this stove" in found.notes


def test_aggregates_are_told_by_their_names_where_there_is_no_run_type(compare):
    found = compare(*folders("gb14_aggregates"), "--fail-on", "slower")
    assert found.code != 1 and set(found.cases) == {"BM_Steep"}
    row = found.cases["BM_Steep"]["real_time"]
    assert (row["n_old"], row["n_new"]) == (6, 6)
    assert row["old"] == pytest.approx(100, rel=2e-3) and row["new"] == pytest.approx(100, rel=2e-3)


def test_a_sweep_is_refused_with_the_setting_that_differs(compare):
    found = compare(*folders("fio_sweep"))
    assert found.refusal.startswith("fio_sweep/old: its files were made with different settings")
    assert "lake.iodepth (1 and 16 and 4 more)" in found.refusal
    assert "give each setting a folder of its own, or say --allow lake.iodepth" in found.refusal


def test_of_aggregates_only_the_median_is_taken(compare):
    found = compare(*folders("gb_aggregates_only"))
    row = found.cases["BM_Stir"]["real_time"]
    assert row["old"] == pytest.approx(40, rel=2e-3) and row["new"] == pytest.approx(48, rel=2e-3)
    assert "BM_Stir: aggregates only: the median of the repetitions is compared" in found.notes


def test_a_benchmark_of_which_there_are_aggregates_only_is_compared_with_the_others(compare):
    found = compare(*sides("gb_some_aggregates"))
    row = found.cases["BM_Scrub"]["real_time"]
    assert (row["old"], row["new"]) == (499, 998) and "BM_Rinse" in found.cases


def test_clients_are_read_by_host_and_all_of_them_as_a_case(compare):
    found = compare(*sides("fio_client"))
    assert set(found.cases) == {"reed/lake/read", "moss/lake/read", "All clients/read"}
    row = found.cases["moss/lake/read"]["clat_mean"]
    assert (row["old"], row["new"]) == (9000, 11700)


def test_lines_before_the_json_are_left_out_and_named(compare):
    found = compare(*sides("fio_note_before"))
    assert found.cases["lake/read"]["clat_mean"]["new"] == 11700
    assert "left out: 'a word of warning: the pond is shallow today', 'another line" in found.notes


def test_bandwidth_of_fio_3_1_is_read_in_kib(compare):
    row = compare(*sides("fio_3.1")).cases["lake/read"]["bandwidth"]
    assert row["unit"] == "MB/s" and row["old"] == pytest.approx(444444 * 1024 / 1e6)


def test_a_latency_that_was_not_measured_is_none(compare):
    found = compare(*folders("fio_no_N"))
    assert set(found.cases["lake/read"]) == {"iops", "bandwidth"}
    assert "lake/read: no clat_mean: not measured" in found.notes


def test_mixed_is_a_direction(compare):
    row = compare(*sides("fio_mixed")).cases["lake/mixed"]["clat_mean"]
    assert (row["old"], row["new"]) == (7000, 9100)


def test_an_infinite_rate_is_left_out_and_the_time_is_compared(compare):
    found = compare(*sides("gb_infinite_rate"))
    assert set(found.cases) == {"BM_Pour", "BM_Nothing"}
    assert "BM_Nothing: items_per_second is infinite, and was left out" in found.notes


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_letter_is_a_question_mark(compare, form):
    found = compare(*sides("gb_half_letter"), "--format", form)
    assert found.code == 0
    assert "BM_Pour?" in found.output.replace("\\_", "_").replace("\\ud83d", "?")


def test_where_all_times_are_0_nothing_was_timed(compare):
    found = compare(*folders("gb_zero"))
    assert set(found.cases) == {"BM_Sip"}
    assert "no figure of BM_Nil: all are 0: nothing was timed" in found.notes


def test_a_repetition_that_failed_is_counted(compare):
    found = compare(*sides("gb_partly_failed"))
    row = found.cases["BM_Boil"]["real_time"]
    assert (row["n_old"], row["n_new"]) == (3, 2)
    assert "BM_Boil: 1 of 3 repetitions failed: kettle ran dry" in found.notes
    assert "no figure" not in found.notes


def test_a_ratio_keeps_digits_however_small_it_is(compare):
    found = compare(*sides("gb_ratio"))
    changes = {case: metrics["real_time"]["change"] for case, metrics in found.cases.items()}
    assert changes == {"BM_Nap": "x1e-09", "BM_Doze": "x4e-05", "BM_Sleep": "x3e-07"}


def test_launches_are_ordered_by_their_date(compare):
    found = compare(*folders("gb_in_turn"))
    row = found.cases["BM_Boil"]["real_time"]
    assert found.code == 0 and row["reason"].startswith("paired by date")
    assert row["new"] == pytest.approx(55, rel=2e-3)


@pytest.mark.parametrize("name", ["gb_bom", "gb_log_before"])
def test_a_byte_order_mark_and_a_log_before_are_no_hindrance(compare, name):
    row = compare(*sides(name)).cases["BM_Pour"]["real_time"]
    assert (row["old"], row["new"]) == (20, 22)


def test_text_after_the_json_is_left_out_and_named(compare):
    found = compare(*sides("fio_text_after"))
    assert found.cases["lake/read"]["clat_mean"]["new"] == 11700
    assert "left out: 'lake: the same figures again, in words for people'" in found.notes


def test_a_job_that_failed_has_no_figure_and_the_others_have(compare):
    found = compare(*sides("fio_one_failed"))
    assert set(found.cases) == {"lake/read"}
    assert "no figure of pond/read: ended with error 28 (No space left on device)" in found.notes


@pytest.mark.parametrize(
    ("name", "said"), [("gb_cut", "cut off: the program did not finish"), ("gb_empty", "empty")]
)
def test_a_file_that_is_cut_off_or_empty_is_called_so(compare, name, said):
    found = compare("gb_caches_old.json", f"{name}_new.json")
    assert found.refusal.startswith(f"{name}_new.json: {said}") and "run it again" in found.refusal


@pytest.mark.parametrize("name", ["nowhere.json", "nowhere", "nowhere:stock"])
def test_a_file_that_is_not_there_is_called_so(compare, name):
    for arguments in ((name, "gb_bom_new.json"), ("gb_bom_new.json", name)):
        assert compare(*arguments).refusal.startswith(f"{name}: no such file or folder; give ")
    with pytest.raises(BadData, match=f"^{name}: no such file or folder"):  # by the launcher
        options.check_compare(argparse.Namespace(sides=["gb_bom_new.json", name], history=[]))
