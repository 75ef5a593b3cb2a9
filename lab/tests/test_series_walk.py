# SPDX-License-Identifier: Apache-2.0
"""What each patch of a series costs, and counts in the code in place of boots."""

import argparse
import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from formats import exit_codes
from lab.bisect import bisect_plan, bisect_run, kernel_figure, series_walk
from lab.bisect.bisect_plan import SeriesPlan
from lab.bisect.kernel_figure import Figure
from lab.bisect.static_source import StaticSource
from lab.core.errors import Interrupted, KmapbenchError
from lab.kernels import source_build, source_checkout
from lab.tests.support import fake_source
from lab.tests.support.fake_path import BASE_CONFIG, FakeMake
from lab.tests.support.fake_source import git

pytestmark = pytest.mark.program  # git, gcc and objdump

CASE = "kernel/kmap_local/dram"
SUBJECTS = ["first: nothing", "second: three more", "third: one less"]
COSTS = [5.0, 5.0, 8.0, 7.0]


@pytest.fixture(scope="module")
def series(tmp_path_factory) -> Path:
    """A folder of three patches, beside a mailbox of the same."""
    folder = tmp_path_factory.mktemp("series")
    tree = fake_source.write(folder / "linux")
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "release")
    for words, cost in zip(SUBJECTS, COSTS[1:], strict=True):
        (tree / "number").write_text(f"{words}\n")
        (tree / "extra").write_text(f"{cost - 5:g}\n")
        git(tree, "add", "-A")
        git(tree, "commit", "-q", "-m", words)
    git(tree, "format-patch", "-q", "-o", str(folder / "patches"), "HEAD~3")
    (folder / "all.mbox").write_text(git(tree, "format-patch", "--stdout", "HEAD~3") + "\n")
    return folder


