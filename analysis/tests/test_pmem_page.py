# SPDX-License-Identifier: Apache-2.0
"""The page of persistent memory in a comparison of a kernel that protects it with one that does
not.
"""

import json
import re

import pytest

from analysis.compare import engine, inputs
from analysis.report import writer
from analysis.report.comparison import as_html, as_json, as_ktap, as_markdown, as_text
from analysis.tests.conftest import path, record
from analysis.tests.support.comparisons import groups

PAIR = "kernel/kmap_local/"


def of(variant: str, **costs: float | None) -> list[dict]:
    """Records of both boots; None: skipped."""
    return [
        record(PAIR + case, boot, cost, variant=variant)
        | (
            {"status": "skipped", "reason": "protects no device pages", "exact": False}
            if cost is None
            else {}
        )
        for boot in (1, 2)
        for case, cost in costs.items()
    ]


OFF = of("off", dram=5, devmap=5, protected=None)
ON = of("on", dram=19, devmap=29, protected=56)


def figures(group) -> dict[str, tuple[float, float]]:
    return {row.case: (row.old, row.new) for row in group.rows}


def test_it_is_the_first_row_in_place_of_the_case_that_one_side_lacks(campaign):
    (group,) = groups(campaign("c", OFF + ON))
    assert list(figures(group).items()) == [
        ("pmem page", (5, 56)),
        (f"{PAIR}dram", (5, 19)),
        (f"{PAIR}devmap", (5, 29)),
    ]
    assert group.lost == []
    assert any(
        f"{PAIR}devmap in " in note and f"{PAIR}protected in " in note for note in group.notes
    )
    (back,) = groups(campaign("d", OFF + ON), baseline="on")
    assert figures(back)["pmem page"] == (56, 5)


@pytest.mark.parametrize(
    ("glob", "shown"),
    [
        (f"{PAIR}protected", {"pmem page"}),
        ("kernel/*", {"pmem page", f"{PAIR}dram", f"{PAIR}devmap"}),
        ("pmem page", {"pmem page"}),
        (f"{PAIR}devmap", {f"{PAIR}devmap"}),
    ],
)
def test_who_asks_for_the_protected_case_gets_it(campaign, glob, shown):
    pairs = inputs.pair_sources([str(campaign("c", OFF + ON))], None)
    (group,) = engine.compare(pairs.sources, cases=[glob])
    assert set(figures(group)) == shown


@pytest.mark.parametrize("export", [as_text, as_markdown, as_html, as_json, as_ktap])
def test_each_form_has_it_before_all_others(campaign, export):
    (group,) = groups(campaign("c", OFF + ON))
    text = export.export([group], [])
    assert text.index("pmem page") < text.index("dram")
    assert "56" in text


def test_the_report_of_a_campaign_has_it_before_all_others(campaign):
    text = writer.write_report(campaign("c", OFF + ON)).details
    against = text.split("Against off: ")[1]
    assert re.search(r"pmem page +\+51\n", against)
    assert against.index("pmem page") < against.index("dram")


def writes(one: dict) -> int:
    """The protected page is written for twice."""
    return 2 if one["case"] == f"{PAIR}protected" else 0


@pytest.fixture(params=["in the record", "in an older path.jsonl"])
def counted(request, write_campaign):
    """A campaign whose PKRS writes were counted."""
    if request.param == "in the record":
        return write_campaign([one | {"pkrs_writes": writes(one)} for one in OFF + ON])
    paths = [
        path(one["case"], one["boot"], wrmsr=writes(one), body=3) | {"variant": one["variant"]}
        for one in OFF + ON
        if one["cost"] is not None
    ]
    return write_campaign(OFF + ON, paths)


def test_pkrs_writes_are_a_row_below_the_page(counted):
    (group,) = groups(counted)
    first, second, *others = group.rows
    assert (first.case, first.old, first.new) == ("pmem page", 5, 56)
    assert (second.case, second.metric.name) == ("pmem page", "pkrs_writes")
    assert (second.old, second.new, second.exact) == (0, 2, True)
    assert "pkrs_writes" not in {row.metric.name for row in others}  # 0 on both sides
    for export in (as_text, as_markdown, as_html):
        text = export.export([group], [])
        assert re.search(r"pmem page\W.*?56.*\W+pmem page: PKRS writes\W.*?0.*2", text, re.DOTALL)
    assert "most: pmem page +51 (5 -> 56), PKRS writes 0 -> 2" in (
        " ".join(as_text.export([group], []).split())
    )
    assert "3 more;" in as_text.export([group], [])  # a case each
    row = json.loads(as_json.export([group], []))["groups"][0]["rows"][1]
    assert (row["metric"], row["old"], row["new"]) == ("pkrs_writes", 0, 2)
    assert "not ok 2 pmem page pkrs_writes" in as_ktap.export([group], [])


def test_nothing_stands_in_where_both_have_it_or_one_failed(campaign):
    (both,) = groups(campaign("both", of("off", devmap=9, protected=50) + ON))
    assert figures(both) == {f"{PAIR}devmap": (9, 29), f"{PAIR}protected": (50, 56)}
    failed = [
        one | ({"status": "flagged"} if one["case"] == f"{PAIR}protected" else {}) for one in OFF
    ]
    (lost,) = groups(campaign("failed", failed + ON))
    assert "pmem page" not in figures(lost) and [one.case for one in lost.lost] == [
        f"{PAIR}protected"
    ]


def test_what_is_no_difference_between_kernels_comes_last(campaign):
    model = [
        record(f"model/kmap_local/{name}", boot, 12, variant=variant)
        for name in ("dram", "devmap")
        for boot in (1, 2)
        for variant in ("off", "on")
    ]
    (group,) = groups(campaign("c", model + OFF + ON))
    assert [row.case.split("/")[0] for row in group.rows] == [
        *("pmem page", "kernel", "kernel"),
        *("model", "model"),
    ]
    text = as_text.export([group], [])
    assert text.index("The module's own code") < text.index("model/kmap_local/dram")
    assert "3 more, 2 same; most: pmem page +51 (5 -> 56)" in text


def test_counts_are_more_or_fewer_and_times_slower_or_faster(campaign):
    (group,) = groups(campaign("c", OFF + ON))
    assert " more" in as_text.export([group], []) and "slower" not in as_text.export([group], [])
    verdicts = {
        row["verdict"] for row in json.loads(as_json.export([group], []))["groups"][0]["rows"]
    }
    assert verdicts == {"slower"}
