# SPDX-License-Identifier: Apache-2.0
"""Files that kmapbench did not make: Google Benchmark's and fio's."""


import pytest

from analysis.compare import engine, inputs
from analysis.data.bad_data import BadData
from analysis.report.comparison import format
from analysis.stats.sample import Unit
from analysis.tests.support.foreign_files import benchmark_file, fio_file


def rows(*arguments, **options):
    return [
        row
        for group in engine.compare(
            inputs.pair_sources([str(one) for one in arguments], None)[0], **options
        )
        for row in group.rows
    ]


def test_repetitions_of_one_launch_give_no_verdict(tmp_path):
    (row,) = rows(
        benchmark_file(tmp_path / "a.json", 100), benchmark_file(tmp_path / "b.json", 110, seed=2)
    )
    assert (row.case, row.verdict, row.pair.old.unit, row.n_old) == (
        "BM_x/8",
        "exploratory",
        Unit.REPETITION,
        5,
    )
    assert "repetitions of one launch" in row.reason and row.ratio == pytest.approx(1.1, abs=0.002)


def test_a_folder_of_files_is_a_launch_each(tmp_path):
    for number in range(6):
        benchmark_file(tmp_path / "old" / f"{number}.json", 100, seed=number)
        benchmark_file(tmp_path / "new" / f"{number}.json", 104, seed=10 + number)
    (row,) = rows(tmp_path / "old", tmp_path / "new")
    assert (row.verdict, row.pair.old.unit) == ("exploratory", Unit.LAUNCH)
    assert (row.n_old, row.n_new) == (6, 6) and 1.03 < row.ratio < 1.05
    (back,) = rows(tmp_path / "new", tmp_path / "old")
    assert back.ratio == pytest.approx(1 / row.ratio)


def test_units_are_brought_together_and_directions_known(tmp_path):
    for number in range(6):
        benchmark_file(tmp_path / "old" / f"{number}.json", 100, seed=number, unit="us")
        benchmark_file(tmp_path / "new" / f"{number}.json", 105, seed=10 + number, unit="us")
    found = {
        row.metric.name: (format.describe_verdict(row).split(" by ")[0], float(f"{row.old:.2g}"))
        for row in rows(tmp_path / "old", tmp_path / "new", metrics=["all"])
    }
    assert found["real_time"] == ("exploratory: looks slower", 100e3)
    # 20 MB/s, and more is better
    assert found["bytes_per_second"] == ("exploratory: looks slower", 20)
    assert "my_counter" not in found


def test_another_machine_is_refused_and_another_day_is_not(tmp_path):
    one = benchmark_file(tmp_path / "a.json", 100)
    assert rows(one, benchmark_file(tmp_path / "b.json", 100, seed=2))
    with pytest.raises(BadData, match="differ in host_name"):
        rows(one, benchmark_file(tmp_path / "c.json", 100, host_name="other"))


def test_all_jobs_and_directions_of_fio_are_read(tmp_path):
    found = rows(fio_file(tmp_path / "a.json", 6000.0, 3), fio_file(tmp_path / "b.json", 6600.0, 3))
    assert {row.case for row in found} == {"dax/read", "dax#2/read", "dax#3/read"}
    assert {row.metric.name: (row.metric.better, round(row.ratio, 3)) for row in found} == {
        "clat_mean": ("lower", 1.1),
        "iops": ("higher", 0.909),
        "bandwidth": ("higher", 0.909),
    }


def test_fio_runs_in_folders_are_launches_and_each_metric_knows_its_direction(tmp_path):
    for number in range(6):
        fio_file(tmp_path / "old" / f"{number}.json", 6000.0 + number, 1)
        fio_file(tmp_path / "new" / f"{number}.json", 6300.0 + number, 1)
    for sides, looks in ((("old", "new"), "slower"), (("new", "old"), "faster")):
        found = rows(*(tmp_path / side for side in sides))
        said = {format.describe_verdict(row).split(" by ")[0] for row in found}
        assert said == {f"exploratory: looks {looks}"}


def test_another_block_size_is_refused(tmp_path):
    with pytest.raises(BadData, match=r"differ in .*dax\.bs"):
        rows(fio_file(tmp_path / "a.json", bs="4k"), fio_file(tmp_path / "b.json", bs="64k"))


def test_formats_are_not_mixed(tmp_path):
    one, two = benchmark_file(tmp_path / "a.json", 100), fio_file(tmp_path / "b.json")
    with pytest.raises(
        BadData, match="is Google Benchmark's JSON and .* fio's JSON: their figures are never mixed"
    ):
        rows(one, two)
    with pytest.raises(BadData, match="both Google Benchmark's JSON and fio's"):
        rows(tmp_path, one)