@pytest.fixture(autouse=True)
def sources(tmp_path, monkeypatch) -> list[tuple]:
    """In place of sources: with which patches each was asked for."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    asked: list[tuple] = []

    @contextmanager
    def open_source(image, cache, say):
        asked.append(image.patches)
        folder = tmp_path / f"source{len(asked)}"
        folder.mkdir()
        source = fake_source.write(folder / "source")
        for patch in image.patches:
            source_checkout.apply(patch, source, folder / "log")
        yield source, FakeMake(source)

    monkeypatch.setattr(source_build, "open_source", open_source)
    return asked


def planned(*words) -> SeriesPlan:
    parser = argparse.ArgumentParser()
    bisect_plan.add_options(parser)
    arguments = parser.parse_args(list(map(str, words)))
    arguments.given = ["bisect"]
    plan = bisect_plan.from_arguments(arguments)
    assert isinstance(plan, SeriesPlan)
    return plan


def walked(plan: SeriesPlan, find) -> tuple[int, list[str]]:
    bisect_plan.write(plan)
    said: list[str] = []
    return series_walk.walk(plan, said.append, find), said


def by_number(plan, number, variant, folder) -> Figure:
    cost = COSTS[int(number)]
    return Figure(number, cost, "", {"body": 2.0, "body > kmap_local_page": cost - 2})


@pytest.mark.parametrize("name", ["patches", "all.mbox"])
def test_each_patch_has_its_cost_and_the_functions_it_changes(series, tmp_path, name):
    variants = []

    def find(plan, number, variant, folder):
        variants.append(variant)
        return by_number(plan, number, variant, folder)

    plan = planned("--series", series / name, "--case", CASE, "--out", tmp_path / "out")
    code, said = walked(plan, find)
    assert code == exit_codes.OK
    rows = [" ".join(line.split()) for line in said]
    assert rows == [
        "0 5 none of the patches",
        "1 5 +0 first: nothing",
        "2 8 +3 second: three more",
        "body > kmap_local_page: 3 -> 6 (+3)",
        "3 7 -1 third: one less",
        "body > kmap_local_page: 6 -> 5 (-1)",
    ]
    assert (plan.folder / "result.txt").read_text().splitlines()[1:] == said
    table = json.loads((plan.folder / "series.json").read_text())
    assert [(row["subject"], row["cost"]) for row in table["patches"]] == [
        ("none of the patches", 5),
        ("first: nothing", 5),
        ("second: three more", 8),
        ("third: one less", 7),
    ]
    assert (table["case"], table["static"]) == (CASE, False) and table["source"]
    assert table["patches"][2]["functions"] == {"body": 2.0, "body > kmap_local_page": 6.0}
    assert [len(variant.image.patches) for variant in variants] == [0, 1, 2, 3]
    assert {variant.image.config for variant in variants} == {plan.folder / "config"}
    assert (plan.folder / "config").read_text() == BASE_CONFIG


def test_a_patch_without_a_figure_is_said_and_no_patch_is_blamed_for_its_neighbours(
    series, tmp_path
):
    def find(plan, number, variant, folder):
        if number == "1":
            return Figure(number, None, "mm/x.c:1: error: y", {})
        return by_number(plan, number, variant, folder)

    plan = planned("--series", series / "patches", "--case", CASE, "--out", tmp_path / "out")
    code, said = walked(plan, find)
    assert code == exit_codes.FAILED
    assert "not measured (mm/x.c:1: error: y)  first: nothing" in said[1]
    assert said[2].split()[:3] == ["2", "8", "?"] and said[3].split()[:3] == ["3", "7", "-1"]


def test_one_boot_a_patch_takes_figures_that_are_exact(series, tmp_path):
    def find(plan, number, variant, folder):
        return replace(by_number(plan, number, variant, folder), exact=False)

    plan = planned("--series", series / "patches", "--case", CASE, "--out", tmp_path / "out")
    with pytest.raises(KmapbenchError, match=f"{CASE}: samples of one boot differ"):
        walked(plan, find)


def test_in_the_code_nothing_is_booted_and_what_was_counted_is_kept(series, tmp_path, sources):
    words = ("--series", series / "patches", "--case", CASE, "--static", "--out", tmp_path / "out")
    shutil.which("gcc") or pytest.skip("gcc is not installed")
    said: list[str] = []
    assert bisect_run.run(planned(*words), say=said.append) == exit_codes.OK
    rows = [" ".join(line.split()) for line in said if line[:4].strip()]
    assert [row.split()[1] for row in rows] == ["5", "5", "8", "7"]
    assert rows[2].startswith("2 8 +3 second")
    # One for the configuration, one that takes the patches one after the other.
    assert [len(patches) for patches in sources] == [3, 0]
    again = planned("--resume", tmp_path / "out")
    assert again.static and again.patches == series / "patches"
    assert bisect_run.run(again, say=said.append) == exit_codes.OK
    assert len(sources) == 2  # nothing is looked at twice


def test_an_ended_walk_says_how_it_goes_on(series, tmp_path, monkeypatch):
    plan = planned("--series", series / "patches", "--case", CASE, "--out", tmp_path / "out")

    def ends(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(series_walk, "walk", ends)
    with pytest.raises(Interrupted, match=f"bisect --resume {plan.folder}"):
        bisect_run.run(plan)


def test_a_case_that_is_no_straight_line_has_no_count(series, tmp_path, monkeypatch):
    @contextmanager
    def open_source(image, cache, say):
        source = fake_source.write(tmp_path / "calls")
        make = FakeMake(source)
        make.config.write_text("CONFIG_LONG=0\nCONFIG_CALLS=y\n")
        yield source, make

    monkeypatch.setattr(source_build, "open_source", open_source)
    plan = planned(
        *("--series", series / "patches", "--case", CASE, "--static", "--out", tmp_path / "out")
    )
    variant = series_walk.variant_of(plan, [], None)
    figure = kernel_figure.find(plan, "0", variant, tmp_path / "figure")
    assert (figure.cost, figure.why) == (None, f"{CASE}: it has call; a boot would say")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--series", "{there}"], "--case is missing"),
        (["--series", "{there}/gone", "--case", CASE], "gone: no *.patch there"),
        (["--series", "{there}/empty", "--case", CASE], "empty: no *.patch there"),
        (["v1", "--series", "{there}/patches", "--case", CASE], "v1: not with --series"),
        (
            ["--series", "{there}/patches", "--static", "--case", "elsewhere/syscall"],
            "--static counts one of kernel/kmap_local/dram",
        ),
    ],
)
def test_what_cannot_be_walked_is_said_at_once(series, words, said):
    (series / "empty").mkdir(exist_ok=True)
    with pytest.raises(KmapbenchError) as error:
        planned(*(word.replace("{there}", str(series)) for word in words))
    assert said in str(error.value)


def test_a_search_of_another_kmapbench_is_refused(tmp_path):
    (tmp_path / "bisect.json").write_text(json.dumps({"series": "x"}))
    with pytest.raises(KmapbenchError, match="not as kmapbench has written it"):
        planned("--resume", tmp_path)


def test_a_source_that_a_patch_does_not_fit_is_made_anew(series, tmp_path, sources):
    """As where a patch before it was changed."""
    shutil.which("gcc") or pytest.skip("gcc is not installed")
    plan = planned("--series", series / "patches", "--case", CASE, "--static")
    patches = tuple(sorted((series / "patches").glob("*.patch")))
    images = [series_walk.variant_of(plan, patches[:number], None).image for number in range(4)]
    with StaticSource() as source:
        for number, opened in ((0, 1), (2, 1), (3, 1), (1, 2), (3, 2)):
            counted, functions = source.count(replace(images[number], fragments=()), CASE)
            assert (counted.cost, len(sources)) == (COSTS[number], opened)
            assert sum(functions.values()) == COSTS[number] + 2
