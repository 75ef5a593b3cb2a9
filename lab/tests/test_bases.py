# SPDX-License-Identifier: Apache-2.0
"""The versions of Linux that our kernels are built from, and our series for each."""

import re

import pytest

from lab.core.errors import KmapbenchError
from lab.kernels import bases, variant_choice, variants

ALL = list(bases.load().values())
DEFAULT, *OTHERS = ALL


def subjects(base: bases.Base) -> list[str]:
    """Those of a series, in order."""
    found = []
    for patch in sorted(base.series.glob("*.patch")):
        text = re.sub(r"\n (?=\S)", " ", patch.read_text().split("\n\n")[0])
        found.append(re.search(r"^Subject: \[PATCH\] (.+)$", text, re.MULTILINE)[1])
    return found


@pytest.mark.parametrize("base", ALL, ids=lambda base: base.name)
def test_all_variants_are_there_for_each_base(base):
    table = variants.load(base.name)
    assert list(table) == list(variants.load())
    assert table["plain"].image.source == base.source
    assert len(table["prep"].image.patches) == base.preparatory
    series = sorted(base.series.glob("*.patch"))
    assert list(table["protected"].image.patches) == series and len(series) > base.preparatory
    assert table["stock"].packaged


@pytest.mark.parametrize("base", OTHERS, ids=lambda base: base.name)
def test_series_have_the_same_patches_but_for_those_that_are_listed(base):
    ours, theirs = subjects(DEFAULT), subjects(base)
    assert set(base.without) <= set(ours) and set(base.only) <= set(theirs)
    assert [one for one in theirs if one not in base.only] == [
        one for one in ours if one not in base.without
    ]
    preparatory = set(ours[: DEFAULT.preparatory]) - set(base.without)
    assert set(theirs[: base.preparatory]) == preparatory


def test_a_base_is_chosen_by_its_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (plain,) = variant_choice.choose(["plain"], None, OTHERS[0].name)
    assert plain.image.source == OTHERS[0].source
    (plain,) = variant_choice.choose(["plain"], None)
    assert plain.image.source == DEFAULT.source
    with pytest.raises(KmapbenchError, match=r"^9\.9: no such base; .* 6\.12"):
        bases.find("9.9")


def test_a_table_of_the_users_is_built_from_the_base_too(tmp_path):
    table = tmp_path / "mine.toml"
    table.write_text('[variants.mine]\npks = "all"\n[variants.old]\nsource = "linux-source-1"\n')
    mine, old = variant_choice.choose(["mine", "old"], table, OTHERS[0].name)
    assert mine.image.source == OTHERS[0].source
    assert mine.image.patches == variants.load(OTHERS[0].name)["off"].image.patches
    assert old.image.source == "linux-source-1"


def test_a_fragment_of_a_base_is_on_top_of_the_one_for_all(tmp_path):
    for name in ("a.config", "a-6.12.config", "b.config"):
        (tmp_path / name).write_text("CONFIG_NUMA=y\n")
    table = tmp_path / "mine.toml"
    table.write_text('[variants.mine]\nconfig = "lab+b.config+a.config"\n')
    (mine,) = variant_choice.choose(["mine"], table, "6.12")
    names = [path.name for path in mine.image.fragments]
    assert names == ["lab.config", "lab-6.12.config", "b.config", "a.config", "a-6.12.config"]
    (mine,) = variant_choice.choose(["mine"], table, "7.3")
    names = [path.name for path in mine.image.fragments]
    assert names == ["lab.config", "b.config", "a.config"]


def test_the_suite_of_a_source_is_that_of_its_base():
    for base in ALL:
        assert bases.suite_of(base.source) == base.suite
    assert bases.suite_of("linux-source-9.9") is None
