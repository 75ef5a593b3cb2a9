# SPDX-License-Identifier: Apache-2.0
"""A campaign's variants against its baseline: in the text, in the tables of the page, in the forest
plot.
"""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from analysis.compare import within_campaign
from analysis.data.load import load
from analysis.report import writer
from analysis.report.builder import build_report
from analysis.report.figures import case_figures
from analysis.tests.conftest import HEADER, by_coin, environment, record

DRAM = "kernel/kmap_local/dram"
KEY_OFF = "model/kmap_local/key_off"
STOCK = HEADER["variants"]["stock"]
PATCHED = {"protected": STOCK | {"patched": True}, "plain": STOCK | {"patched": False}}


def counted(variant: str, boot: int, cost: float, case: str = DRAM) -> dict:
    return record(case, boot, cost, variant=variant)


def timed(variant: str, boot: int, cost: float, case: str = DRAM) -> dict:
    time = {"clock": "tsc", "unit": "ticks", "exact": False, "chain": 1.0, "cost_core_cycles": cost}
    return record(case, boot, cost, variant=variant, **time)


@pytest.fixture
def counts(write_campaign):
    """Two boots each; the patched variant stands first and is no baseline for it. And a user model,
    which is no kernel.
    """
    records = [timed("host", 1, 40, "user/kmap_local/dram")]
    for boot in (1, 2):
        for variant, cost in (("protected", 19), ("plain", 5)):
            records += [counted(variant, boot, cost), counted(variant, boot, 12, KEY_OFF)]
    return write_campaign(records, header={"variants": PATCHED})


@pytest.fixture
def times(write_campaign):
    """Eight pairs by a coin; 3 % more on a path of 200 cycles, nothing on another."""
    order, records = [], []
    for boot in range(1, 9):
        for variant in ("plain", "protected") if boot % 2 else ("protected", "plain"):
            order.append(
                {
                    "variant": variant,
                    "boot": boot,
                    "status": "ok",
                    "started": HEADER["started"],
                    "ended": HEADER["ended"],
                }
            )
            wobble = (boot * 7 % 5 - 2) * 0.1
            records.append(timed(variant, boot, (206 if variant == "protected" else 200) + wobble))
            records.append(timed(variant, boot, 300 + wobble, KEY_OFF))
    planned = [
        {"variant": one["variant"], "boot": one["boot"], "round": one["boot"]} for one in order
    ]
    header = {"variants": PATCHED, "order": order, "planned": planned, "design": "pairs"}
    return write_campaign(records, header=header)


def test_counts_are_held_against_the_unpatched_variant_to_the_digit(counts):
    verdicts = within_campaign.compare_variants(load(counts))
    (group,) = verdicts.groups
    assert verdicts.refused == []
    assert (group.old.label, group.new.label) == ("plain", "protected")
    assert {(row.case, row.verdict, row.difference) for row in group.rows} == {
        (DRAM, "slower", 14),
        (KEY_OFF, "same", 0),
    }


def test_the_text_says_what_differs_what_is_the_same_and_how_it_was_judged(counts):
    text = writer.write_report(counts).details
    assert max(map(len, text.splitlines())) <= 72
    block = text.split("Against plain: ")[1].split("Notes")[0]
    assert ["dram", "+14"] in [line.split() for line in block.splitlines()] and "2+2 boots" in block
    words = " ".join(block.split())
    assert f"The same to the digit in every variant: {KEY_OFF}." in words
    assert (
        "Verdicts against plain. protected: 1 more, 1 same; most: kernel/kmap_local/dram +14"
        " (5 -> 19). Counts that repeat to the digit are"
        " compared exactly." in words
    )


def test_time_has_a_ratio_its_interval_how_many_boots_and_the_test(times):
    text = writer.write_report(times).details
    assert max(map(len, text.splitlines())) <= 72
    words = " ".join(text.split())
    assert "protected against plain: core cycles, cycles, by the time stamp counter" in words
    slower = words.split(f"{DRAM} slower: 200 -> 206 x1.03")[1].split("8+8 boots")[0]
    low, high = (float(end) for end in slower.split("[")[1].split("]")[0].split(","))
    assert 1 < low <= 1.0301 and 1.0299 <= high < 1.04
    assert "95% interval by signed ranks" in words and "by randomisation" in words
    assert "A/A: the baseline differs from itself by at most" in words


