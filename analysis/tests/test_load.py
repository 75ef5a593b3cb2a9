# SPDX-License-Identifier: Apache-2.0
import argparse
import copy
import json
import random

import jsonschema
import numpy as np
import pytest

from analysis import options
from analysis.data.bad_data import BadData
from analysis.data.json_files import is_number, read_lines
from analysis.data.load import load
from analysis.data.path_check import is_surely_path
from analysis.tests.conftest import counted_windows, histogram_record, path, record
from formats import schema


def records_file(folder):
    return folder / "stock" / "boot-01" / "micro.jsonl"


def test_samples_are_pairs(write_campaign):
    (loaded,) = load(write_campaign([record(samples=[70, 140, 71, 141], exact=False)])).records
    np.testing.assert_array_equal(loaded.samples, [[70, 140], [71, 141]])


def test_a_kernel_record_says_how_it_was_measured(write_campaign):
    more = {
        "cost_shifted": 6.5,
        "shifted_samples": [80, 150],
        "irqs": "preempt_off",
        "pages": 64,
        "stand_in": True,
        "rejected": {"interrupt": 2},
        "overhead": {"sample": 41.5, "ioctl_share": 0.0004},
    }
    (loaded,) = load(write_campaign([record(**more)])).records
    np.testing.assert_array_equal(loaded.shifted_samples, [[80, 150]])
    assert (loaded.cost_shifted, loaded.irqs, loaded.pages, loaded.stand_in) == (
        6.5,
        "preempt_off",
        64,
        True,
    )
    assert (loaded.rejected, loaded.overhead_ticks, loaded.ioctl_share) == (
        {"interrupt": 2},
        41.5,
        0.0004,
    )


def test_a_record_without_them_is_read(write_campaign):
    (loaded,) = load(write_campaign([record()])).records
    assert (loaded.cost_shifted, loaded.irqs, loaded.pages, loaded.stand_in) == (
        None,
        None,
        None,
        False,
    )
    assert (loaded.overhead_ticks, loaded.ioctl_share, loaded.shifted_samples.size) == (
        None,
        None,
        0,
    )


WINDOWS = {"case_n": (70, 71), "case_2n": (140,), "empty_n": (20,), "empty_2n": (40,)}


def test_a_record_may_have_histograms_in_place_of_samples(write_campaign):
    (loaded,) = load(write_campaign([histogram_record(WINDOWS, exact=False)])).records
    assert loaded.samples.shape == (0, 2)
    assert loaded.histogram["case_n"]["buckets"] == [[70, 70, 1], [71, 71, 1]]
    assert (loaded.cost, loaded.exact) == (5, False)


def test_only_histograms_of_one_value_are_exact(write_campaign):
    folder = write_campaign([histogram_record(WINDOWS | {"case_n": (70, 70)}, exact=True)])
    assert load(folder).records[0].exact
    records_file(folder).write_text(json.dumps(histogram_record(WINDOWS, exact=True)) + "\n")
    with pytest.raises(BadData, match="exact, and its histogram has more than one value"):
        load(folder)


def test_a_torn_last_line_is_dropped_with_a_word(write_campaign):
    folder = write_campaign([record(), record("empty", cost=0)])
    path = records_file(folder)
    path.write_text(path.read_text()[:-40])
    campaign = load(folder)
    assert [one.case for one in campaign.records] == ["kernel/kmap_local/dram"]
    assert (
        len(campaign.warnings) == 1
        and str(path) in campaign.warnings[0]
        and "torn" in campaign.warnings[0]
    )


