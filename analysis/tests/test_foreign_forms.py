# SPDX-License-Identifier: Apache-2.0
"""Forms that files of Google Benchmark and fio come in, by version and by how they were kept."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.tests.support.foreign_files import benchmark, early_entry, entry, fio

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def compare(compare, tmp_path, monkeypatch):
    """`compare` of two files with these contents: documents, text or bytes; further arguments."""
    monkeypatch.chdir(tmp_path)

    def run(old, new, *arguments):
        for name, content in (("old.json", old), ("new.json", new)):
            if isinstance(content, str):
                content = content.encode("utf-8", "surrogatepass")
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (tmp_path / name).write_bytes(data)
        return compare("old.json", "new.json", *arguments)

    return run


def figures(found, metric: str) -> dict[str, tuple[float, float]]:
    """Old and new figure of each case."""
    return {
        case: (metrics[metric]["old"], metrics[metric]["new"])
        for case, metrics in found.cases.items()
        if metric in metrics
    }


# Google Benchmark


def test_a_fitted_complexity_is_no_benchmark(compare):
    fit = {"cpu_coefficient": 1.0, "real_coefficient": 1.0, "big_o": "N", "time_unit": "ns"}
    document = benchmark(
        early_entry("BM_Sort/8", 5),
        early_entry("BM_Sort/64", 9),
        {"name": "BM_Sort_BigO"} | fit,
        {"name": "BM_Sort_RMS", "rms": 0.1},
    )
    found = compare(document, benchmark(early_entry("BM_Sort/8", 6), early_entry("BM_Sort/64", 9)))
    assert figures(found, "real_time") == {"BM_Sort/8": (5, 6), "BM_Sort/64": (9, 9)}


def test_before_1_5_a_benchmark_may_be_called_like_an_aggregate(compare):
    def document(time):
        return benchmark(early_entry("BM_x", 5), early_entry("BM_x_mean", time))

    found = compare(document(7), document(9))
    assert figures(found, "real_time") == {"BM_x": (5, 5), "BM_x_mean": (7, 9)}


def test_before_1_5_aggregates_may_stand_alone(compare):
    def document(median):
        times = (("mean", 5), ("median", median), ("stddev", 1))
        return benchmark(*(early_entry(f"BM_x_{name}", time) for name, time in times))

    assert figures(compare(document(4), document(8)), "real_time") == {"BM_x": (4, 8)}


def test_aggregates_without_a_median_are_named(compare):
    mean = {"run_type": "aggregate", "run_name": "BM_x", "aggregate_name": "mean"}
    document = benchmark(entry("BM_y", 1), entry("BM_x_mean", 5, **mean))
    found = compare(document, benchmark(entry("BM_y", 1)))
    assert "no figure of BM_x: aggregates only, and no median among them" in found.notes


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ([{"family_index": 0}, {"family_index": 1}], ("BM_x", "BM_x#2")),
        ([{"per_family_instance_index": 0}, {"per_family_instance_index": 1}], ("BM_x", "BM_x#2")),
        ([{"label": "cold"}, {"label": "warm"}], ("BM_x [cold]", "BM_x [warm]")),
        ([{}, {}], ("BM_x", "BM_x#2")),
    ],
)
def test_two_benchmarks_of_one_name_stay_apart(compare, fields, names):
    def document(times):
        return benchmark(*(entry("BM_x", time, **one) for time, one in zip(times, fields)))

    found = compare(document((5, 50)), document((6, 70)))
    assert figures(found, "real_time") == {names[0]: (5, 6), names[1]: (50, 70)}


@pytest.mark.parametrize(
    ("label", "third", "names"),
    [({}, "x#2", ("x", "x#3", "x#2")), ({"label": "a"}, "x [a]", ("x", "x#2", "x [a]"))],
)
def test_what_tells_benchmarks_apart_is_no_name_of_another(compare, label, third, names):
    def document(times):
        first, second, last = times
        entries = (entry("x", first), entry("x", second, family_index=1, **label))
        return benchmark(*entries, entry(third, last, family_index=2))

    found = compare(document((5, 50, 500)), document((6, 60, 600)))
    assert figures(found, "real_time") == dict(zip(names, [(5, 6), (50, 60), (500, 600)]))


def test_repetitions_are_of_the_benchmark_that_their_family_says(compare):
    times = ((0, 0, 5), (1, 0, 50), (1, 1, 52), (0, 1, 7))  # family, repetition, time
    document = benchmark(
        *(entry("x", time, family_index=f, repetition_index=r) for f, r, time in times)
    )
    found = compare(document, benchmark(entry("x", 1), entry("x", 1, family_index=1)))
    assert figures(found, "real_time") == {"x": (6, 1), "x#2": (51, 1)}


def test_before_1_5_labels_and_places_tell_benchmarks_of_one_name_apart(compare):
    def labelled(times):
        labels = ("cold", "warm")
        return benchmark(*(early_entry("x", t, label=one) for t, one in zip(times, labels)))

    def placed(times):
        first, second = times
        return benchmark(early_entry("x", first), early_entry("y", 1), early_entry("x", second))

    found = figures(compare(labelled((5, 50)), labelled((6, 70))), "real_time")
    assert found == {"x [cold]": (5, 6), "x [warm]": (50, 70)}
    found = figures(compare(placed((5, 50)), placed((6, 70))), "real_time")
    assert found == {"x": (5, 6), "x#2": (50, 70), "y": (1, 1)}


def test_interleaved_repetitions_with_labels_of_their_own_are_of_one_benchmark(compare):
    document = benchmark(
        *(
            entry(name, time + number, repetition_index=number, label=f"{number} hits", **index)
            for number in range(3)
            for name, time, index in (("A", 10, {}), ("B", 20, {"family_index": 1}))
        )
    )
    found = compare(document, benchmark(entry("A", 1), entry("B", 1, family_index=1)))
    assert figures(found, "real_time") == {"A": (11, 1), "B": (21, 1)}
    assert found.cases["A"]["real_time"]["n_old"] == 3


def test_rates_are_by_cpu_time_unless_the_benchmark_asked_for_real_time(compare):
    def document(rate):
        names = ("A", "B/real_time", "C/manual_time/threads:2", "D/process_time")
        return benchmark(*(entry(name, 5, items_per_second=rate) for name in names))

    found = compare(document(10), document(8), "--metric", "items_per_second").cases
    clocks = {case: metrics["items_per_second"]["clock"] for case, metrics in found.items()}
    assert clocks == {
        "A": "cpu",
        "B/real_time": "wall",
        "C/manual_time/threads:2": "wall",
        "D/process_time": "cpu",
    }


def test_a_time_that_is_not_finite_is_no_figure(compare):
    document = benchmark(entry("BM_x", float("nan")), entry("BM_y", 5))
    found = compare(document, benchmark(entry("BM_x", 5), entry("BM_y", 6)))
    assert figures(found, "real_time") == {"BM_y": (5, 6)}
    assert "no figure of BM_x: without a finite time" in found.notes


def test_a_failure_needs_no_time(compare):
    failed = {"name": "BM_x", "error_occurred": True, "error_message": "dry"}
    document = benchmark(failed, entry("BM_y", 5))
    assert "no figure of BM_x: failed: dry" in compare(document, benchmark(entry("BM_y", 6))).notes


def test_where_every_benchmark_failed_it_is_said_why(compare):
    failed = entry("BM_x", 0, error_occurred=True, error_message="kettle\nran dry")
    found = compare(benchmark(failed), benchmark(entry("BM_x", 5)))
    assert "not one benchmark with a time (BM_x: failed: kettle?ran dry)" in found.refusal


def test_backslashes_and_printf_numbers_of_1_4_are_read(compare):
    def document(time):
        text = json.dumps(benchmark(early_entry("inf nan", time), executable="PATH"))
        text = text.replace('"time_unit"', '"my_rate": -inf, "his": nan, "time_unit"')
        return text.replace("PATH", "C:\\Users\\x\\tea.exe")

    assert figures(compare(document(5), document(6)), "real_time") == {"inf nan": (5, 6)}


@pytest.mark.parametrize(
    "document",
    [
        {"context": {"build": {}}, "benchmarks": [{"name": "x", "metrics": {}}]},
        {"context": {"build": {}}, "benchmarks": [early_entry("x", 5)]},
        benchmark({"name": "x", "real_time": 5}),
        benchmark({"name": "x", "median": 5, "time_unit": "ns"}),
        {"fio version": 3, "jobs": fio()["jobs"]},
    ],
)
def test_json_of_another_tool_with_the_same_shape_is_refused(compare, document):
    refusal = compare(document, document).refusal
    assert refusal.startswith("old.json") and "not " in refusal


def test_another_number_of_caches_is_named(compare):
    def document(size):
        return benchmark(entry("x", 5), caches=[{"level": 1, "size": 32768}, {"size": size}])

    assert "caches.1.size (1 there, 2 here)" in compare(document(1), document(2)).refusal


def test_a_launch_that_lacks_a_benchmark_is_said(compare):
    launches = [benchmark(entry("x", 5), entry("y", 5))] * 2 + [benchmark(entry("x", 5))]
    found = compare(launches, [benchmark(entry("x", 5), entry("y", 5))] * 3)
    assert found.cases["y"]["real_time"]["n_old"] == 2
    assert "old.json: y: has figures in 2 of 3 launches" in found.notes


# fio


def test_a_sync_has_a_latency_of_its_own(compare):
    def document(mean):
        return fio(job={"sync": {"total_ios": 9, "lat_ns": {"mean": mean, "max": 99, "N": 9}}})

    found = compare(document(50.0), document(80.0))
    assert figures(found, "lat_mean") == {"lake/sync": (50, 80)}
    assert "lake/sync" in found.text


def test_a_sync_needs_no_count(compare):
    def document(mean):
        return fio(job={"sync": {"lat_ns": {"mean": mean, "max": 99}}})

    assert figures(compare(document(50.0), document(80.0)), "lat_mean") == {"lake/sync": (50, 80)}
    idle = {"sync": {"total_ios": 0, "lat_ns": {"mean": 0.0, "max": 0, "N": 0}}}
    assert set(compare(fio(job=idle), document(80.0)).cases) == {"lake/read"}


@pytest.mark.parametrize("missing", ["iops", "bw_bytes"])
def test_a_figure_that_is_not_in_the_file_is_named(compare, missing):
    def document(latency):
        whole = fio(latency)
        read = whole["jobs"][0]["read"]
        del read[missing], read["bw"], read["io_bytes"]
        return whole

    name = {"bw_bytes": "bandwidth"}.get(missing, missing)
    found = compare(document(9000.0), document(9900.0))
    assert set(found.cases["lake/read"]) == {"clat_mean", "iops", "bandwidth"} - {name}
    assert f"lake/read: no {name}: not in the file" in found.notes


def test_jobs_of_one_name_are_numbered_apart_from_other_names(compare):
    def document(*latencies):
        job = fio()["jobs"][0]
        names = ("lake", "lake", "lake#2")
        jobs = [
            job | {"jobname": name, "read": job["read"] | {"clat_ns": {"mean": mean, "N": 9}}}
            for name, mean in zip(names, latencies)
        ]
        return fio() | {"jobs": jobs}

    found = compare(document(1.0, 2.0, 3.0), document(4.0, 5.0, 6.0))
    assert figures(found, "clat_mean") == {
        "lake/read": (1, 4),
        "lake#3/read": (2, 5),
        "lake#2/read": (3, 6),
    }


def test_a_job_called_global_options_hides_no_option(compare):
    def document(size):
        options = {"global options": {"bs": size}}
        return fio(job={"jobname": "global options"}, **options)

    assert (
        "global options.bs (4k there, 8k here)" in compare(document("4k"), document("8k")).refusal
    )


def test_each_metric_is_under_its_own_heading(compare):
    lines = compare(fio(9000.0), fio(9900.0)).text.splitlines()
    headings = [line.partition(",")[0] for line in lines if line and line.endswith(" is better")]
    assert headings == ["clat mean", "iops", "bandwidth"]
    assert lines.count("  lake/read") == 3


def test_a_change_of_half_as_much_again_and_more_is_a_plain_number(compare):
    text = compare(
        benchmark(entry("x", 5), entry("y", 5)), benchmark(entry("x", 10), entry("y", 65))
    )
    assert "looks slower by 100 %:" in text.text and "looks slower by 1200 %:" in text.text


def test_without_completion_latency_the_whole_latency_is_compared(compare):
    def document(mean):
        off = {"mean": 0.0, "max": 0, "N": 0}
        return fio(read={"clat_ns": off, "lat_ns": {"mean": mean, "max": 99, "N": 9}})

    found = compare(document(50.0), document(80.0))
    assert figures(found, "lat_mean") == {"lake/read": (50, 80)}
    assert "no clat_mean: not measured" in found.notes


def test_both_ways_of_reporting_mixed_directions_are_read(compare):
    document = fio()
    document["jobs"][0]["mixed"] = document["jobs"][0]["read"]
    assert set(compare(document, document | {"timestamp": 1}).cases) == {"lake/read", "lake/mixed"}


def test_percentiles_can_be_asked_for(compare):
    def document(p99):
        listed = {"50.000000": 40, "99.000000": p99}
        return fio(read={"clat_ns": {"mean": 50.0, "N": 9, "percentile": listed}})

    found = compare(document(90), document(99), "--metric", "clat_p99")
    assert figures(found, "clat_p99") == {"lake/read": (90, 99)}


def test_figures_that_are_no_numbers_are_left_out(compare):
    def document(latency):
        return json.dumps(fio(latency)).replace("455111110", "-nan")

    found = compare(document(9000.0), document(9900.0))
    assert set(found.cases["lake/read"]) == {"clat_mean", "iops"}
    assert "lake/read: bandwidth is no number of 64 bits, and was left out" in found.notes


def test_a_rate_of_a_run_that_took_no_time_is_none(compare):
    quick = fio(read={"iops": 0.0, "bw_bytes": 0})
    found = compare(quick, fio())
    assert set(found.cases["lake/read"]) == {"clat_mean"}
    assert "no iops: it is 0, though data was moved" in found.notes


def test_errors_that_were_passed_over_are_said(compare):
    found = compare(fio(job={"total_err": 3, "first_error": 5}), fio())
    assert "lake: 3 I/Os failed and were passed over (continue_on_error)" in found.notes


def test_global_options_of_each_client_are_held_against_each_other(compare):
    def document(size):
        options = [{"bs": "4k", "hostname": "reed"}, {"bs": size, "hostname": "moss"}]
        return fio(**{"global options": options})

    refusal = compare(document("8k"), document("16k")).refusal
    assert "global options of moss.bs (8k there, 16k here)" in refusal


def test_fio_2_is_refused_with_the_version_that_is_needed(compare):
    refusal = compare(fio(**{"fio version": "fio-2.21"}), fio()).refusal
    assert "written by fio-2.21" in refusal and "run fio 3.0 or later" in refusal


def test_a_setting_that_some_files_leave_to_its_default_is_a_sweep(compare):
    runs = [fio(job={"job options": options}) for options in ({}, {"iodepth": "4"})]
    assert "lake.iodepth (4 and none)" in compare(runs, runs[:1]).refusal
    assert compare(runs, runs[:1], "--allow", "lake.iodepth").code == 0
    others = [run | {"fio version": "fio-3.35"} for run in runs]
    refusal = compare(runs, others).refusal
    assert refusal.endswith("or say --allow lake.iodepth --allow 'fio version'")


def test_a_job_called_like_a_field_of_a_campaign_is_compared_by_its_options_too(compare):
    def document(size):
        return fio(job={"jobname": "format", "job options": {"bs": size}})

    assert "format.bs (4k there, 8k here)" in compare(document("4k"), document("8k")).refusal


def test_runs_are_ordered_by_their_time(compare):
    def runs(first):
        return [
            fio(9000.0 + n, timestamp_ms=1790000000000 + 60000 * n) for n in range(first, 12, 2)
        ]

    assert by_date(compare(runs(0), runs(1)))


@pytest.mark.parametrize(
    "date",
    [
        "2026-03-04T05:{:02d}:00+00:00",
        "2026-03-04T05:{:02d}:00-00:00",  # the library knew no zone
        "2026-03-04 05:{:02d}:00",  # before 1.5
    ],
)
def test_launches_that_alternate_by_their_date_are_pairs(compare, date):
    def launches(side):
        return [
            benchmark(entry("x", 5 + side + n / 100), date=date.format(2 * n + side))
            for n in range(8)
        ]

    assert by_date(compare(launches(0), launches(1)))
    assert not by_date(compare(launches(0), launches(1)[1:]))
    together = [benchmark(entry("x", 5 + n / 100)) for n in range(8)]
    assert not by_date(compare(together, together[::-1]))


def by_date(found) -> bool:
    """Whether all was compared in pairs by date, which is said then."""
    reasons = {row["reason"] for metrics in found.cases.values() for row in metrics.values()}
    paired = {reason.startswith("paired by date") for reason in reasons}
    assert len(paired) == 1 and ("paired by date" in found.text) in paired
    return paired == {True}


# How files were kept


def test_a_list_of_documents_is_a_launch_each(compare):
    found = compare(
        [benchmark(entry("x", 5 + number / 100)) for number in range(6)],
        "\n".join(json.dumps(benchmark(entry("x", 6)), indent=1) for _ in range(6)),
    )
    row = found.cases["x"]["real_time"]
    assert (row["n_old"], row["n_new"], row["unit_of_randomness"]) == (6, 6, "launch")
    found = compare([fio(9000.0 + number) for number in range(6)], [fio(9900.0)] * 6)
    assert found.cases["lake/read"]["clat_mean"]["n_old"] == 6


def states(*latencies: float) -> str:
    """What --status-interval writes: the same run again and again."""
    documents = [
        fio(latency, read={"io_bytes": number * 4096})
        for number, latency in enumerate(latencies, 1)
    ]
    return "\n".join(json.dumps(document, indent=1) for document in documents)


def test_of_several_states_of_a_run_the_last_is_the_result(compare):
    found = compare(states(50.0, 60.0, 9000.0), states(50.0, 60.0, 9900.0))
    assert figures(found, "clat_mean") == {"lake/read": (9000, 9900)}
    assert "3 documents: the last was taken" in found.notes
    assert "cut off" in compare(states(50.0, 9000.0)[:-200], fio()).refusal


def test_states_are_as_much_older_as_the_time_between_them(compare):
    documents = [
        fio(9000.0, {"io_bytes": n * 4096}, {"elapsed": 10 * n}, timestamp=1790000000 + 10 * n)
        for n in (1, 2, 3)
    ]
    found = compare("".join(map(json.dumps, documents)), fio(9000.0))
    assert found.cases["lake/read"]["clat_mean"]["n_old"] == 1
    assert "3 documents: the last was taken" in found.notes


def test_a_sweep_in_one_file_is_one_too(compare):
    runs = [
        fio(job={"job options": {"iodepth": depth}}, read={"io_bytes": int(depth) * 4096})
        for depth in ("1", "4")
    ]
    assert "lake.iodepth (1 and 4)" in compare("".join(map(json.dumps, runs)), fio()).refusal


@pytest.mark.parametrize(
    "second",
    [
        {"read": {"io_bytes": 4096}},
        {"job": {"job_start": 2}},
        {"timestamp": 1790000100, "job": {"elapsed": 50}},
        {"timestamp": 1790000030, "job": {"elapsed": 31}},  # a second of it was rounded
    ],
)
def test_documents_that_are_of_no_one_run_are_launches(compare, second):
    own = {"job_start": 1} if "job_start" in str(second) else {}
    runs = [fio(9000.0, job={"elapsed": second.get("job", {}).get("elapsed", 1)} | own)]
    runs.append(fio(9900.0, **second))
    found = compare("".join(map(json.dumps, runs)), fio(9000.0))
    assert found.cases["lake/read"]["clat_mean"]["n_old"] == 2


def test_no_value_of_a_repeated_key_is_lost(compare):
    def document(*devices):
        listed = ", ".join(f'"filename": "/dev/{device}"' for device in devices)
        return json.dumps(fio()).replace('"bs": "4k"', listed)

    refusal = compare(document("sda", "sdc"), document("sdb", "sdc")).refusal
    assert "global options.filename (/dev/sda there, /dev/sdb here)" in refusal
    refusal = compare(document("sdc", "sda"), document("sdc", "sdb")).refusal
    assert "'global options.filename (2)'" in refusal


def test_a_counter_called_like_a_field_does_not_take_its_place(compare):
    def document(time):
        return json.dumps(benchmark(entry("x", time)))[:-3] + ', "real_time": 7}]}'

    assert figures(compare(document(5), document(6)), "real_time") == {"x": (5, 6)}


def test_utf_16_and_utf_32_are_read_and_said(compare):
    old, new = (json.dumps(benchmark(entry("x", time))) for time in (5, 6))
    found = compare(old.encode("utf-16"), new.encode("utf-16-be"))
    assert figures(found, "real_time") == {"x": (5, 6)}
    assert "old.json: in UTF-16" in found.notes and "new.json: in UTF-16" in found.notes
    found = compare(old.encode("utf-32"), new)
    assert figures(found, "real_time") == {"x": (5, 6)} and "old.json: in UTF-32" in found.notes


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_wherever_a_file_is_cut_off_it_is_said(compare, coding):
    whole = json.dumps(benchmark(entry("x", 5.25, label="a\\\u00e9")), ensure_ascii=False)
    data = whole.encode(coding)
    for end in range(20, len(data) - 1, 7):
        for padding in (b"", b"\0" * 8):
            refusal = compare(data[:end] + padding, fio()).refusal
            assert refusal == "old.json: cut off: the program did not finish; run it again"


NAMES = [
    ("a\x1b[31mred\x1b[0m", "a?[31mred?[0m"),
    ("a\nb\r\tc", "a?b??c"),
    ("a\u202eb\u2028", "a?b?"),
    ("a\x01\x7f", "a??"),
    ("\udce9", "?"),
]


@pytest.mark.parametrize("form", ["text", "md", "html"])
@pytest.mark.parametrize(("name", "shown"), NAMES)
def test_a_name_steers_no_terminal_and_ends_no_line(compare, form, name, shown):
    found = compare(
        benchmark(entry(name, 5)), benchmark(entry(name, 6), entry(f"{name}!", 6)), "--format", form
    )
    plain = found.output.replace("\\", "")
    assert plain.count(shown) >= 2 and name not in found.output
    assert {letter for letter in found.output if not letter.isprintable()} == {"\n"}


def test_what_the_gate_says_steers_no_terminal(compare):
    dry = entry("x", 0, skipped=True, skip_message="a\x1b[2J\nb\ud83d")
    name = "y\x1b[31m"
    found = compare(
        benchmark(dry, entry(name, 5)),
        benchmark(entry("x", 5), entry(name, 6)),
        "--fail-on",
        "slower",
    )
    assert found.code == 3 and found.errors.count("\n") == 2
    assert found.errors.replace("\n", "").isprintable() and "skipped: a?[2J?b?" in found.errors


def test_control_characters_and_bytes_that_are_not_escaped_are_read(compare):
    def document(time):
        text = json.dumps(benchmark(entry("NAME", time))).encode()
        return text.replace(b"NAME", b"a\x1b\x01\xe9")

    assert figures(compare(document(5), document(6)), "real_time") == {"a\x1b\x01\udce9": (5, 6)}


def test_names_that_the_output_cannot_write_are_no_traceback(tmp_path):
    for name, time in (("old.json", 5), ("new.json", 6)):
        (tmp_path / name).write_text(json.dumps(benchmark(entry("tea-\u8336", time))))
    ended = subprocess.run(
        [sys.executable, "-m", "analysis", "compare", tmp_path / "old.json", tmp_path / "new.json"],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "") and r"tea-\u8336" in ended.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("BM_x   5 ns\n", "no JSON document in it: it begins with 'BM_x   5 ns'"),
        ("null", "no JSON document in it"),
        ('{"results": []}', "neither Google Benchmark's JSON nor fio's"),
        ("[" * 100_000, "nested too deeply"),
        ('{"context": {"n": ' + "1" * 5000 + "}}", "not JSON"),
        ('{"context": [1, 2', "cut off: the program did not finish"),
        (
            '{"context":\nhello there, you\n{}',
            "other text is among it (Expecting value: line 2 column 1",
        ),
        ('{"context": {"iterations": 1,000}}', "run the program with LC_ALL=C"),
    ],
    ids=["table", "null", "results", "nested", "digits", "torn", "among", "language"],
)
def test_what_is_no_document_is_refused_with_the_mend(compare, content, said):
    refusal = compare(content, benchmark(entry("x", 5))).refusal
    assert refusal.startswith("old.json: ") and said in refusal
    assert "; " in refusal, "what to do"


@pytest.mark.parametrize("indent", [None, 1])
def test_text_that_ends_in_the_line_of_the_json_is_left_out(compare, indent):
    def kept(document):
        return f"loading ... ok{json.dumps(document, indent=indent)} done\n"

    found = compare(kept(benchmark(entry("x", 5))), kept(benchmark(entry("x", 6))))
    assert figures(found, "real_time") == {"x": (5, 6)}
    assert "left out: 'loading ... ok', 'done'" in found.notes
    assert set(compare(kept(fio(9000.0)), kept(fio(9900.0))).cases) == {"lake/read"}


def test_logs_that_are_json_are_left_out_as_other_lines_are(compare):
    text = '{"level": "info"}\n' + json.dumps(benchmark(entry("x", 5)), indent=1) + "\n[1] done\n"
    found = compare(text, benchmark(entry("x", 6)))
    assert figures(found, "real_time") == {"x": (5, 6)}
    assert "left out: '{\"level\": \"info\"}', '[1] done'" in found.notes


# What was asked for


def test_values_that_begin_alike_are_shown_where_they_differ(compare):
    place = "/dev/disk/by-id/nvme-" + "LAKE" * 10
    old, new = (fio(**{"global options": {"filename": place + end}}) for end in ("-1", "-2"))
    refusal = compare(old, new).refusal
    assert "LAKELA-1 there" not in refusal and "LAKE-1 there, ..." in refusal
    assert "LAKE-2 here" in refusal


def test_all_differences_can_be_allowed_by_one_line(compare):
    new = fio(**{"fio version": "fio-3.35", "global options": {"bs": "8k"}})
    refusal = compare(fio(), new).refusal
    assert refusal.endswith("or say --allow 'fio version' --allow 'global options.bs'")
    allowed = ("--allow", "fio version", "--allow", "global options.bs")
    assert compare(fio(), new, *allowed).code == 0


def test_names_that_are_none_are_refused(compare):
    documents = (benchmark(entry("x", 5)), benchmark(entry("x", 6)))
    assert compare(*documents, "--metric", "reel_time").refusal == (
        "--metric reel_time: there are cpu_time, real_time, and all"
    )
    assert "--allow host_nam" in compare(*documents, "--allow", "host_nam").refusal