def test_a_table_of_the_page_has_a_row_a_comparison_and_the_baseline_against_itself(times):
    model = build_report(load(times))
    (table,) = [table for table in model.tables if table.name.startswith("verdicts-")]
    rows = [dict(zip(table.columns, row)) for row in table.rows]
    assert [(row["case"], row["variant"], row["verdict"]) for row in rows[:2]] == [
        (DRAM, "protected", "slower"),
        (KEY_OFF, "protected", "same"),
    ]
    assert [row["variant"] for row in rows[2:]] == ["plain again", "plain again"]
    assert rows[0]["95 % from"] <= rows[0]["ratio"] <= rows[0]["to"]
    assert "by randomisation" in table.caption and "by the time stamp counter" in table.caption


def words_of(svg) -> list[str]:
    return [
        element.text
        for element in ElementTree.parse(svg).iter()
        if element.text and element.text.strip()
    ]


def test_exact_counts_are_in_the_table_and_in_no_forest_plot(counts):
    """A mark on an axis of ratios says less than the figure beside it."""
    writer.write_report(counts)
    assert not (counts / "charts" / "forest-cost.svg").exists()
    page = (counts / "report" / "index.html").read_text()
    assert 'id="table-verdicts-cost"' in page and '<td data-sort="+14">+14</td>' in page


def test_the_forest_plot_begins_with_the_largest_change_and_has_whole_cases(
    write_campaign, monkeypatch
):
    """Not as they were measured, and no kernel is left out of a case."""
    changes = {"little": (100, 101), "most": (50, 190), "same": (70, 70), "less": (100, 80)}
    kernels = {"plain": 0, "a": 1, "b": 1}
    records = [
        counted(kernel, boot, costs[side] + boot % 2 / 10, f"kernel/{case}") | {"exact": False}
        for case, costs in changes.items()
        for boot in range(1, 9)
        for kernel, side in kernels.items()
    ]
    records.append(counted("plain", 1, 5, "kernel/exact"))
    records += [counted(name, 1, 9, "kernel/exact") for name in ("a", "b")]
    described = {name: STOCK | {"patched": name != "plain"} for name in kernels}
    folder = write_campaign(records, header={"variants": described} | by_coin(records))
    monkeypatch.setattr(case_figures, "_MOST_ROWS", 5)
    writer.write_report(folder)
    words = words_of(folder / "charts" / "forest-cost.svg")
    assert [word for word in words if word.startswith("kernel/")] == ["kernel/most", "kernel/less"]
    assert sum(word.endswith("more") and word.startswith("x3") for word in words) == 2
    assert "The 2 cases that change most are shown, 4 of 8 others." in words
    assert "Not drawn: 2 of 10 comparisons, which are exact: the table has them." in words


def test_the_forest_plot_of_times_has_all_comparisons_and_the_margin(times):
    writer.write_report(times)
    assert not (times / "charts" / "forest-cost.svg").exists()
    words = words_of(times / "charts" / "forest-core_cycles.svg")
    aa = {"A/A: a baseline against itself", f"plain: {DRAM}"}
    assert {DRAM, KEY_OFF} | aa <= set(words)
    assert any("margin" in word for word in words) and not any(
        "emulated" in word.lower() for word in words
    )


def test_two_clocks_are_never_on_one_axis(write_campaign):
    """A case counted on both kernels, another timed on both."""
    records = [counted(variant, 1, cost) for variant, cost in (("plain", 5), ("protected", 19))]
    records += [
        timed(variant, boot, cost + boot, KEY_OFF)
        for variant, cost in (("plain", 100), ("protected", 200))
        for boot in (1, 2)
    ]
    families = within_campaign.compare_variants(
        load(write_campaign(records, header={"variants": PATCHED}))
    ).families
    assert [{row.metric.clock for row in family} for family in families] == [{"icount"}, {"tsc"}]