def test_a_broken_line_before_the_last_is_an_error_that_names_it(write_campaign):
    folder = write_campaign([record(), record("empty")])
    path = records_file(folder)
    path.write_text("{" + path.read_text())
    with pytest.raises(BadData, match=r"micro\.jsonl:1: not JSON"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cost": "5"}, "cost"),
        ({"cost": True}, "cost"),
        ({"boot": 1.5}, "boot"),
        ({"clock": None}, "clock"),
        ({"exact": 1}, "exact"),
        ({"samples": [1, 2, 3]}, "samples"),
        ({"samples": ["a", "b"]}, "samples"),
        ({"shifted_samples": [1]}, "shifted_samples"),
        ({"cost_shifted": "5"}, "cost_shifted"),
        ({"irqs": 0}, "irqs"),
        ({"stand_in": 1}, "stand_in"),
    ],
)
def test_a_wrong_field_is_named(write_campaign, change, field):
    folder = write_campaign([record()])
    records_file(folder).write_text(json.dumps(record() | change) + "\n")
    with pytest.raises(BadData, match=field):
        load(folder)


def test_a_missing_field_is_named(write_campaign):
    folder = write_campaign([record()])
    raw = record()
    del raw["oracle"]
    records_file(folder).write_text(json.dumps(raw) + "\n")
    with pytest.raises(BadData, match="field oracle is missing"):
        load(folder)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(write_campaign, constant):
    folder = write_campaign([record()])
    records_file(folder).write_text(
        json.dumps(record()).replace('"cost": 5', f'"cost": {constant}') + "\n"
    )
    with pytest.raises(BadData, match=constant):
        load(folder)


def test_a_number_too_large_for_a_double_is_refused(write_campaign):
    folder = write_campaign([record()])
    records_file(folder).write_text(
        json.dumps(record()).replace('"cost": 5', '"cost": 1e999') + "\n"
    )
    with pytest.raises(BadData, match="no finite number"):
        load(folder)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (-1.5, True),
        (2**64 - 1, True),
        (2**64, False),
        (-(2**64), False),
        (float("nan"), False),
        (True, False),
        ("1", False),
    ],
)
def test_a_number_is_finite_and_has_64_bits(value, number):
    assert is_number(value) is number


def test_another_format_is_refused(write_campaign):
    with pytest.raises(BadData, match="format 2"):
        load(write_campaign([record()], header={"format": 2}))


def test_no_campaign_and_no_record_say_so(tmp_path, write_campaign):
    with pytest.raises(BadData, match="no campaign there"):
        load(tmp_path / "nowhere")
    with pytest.raises(BadData, match="not one record"):
        load(write_campaign([]))


def test_a_table_of_configurations_is_said_to_be_one(tmp_path, write_campaign):
    good = write_campaign([record()])
    table = tmp_path / "configs"
    table.mkdir()
    (table / "table.json").write_text("{}")
    (table / "configs.json").write_text("{}")
    for sides in ([table, good], [good, table], [f"{table}:off", good]):
        parsed = argparse.Namespace(sides=list(map(str, sides)), history=[])
        with pytest.raises(BadData, match="configs: a table of configurations .*: read table.txt"):
            options.check_compare(parsed)
    with pytest.raises(BadData, match="a table of configurations"):
        load(table)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [record(), record()],
            r"micro\.jsonl:2: case kernel/kmap_local/dram: there already in this boot",
        ),
        (
            [record(), record(launch=2, clock="tsc", unit="ticks", exact=False)],
            "tsc ticks lower here and icount instructions lower elsewhere: never mixed",
        ),
        ([record(variant="plain")], "a record of plain, boot 1, in another's folder"),
        ([record(boot=2)], "a record of stock, boot 2, in another's folder"),
        ([record(samples=[70, 140, 70, 141])], "exact, and its samples differ"),
        ([record(unit="miles")], "field unit is wrong: miles"),
        ([record(samples=[-1, 5], exact=False)], "samples are no times"),
        ([record(samples=[True, 5], exact=False)], "samples are not pairs of numbers"),
        ([record(counters={"cycles:k": {"value": 1}})], "counter cycles:k is wrong"),
        ([record(samples=[70, 140, 140, 70])], "exact, and its samples differ"),
        (
            [record(counters={"cycles:k": {"value": True, "enabled": 1, "running": 1}})],
            "counter cycles:k is wrong",
        ),
        ([record(ops=1 << 70)], "field ops is no finite number"),
        ([record(ops=0)], "field ops is wrong: 0"),
        ([record(cost=-3.0, samples=[70, 140])], "exact, and its samples say 5, not -3"),
        ([record(pkrs_writes=-2)], "field pkrs_writes is wrong: -2"),
        ([record(samples=[], histogram={})], "field histogram is wrong"),
        (
            [record(**counted_windows(6, 5, cost=7))],
            "counted_windows of cycles are wrong",
        ),
        (
            [record(**counted_windows(6, 5, unavailable="no PMU here counts cycles"))],
            "counted_windows of cycles are wrong",
        ),
        (
            [record(**counted_windows(6, 5, empty_samples=[20]))],
            "counted_windows of cycles are wrong",
        ),
        (
            [record(**counted_windows(6, 5, problem=5))],
            "counted_windows of cycles are wrong",
        ),
    ],
)
def test_records_that_contradict_themselves_or_each_other_are_refused(write_campaign, lines, said):
    folder = write_campaign([record()])
    records_file(folder).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(BadData, match=said):
        load(folder)


