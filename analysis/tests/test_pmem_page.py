# SPDX-License-Identifier: Apache-2.0
"""The page of persistent memory in a comparison of a kernel that protects it with one that does
not.
"""

import json
import re

import pytest

from analysis.report import writer
from analysis.report.comparison import as_html, as_json, as_ktap, as_markdown, as_text
from analysis.tests.conftest import record
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
