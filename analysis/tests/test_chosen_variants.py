# SPDX-License-Identifier: Apache-2.0
"""Variants that are named on compare's command line, and what it shows of them."""

import argparse
import json

import pytest

from analysis import options
from analysis.data.bad_data import BadData
from analysis.tests.conftest import HEADER, record
from analysis.tests.support.comparisons import run

COSTS = {"plain": 5, "off": 5, "idle": 7, "protected": 19}
STOCK = HEADER["variants"]["stock"]
VARIANTS = {name: STOCK | {"patched": name != "plain"} for name in COSTS}


@pytest.fixture
def folder(campaign):
    """Two boots of each of four variants; a second case costs the same in all."""
    records = [
        record(f"kernel/kmap_local/{case}", boot, cost if case == "dram" else 3, variant=variant)
        for boot in (1, 2)
        for variant, cost in COSTS.items()
        for case in ("dram", "devmap")
    ]
    return campaign("c", records, header={"variants": VARIANTS})


def compared(*arguments) -> list[tuple[str, str]]:
    """Old and new variant of each pair."""
    result = run(*arguments, "--format", "json")
    assert result.returncode == 0, result.stderr
    return [
        (group["old"].rpartition(":")[2], group["new"].rpartition(":")[2])
        for group in json.loads(result.stdout)["groups"]
    ]


def refusal(*arguments) -> str:
    result = run(*arguments)
    assert result.returncode == 2 and not result.stdout
    return result.stderr


def test_the_first_of_a_list_is_what_the_others_are_compared_with(folder):
    assert compared(f"{folder}:off,protected") == [("off", "protected")]
    assert compared(f"{folder}:off,protected,idle") == [("off", "protected"), ("off", "idle")]
    assert "no records of none" in refusal(f"{folder}:off,none")
    assert "give no other side" in refusal(f"{folder}:off,idle", folder)


def test_variants_can_be_chosen_of_one_campaign_and_of_two(folder):
    assert compared(folder, "--variants", "plain,idle") == [("plain", "idle")]
    assert compared(folder, folder, "--variants", "off") == [("off", "off (again)")]
    assert "--variants none: in none of" in refusal(folder, "--variants", "off,none")
    assert "one variant has nothing" in refusal(folder, "--variants", "off")


@pytest.mark.parametrize("sides", [("{}/off",), ("{}:plain", "{}/off"), ("{}", "off")])
def test_a_variant_in_another_form_is_answered_with_the_right_one(folder, sides):
    given = argparse.Namespace(sides=[side.format(folder) for side in sides], history=[])
    with pytest.raises(BadData, match=f"a variant is given as {folder}:off"):
        options.check_compare(given)


def test_only_what_changed_is_shown_and_all_is_counted(folder):
    text = run(f"{folder}:off,protected", "--only-changed").stdout
    assert "kernel/kmap_local/dram" in text and "kernel/kmap_local/devmap" not in text
    assert "1 more, 1 same" in text and "left out of the table: 1 same" in text
    nothing = run(f"{folder}:plain,off", "--only-changed").stdout
    assert "2 same" in nothing and "kernel/" not in nothing


def test_markdown_folds_what_is_unchanged(folder):
    text = run(f"{folder}:off,protected", "--format", "md").stdout
    shown, folded = text.split("<details>")
    assert "dram" in shown and "devmap" not in shown
    assert "**more**" in shown and "| same |" in folded
    assert "<summary>1 unchanged</summary>\n\n| case" in folded and "devmap" in folded


@pytest.mark.parametrize(
    ("sides", "verdict"),
    [("off,protected", "slower"), ("protected,off", "faster"), ("plain,off", "same")],
)
def test_json_has_one_verdict_on_top(folder, sides, verdict):
    value = json.loads(run(f"{folder}:{sides}", "--format", "json").stdout)
    assert value["verdict"] == value["groups"][0]["verdict"] == verdict
    assert list(value)[:2] == ["format", "verdict"]