def test_columns_say_the_same_as_the_records(write_campaign):
    counters = {
        "cycles:k": {"value": 7, "enabled": 9, "running": 9},
        "cycles:u": {"value": 3, "enabled": 9, "running": 4},
        "cycles": {"unavailable": "no PMU"},
    }
    records = load(
        write_campaign(
            [record(boot=1), record("empty", 1, None), record(boot=2, cost=6, counters=counters)]
        )
    ).records
    np.testing.assert_array_equal(records.column("boot"), [1, 1, 2])
    np.testing.assert_array_equal(records.column("cost"), [5, np.nan, 6])
    assert [records.names["case"][code] for code in records.column("case")] == [
        one.case for one in records
    ]
    values, offsets = records.samples()
    np.testing.assert_array_equal(values[offsets[2] : offsets[3]], records[2].samples.ravel())
    np.testing.assert_array_equal(records.counters["cycles:k"], [np.nan, np.nan, 7])
    assert records.counters["cycles:u"][2] == 3 * 9 / 4, "counted for a part of the time"
    assert np.isnan(records.counters["cycles"]).all()


def test_boots_come_by_number(write_campaign):
    assert [
        one.boot
        for one in load(write_campaign([record(boot=boot) for boot in (100, 99, 9)])).records
    ] == [9, 99, 100]


def test_another_try_of_a_boot_is_not_the_boot(write_campaign):
    folder = write_campaign([record()])
    records_file(folder).parent.rename(folder / "stock" / "boot-01.crashed-1")
    with pytest.raises(BadData, match="not one record"):
        load(folder)


# Lines that look like a field of whole numbers, or have one; and what the samples are.
READ_ALIKE = [
    ('{"samples":[1,23,456]}', [1, 23, 456]),
    ('{"a":{"samples":[1,2]},"b":3}', None),
    ('{"a":{"samples":[1,2]},"samples":[3,4]}', [3, 4]),
    ('{"samples":[1,2],"samples":[3,4]}', [3, 4]),
    ('{"a":"\\"samples\\":[1,2]","samples":[3,4]}', [3, 4]),
    ('{"a":"samples","samples":[3,4]}', [3, 4]),
    ('{"samples":[]}', []),
    ('{"samples":[0,1]}', [0, 1]),
    ('{"samples":[1,0]}', [1, 0]),
    ('{"samples":[10,20]}', [10, 20]),
    ('{"samples":[1,2.5]}', [1, 2.5]),
    ('{"samples":[-1,2]}', [-1, 2]),
    ('{"samples":[1e3,2]}', [1000.0, 2]),
    ('{"samples": [1, 2]}', [1, 2]),
    ('{"samples":[1,[2]]}', [1, [2]]),
    ('{"samples":["1","2"]}', ["1", "2"]),
    ('{"samples":[9007199254740993,1]}', [9007199254740993, 1]),
    ('{"samples":[99999999999999999999999,1]}', [99999999999999999999999, 1]),
    ('{"samples":7}', 7),
]


