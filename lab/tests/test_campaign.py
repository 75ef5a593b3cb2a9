# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from lab.campaign import store, validation
from lab.campaign.schedule import Step
from lab.core.errors import KmapbenchError
from lab.host import bench_program
from lab.run import campaign_name
from lab.tests.support.records import ENVIRONMENT

HEADER = {
    "asked": {"arguments": [], "boots": 1, "only": None, "kernel": None},
    "seed": 1,
    "variants": {},
    "tools": {},
    "kmapbench": {"commit": "unknown", "dirty": False},
    "planned": [
        {"variant": "stock", "boot": 1, "half": "A"},
        {"variant": "off", "boot": 1},
        {"variant": "stock", "boot": 2, "half": "A'"},
    ],
}

RECORD = {
    "case": "kernel/kmap_local/dram",
    "variant": "stock",
    "boot": 1,
    "launch": 1,
    "clock": "icount",
    "unit": "instructions",
    "better": "lower",
    "status": "ok",
    "ops": 10,
    "cost": 5,
    "empty": 2,
    "exact": True,
    "oracle": "none",
    "counters": {},
    "rejected": {},
    "samples": [70, 140],
    "empty_samples": [20, 40],
}

HISTOGRAM = {"count": 2, "sum": 141, "min": 70, "max": 71, "buckets": [[70, 70, 1], [71, 71, 1]]}
HISTOGRAMS = {name: HISTOGRAM for name in ("case_n", "case_2n", "empty_n", "empty_2n")}
LONG_RECORD = {name: value for name, value in RECORD.items() if "samples" not in name} | {
    "histogram": HISTOGRAMS
}


@pytest.fixture
def kept(tmp_path):
    return store.Campaign.begin(tmp_path / "c", HEADER)


def test_a_record_is_in_the_file_at_once(kept):
    boot = kept.begin_boot("stock", 1)
    for count in (1, 2):
        boot.append(RECORD)
        assert [
            json.loads(line) for line in (boot.folder / "micro.jsonl").read_text().splitlines()
        ] == [RECORD] * count


def test_a_full_disk_names_the_file_and_keeps_what_was_there(kept):
    boot = kept.begin_boot("stock", 1)
    (boot.folder / "micro.jsonl").symlink_to("/dev/full")
    with pytest.raises(KmapbenchError, match=r"micro\.jsonl: No space left on device"):
        boot.append(RECORD)
    assert (
        json.loads((kept.folder / "campaign.json").read_text())["order"][0]["status"] == "running"
    )


def test_the_order_is_what_happened(kept):
    kept.begin_boot("b", 1).end()
    kept.begin_boot("a", 1).end("hung")
    order = json.loads((kept.folder / "campaign.json").read_text())["order"]
    assert [(step["variant"], step["status"], step.get("reason")) for step in order] == [
        ("b", "ok", None),
        ("a", "crashed", "hung"),
    ]
    assert order[0]["started"] <= order[0]["ended"] <= order[1]["started"]


def again(kept: store.Campaign, **changes) -> store.Campaign:
    """Another process goes on with it."""
    kept.release()
    reopened = store.Campaign.reopen(kept.folder)
    reopened.go_on(HEADER | changes)
    return reopened


def test_what_was_cut_short_is_made_again_and_nothing_is_thrown_away(kept):
    kept.begin_boot("stock", 1).end()
    cut_short = kept.begin_boot("off", 1)
    cut_short.append(RECORD)
    reopened = again(kept)
    assert reopened.left() == [Step("off", 1), Step("stock", 2, "A'")]
    reopened.begin_boot("off", 1).end()
    assert reopened.left() == [Step("stock", 2, "A'")]
    steps = json.loads((kept.folder / "campaign.json").read_text())["order"]
    assert [(step["variant"], step["try"], step["status"]) for step in steps] == [
        ("stock", 1, "ok"),
        ("off", 1, "interrupted"),
        ("off", 2, "ok"),
    ]
    assert json.loads((kept.folder / "off" / "boot-01.try-1" / "micro.jsonl").read_text()) == RECORD
    assert list((kept.folder / "off" / "boot-01").iterdir()) == []


def test_a_step_that_crashed_is_left_to_do(kept):
    kept.begin_boot("stock", 1).end("hung")
    assert again(kept).left()[0] == Step("stock", 1, "A")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tools": {"qemu": "9"}}, 'tools.qemu was null, is "9"'),
        (
            {
                "variants": {
                    "stock": {"what": "", "release": "", "packages": {}, "cpu": "", "cmdline": ""}
                }
            },
            "variants.stock was null",
        ),
        ({"kmapbench": {"commit": "unknown", "dirty": True}}, "kmapbench.dirty was false, is true"),
    ],
)
def test_it_does_not_go_on_with_other_parts(kept, change, words):
    with pytest.raises(KmapbenchError, match=words):
        again(kept, **change)