def test_a_variant_that_was_measured_elsewhere_has_no_verdict_and_the_others_do(write_campaign):
    names = ("plain", "off", "protected")
    folder = write_campaign(
        [counted(name, 1, cost) for name, cost in zip(names, (5, 5, 19))],
        header={"variants": {name: STOCK for name in names}},
    )
    for name in names:
        facts = environment(model="another" if name == "off" else "QEMU TCG")
        (folder / name / "boot-01" / "environment.json").write_text(json.dumps(facts))
    found = within_campaign.compare_variants(load(folder))
    assert [group.new.label for group in found.groups] == ["protected"]
    (refused,) = found.refused
    assert (refused.old, refused.new) == ("plain", "off")
    assert "plain and off differ in cpu.model name" in refused.why
    assert "off against plain: not compared: plain and off differ" in " ".join(
        writer.write_report(folder).details.split()
    )


def test_what_changed_among_the_boots_of_a_variant_is_said(write_campaign):
    folder = write_campaign(
        [counted(name, boot, 5) for name in ("plain", "protected") for boot in (1, 2)],
        header={"variants": PATCHED},
    )
    for name in PATCHED:
        for boot in (1, 2):
            (folder / name / f"boot-{boot:02d}" / "environment.json").write_text(
                json.dumps(environment(model=f"model {boot}"))
            )
    assert "plain: cpu.model name changed among its boots" in " ".join(
        writer.write_report(folder).details.split()
    )


def test_a_baseline_that_differs_from_itself_leaves_counts_as_they_are(write_campaign):
    """One case of the metric moves from boot to boot; another is counted to the digit."""
    records = []
    for boot in range(1, 9):
        for name in PATCHED:
            records += [
                counted(name, boot, 5 if name == "plain" else 19),
                counted(name, boot, 100 + 20 * (boot % 2), KEY_OFF) | {"exact": False},
            ]
    text = writer.write_report(write_campaign(records, header={"variants": PATCHED})).details
    assert ["dram", "+14"] in [line.split() for line in text.splitlines()]
    assert "A/A: the baseline differs from itself by at most" in " ".join(text.split())


def test_one_variant_alone_is_compared_with_nothing(write_campaign):
    folder = write_campaign([counted("stock", 1, 5)])
    assert within_campaign.compare_variants(load(folder)).groups == []
    assert "Verdicts" not in writer.write_report(folder).details
    assert not list(folder.glob("charts/forest*"))


def test_each_family_is_held_against_its_own_baseline(write_campaign):
    """And a kernel that is alone of its family against the first."""
    costs = {"plain": 5, "protected": 19, "distro-plain": 9, "distro": 25, "mine": 6}
    of = {"protected": "plain", "distro": "distro-plain"}
    folder = write_campaign(
        [counted(name, 1, cost) for name, cost in costs.items()],
        header={
            "variants": {
                name: STOCK | {"patched": "plain" not in name, "baseline": of.get(name, name)}
                for name in costs
            }
        },
    )
    found = within_campaign.compare_variants(load(folder))
    assert {
        group.new.label: (group.old.label, [row.difference for row in group.rows])
        for group in found.groups
    } == {
        "protected": ("plain", [14]),
        "distro": ("distro-plain", [16]),
        "mine": ("plain", [1]),
    }
    text = writer.write_report(folder).details
    assert "Against plain and distro-plain: cost" in " ".join(text.split())


@pytest.mark.parametrize("declared", [True, False])
def test_persistent_memory_may_differ_where_the_variants_say_so(write_campaign, declared):
    regions = {"plain": 1, "protected-two": 2} if declared else {"plain": 1, "protected-two": 1}
    folder = write_campaign(
        [counted(name, 1, cost) for name, cost in (("plain", 5), ("protected-two", 19))],
        header={"variants": {name: STOCK | {"regions": count} for name, count in regions.items()}},
    )
    emulator = {"emulator": {"cpu": "max", "memory_mib": 640, "observed": True}}
    memory = {"total": "560 MiB", "huge_pages": "always [madvise] never", "nodes": {}}
    less = {"total": "496 MiB", "huge_pages": "always madvise [never]", "nodes": {}}
    second = {"pmem": {"namespace1.0": {"bytes": "67108864", "mode": "dax", "node": "0"}}}
    for name, more in (("plain", {"memory": memory}), ("protected-two", {"memory": less} | second)):
        facts = environment() | emulator | more
        (folder / name / "boot-01" / "environment.json").write_text(json.dumps(facts))
    found = within_campaign.compare_variants(load(folder))
    assert [group.new.label for group in found.groups] == ["protected-two"] * declared
    assert ["pmem" in refused.why for refused in found.refused] == [True] * (not declared)