@pytest.mark.parametrize(("line", "samples"), READ_ALIKE)
def test_samples_are_read_as_json_has_them(tmp_path, line, samples):
    path = tmp_path / "micro.jsonl"
    path.write_text(line + "\n")
    ((_, value),) = read_lines(path, [], ("samples",))
    found = value.get("samples")
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == samples
    assert value.keys() == json.loads(line).keys()
    ((_, plain),) = read_lines(path, [])
    assert plain == json.loads(line)


@pytest.mark.parametrize(
    "rest", ["1,,2]}", ",1,2]}", "1,2,]}", "01,2]}", "1,02]}", ",]}", "1 2]}", "1,2]]}", "1,2]}x"]
)
def test_samples_that_are_not_json_are_refused_by_the_same_words(tmp_path, rest):
    path = tmp_path / "micro.jsonl"
    path.write_text(f'{{"a":1,"samples":[{rest}\n')
    messages = []
    for arrays in ((), ("samples",)):
        with pytest.raises(BadData, match="not JSON") as error:
            list(read_lines(path, [], arrays))
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_whole_numbers_come_as_an_array_or_not_at_all(tmp_path):
    path = tmp_path / "micro.jsonl"
    path.write_text('{"samples":[7,8],"empty_samples":[9]}\n{"empty_samples":[9.5]}\n')
    (_, first), (_, second) = read_lines(path, [], ("samples",), ("empty_samples",))
    assert (first["samples"].dtype, first["samples"].tolist()) == (np.int64, [7, 8])
    assert (first["empty_samples"], second["empty_samples"]) == (None, [9.5])


@pytest.mark.parametrize("times", ["9,,8", "9,08", "9,8,"])
def test_what_is_not_read_is_checked_all_the_same(write_campaign, times):
    folder = write_campaign([record()])
    line = json.dumps(record(), separators=(",", ":")).replace("[20,40]", f"[{times}]")
    assert times in line
    records_file(folder).write_text(line + "\n")
    with pytest.raises(BadData, match="micro.jsonl:1: not JSON"):
        load(folder)


def test_an_exact_record_may_have_no_samples(write_campaign):
    (loaded,) = load(write_campaign([record(samples=[], empty_samples=[])])).records
    assert loaded.exact and loaded.samples.shape == (0, 2)


def broken_paths(line: dict) -> list[dict]:
    """The line with something else at one place of it, or with a part too much or too little."""
    chooser = random.Random(1)
    values = [None, -1, 0, 1, 1.0, True, "", "x", [], [1], {}, [{}], ["x"], 10**30]
    found = []
    for _ in range(2000):
        one = copy.deepcopy(line)
        place = chooser.choice([one, *one["functions"], *one["stacks"]])
        name = chooser.choice([*place, "more"])
        if chooser.random() < 0.2:
            place.pop(name, None)
        else:
            place[name] = chooser.choice(values)
        found.append(one)
    return found


def test_a_path_that_passes_the_quick_look_passes_the_schema():
    line = path(kmap_local_page=5, wrmsr=1) | {
        "stacks": [{"stack": ["a", "b"], "instructions": 3, "wrmsr": 0}],
        "pkrs_writes": 1,
    }
    assert is_surely_path(line) and is_surely_path(path())
    validator = jsonschema.Draft202012Validator(schema.load("path"))
    passed = [one for one in broken_paths(line) if is_surely_path(one)]
    assert 20 < len(passed) < 1000
    assert all(validator.is_valid(one) for one in passed)