def test_two_at_once_in_one_folder_are_refused(kept):
    with pytest.raises(KmapbenchError, match="another kmapbench is at work in it"):
        store.Campaign.reopen(kept.folder)


def test_a_folder_that_is_none_cannot_be_resumed(tmp_path):
    with pytest.raises(KmapbenchError, match="campaign.json: No such file"):
        store.Campaign.reopen(tmp_path)


def test_a_folder_that_is_there_is_not_written_to(kept):
    with pytest.raises(KmapbenchError, match="there already"):
        store.Campaign.begin(kept.folder, HEADER)


@pytest.mark.parametrize(
    "change",
    [
        {"clock": "sundial"},
        {"unit": "ticks"},  # of an icount record
        {"clock": "tsc", "unit": "ticks"},  # and exact
        {"status": "skipped"},  # without a reason
        {"oracle": "failed"},  # with a cost
        {"samples": [1.5]},
        {"samples": [1, -1]},
        {"empty_samples": [True]},
        {"case": "No/Such Name"},
        {"unknown": 1},
        {"irqs": "sometimes"},
        {"pages": 0},
        {"stand_in": False},  # said only where it is so
        {"rejected": {"value": 1}},  # never for its value
        {"overhead": {"sample": 1}},
        {"histogram": HISTOGRAMS},  # and samples
    ],
)
def test_the_schema_refuses(change):
    validation.validate("record", RECORD)
    with pytest.raises(KmapbenchError):
        validation.validate("record", RECORD | change)


def test_the_schema_takes_what_a_kernel_case_says():
    more = {
        "cost_shifted": None,
        "shifted_samples": [],
        "irqs": "off",
        "pages": 64,
        "stand_in": True,
        "rejected": {"smi": 0},
    }
    validation.validate(
        "record", RECORD | more | {"overhead": {"sample": 191.0, "ioctl_share": 0.0005}}
    )


@pytest.mark.parametrize(
    "histograms",
    [
        {**HISTOGRAMS, "chain_n": HISTOGRAM},
        {name: HISTOGRAMS[name] for name in ("case_n", "case_2n")},
        {**HISTOGRAMS, "shifted_n": HISTOGRAM},  # and no shifted_2n
        {**HISTOGRAMS, "case_n": {**HISTOGRAM, "buckets": [[70, 71]]}},
        {**HISTOGRAMS, "case_n": {**HISTOGRAM, "buckets": []}},
    ],
)
def test_the_schema_refuses_a_histogram(histograms):
    validation.validate("record", LONG_RECORD)
    with pytest.raises(KmapbenchError):
        validation.validate("record", LONG_RECORD | {"histogram": histograms})


def test_the_schema_wants_samples_or_histograms():
    without = {name: value for name, value in LONG_RECORD.items() if name != "histogram"}
    with pytest.raises(KmapbenchError):
        validation.validate("record", without)


def test_new_folders_never_collide(tmp_path):
    first = campaign_name.new_folder(tmp_path, "stock")
    first.mkdir()
    second = campaign_name.new_folder(tmp_path, "stock")
    assert second != first and second.name.startswith(first.name[:10])


def test_a_boot_on_something_else_is_said(kept, tmp_path):
    config = tmp_path / "config"
    config.write_text("CONFIG_PKS=y\n")
    for number, microcode in ((1, "0x1"), (2, "0x1"), (3, "0x2")):
        boot = kept.begin_boot("stock", number)
        boot.write_environment(
            ENVIRONMENT | {"cpu": ENVIRONMENT["cpu"] | {"microcode": microcode}}, config
        )
        boot.end()
    assert kept.differences() == ['stock, boot 3: cpu.microcode was "0x1", is "0x2"']
    assert (kept.folder / "stock" / "config").read_text() == config.read_text()


def test_launches_become_repetitions():
    one = {
        "context": {"a": 1},
        "benchmarks": [{"name": "x", "real_time": 1.0}, {"name": "y", "real_time": 2.0}],
    }
    two = {"context": {"a": 2}, "benchmarks": [{"name": "x", "real_time": 3.0}]}
    merged = bench_program.merged([one, two])
    assert merged["context"] == {"a": 1}
    assert [
        (b["name"], b["real_time"], b["repetition_index"], b["repetitions"])
        for b in merged["benchmarks"]
    ] == [
        ("x", 1.0, 0, 2),
        ("y", 2.0, 0, 2),
        ("x", 3.0, 1, 2),
    ]
