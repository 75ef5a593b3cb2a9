# SPDX-License-Identifier: Apache-2.0
"""`list` and `show`: campaigns by their first sentence, a record from its samples to its cost."""

import argparse
import json

import pytest

from analysis import commands, options
from analysis.data.bad_data import BadData
from analysis.data.load import load
from analysis.report import writer
from analysis.report.text.campaign_table import render_list
from analysis.report.text.record_view import render_case
from analysis.summary.campaign_list import list_campaigns
from analysis.tests.conftest import HEADER, counted_windows, path, record

CASE = "kernel/kmap_local/dram"


def run(function, add, *words):
    parser = argparse.ArgumentParser()
    add(parser)
    return commands.execute(function, parser.parse_args([str(word) for word in words]))


def test_campaigns_are_listed_with_what_came_out_the_newest_first(tmp_path, write_campaign):
    new = write_campaign([record()])
    writer.write_report(new)
    for name, text in (
        ("old", json.dumps(HEADER | {"started": "2025-12-31T00:00:00Z"})),
        ("torn", "{"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "campaign.json").write_text(text)
    lines = render_list(list_campaigns(tmp_path)).splitlines()
    claim = (new / "report.txt").read_text().split("\n\n")[0]
    assert lines[0] == f"{new}  2026-01-01  stock"
    assert " ".join(" ".join(lines[1:-2]).split()) == " ".join(claim.split())
    assert lines[-2:] == [f"{tmp_path / 'old'}  2025-12-31  stock", "    no report"]


def test_a_folder_without_a_campaign_is_one_line(tmp_path, capsys):
    assert run(commands.list_campaigns, options.add_list, tmp_path) == 2
    assert "no campaign there" in capsys.readouterr().err


def test_a_case_is_shown_from_its_samples_to_its_cost(write_campaign):
    taken = [[70, 140], [80, 140]]  # 10 operations; medians 75 and 140
    folder = write_campaign(
        [record(CASE, cost=4.5, samples=[*taken[0], *taken[1]], exact=False, oracle="held")],
        [path(CASE, wrmsr=2, kmap=5)],
    )
    text = render_case(load(folder), CASE, None)
    assert "medians: 75 for 10 operations, 140 for 20" in text
    assert "(140 - 75) / 10 = 6.5\n" in text and "less 2 of the empty loop = 4.5\n" in text
    assert "cost      4.5 instructions an operation (median of the samples)" in text
    assert "PKRS writes: 2\n" in text and "       5  kmap\n" in text
    assert "held: the closed page could not be written" in text


def test_a_variant_without_the_case_is_named(write_campaign):
    with pytest.raises(BadData, match=f"no record of {CASE} in nope$"):
        arguments = argparse.Namespace(folder=write_campaign([record()]), case=CASE, variant="nope")
        commands.show(arguments)


def test_what_the_pmu_counted_is_shown_or_why_not_to_trust_it(write_campaign):
    wrong = "an operation takes 90.0 cycles by the PMU and 10.0 by the clock"
    boots = [
        record(CASE, **counted_windows(6, 5)),
        record(CASE, boot=2, **counted_windows(90, 5, problem=wrong)),
    ]
    text = render_case(load(write_campaign(boots)), CASE, None)
    assert "PMU       6.00 cycles, 5.00 instructions, in the same windows\n" in text
    assert "PMU       5.00 instructions, in the same windows\n" in text
    assert f"PMU       not to be trusted: {wrong}" in " ".join(text.split("\n            "))


def test_boots_that_are_alike_are_shown_once(write_campaign):
    folder = write_campaign(
        [record(CASE, boot=boot, cost=cost) for boot, cost in ((1, 5), (2, 5), (3, 6))]
    )
    text = render_case(load(folder), CASE, "stock")
    assert text.count("  cost ") == 2
    assert f"{CASE} on stock, boot 1; boot 2\n" in text and f"{CASE} on stock, boot 3\n" in text
    assert render_case(load(folder), CASE, "other") == ""


def test_why_there_is_no_figure_is_shown(write_campaign):
    bad = record(CASE, cost=None, exact=False) | {"status": "skipped", "reason": "no PKS here"}
    text = render_case(load(write_campaign([bad])), CASE, None)
    assert "skipped: no PKS here" in text and "cost" not in text


@pytest.mark.parametrize(("case", "said"), [("dram", CASE), ("nope", "./kmapbench cases")])
def test_a_name_that_is_none_is_one_line_with_what_there_is(write_campaign, capsys, case, said):
    folder = write_campaign([record(CASE)])
    assert run(commands.show, options.add_show, folder, case) == 2
    assert said in capsys.readouterr().err
