# SPDX-License-Identifier: Apache-2.0
"""Searches and tables whose tasks a cluster does: here in this process, one after another."""

import argparse
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from formats import exit_codes
from lab.bisect import cluster_figures, commit_task, git_bisection
from lab.bisect.bisect_plan import BisectPlan, SeriesPlan
from lab.bisect.kernel_figure import Figure
from lab.cluster import task_parts
from lab.cluster.cluster_work import ClusterWork
from lab.configs import cluster_configs, configs_plan, configs_run, symbols_task
from lab.core.errors import KmapbenchError
from lab.kernels import variants
from lab.tests.support import fake_source
from lab.tests.support.fake_path import FakeMake
from lab.tests.support.fake_source import git

pytestmark = pytest.mark.program

_TASKS = {"commit": commit_task.measure_commit, "symbols": symbols_task.measure_symbols}


@pytest.fixture
def submitted(monkeypatch):
    """Does all that is submitted, at once; the words of all tasks. Those of `submitted.lost` are
    lost.
    """

    class Submitted(list):
        lost: set = set()

    tasks = Submitted()

    def do(work, arrays):
        for array in arrays:
            for words in array.tasks:
                tasks.append(words)
                _, kind, folder = array.command
                part = task_parts.begin(work.folder, [kind, *words])
                if not {*words} & tasks.lost:
                    task_parts.end(part, *_TASKS[kind](Path(folder), words, part))

    monkeypatch.setattr(ClusterWork, "do", do)
    monkeypatch.setattr(ClusterWork, "wait", lambda _: None)
    return tasks


# Searches

COSTS = (5, 5, 5, 8, 8)


@pytest.fixture
def plan(tmp_path, monkeypatch) -> BisectPlan:
    """A search in a repository whose fourth commit adds 3; no kernel is built."""
    tree = fake_source.write(tmp_path / "tree")
    git(tree, "init", "-q")
    commits = []
    for number in range(len(COSTS)):
        (tree / "file").write_text(f"{number}\n")
        git(tree, "add", ".")
        git(tree, "commit", "-qm", f"commit {number}")
        commits.append(git(tree, "rev-parse", "HEAD"))

    def find(search, kernel, variant, folder, boots=1):
        folder.mkdir(parents=True)
        place = commits.index(kernel) if kernel in commits else int(kernel)
        if place == 1:
            return Figure(kernel, None, "it does not compile", {})
        return Figure(kernel, COSTS[place], "", {}, [COSTS[place]] * boots)

    monkeypatch.setattr(commit_task.kernel_figure, "find", find)
    monkeypatch.setattr(commit_task.subprocesses, "output", lambda _: "QEMU 0\n")
    monkeypatch.setattr(commit_task.subprocesses, "find", lambda name, _: name)
    like = variants.find("plain")
    case = "kernel/kmap_local/dram"
    return BisectPlan(tree, commits[0], commits[-1], case, like, tmp_path / "b", ["bisect"])


def test_a_commit_is_found_and_both_ends_are_measured_at_once(plan, submitted):
    said = []
    assert cluster_figures.run(plan, [], said.append) == exit_codes.OK
    assert submitted[:2] == [(plan.good, "1"), (plan.bad, "1")]
    assert len(submitted) == len(set(submitted)) <= 5
    assert any(line.startswith("first bad commit: ") and "commit 3" in line for line in said)
    assert not task_parts.work_of(plan.folder).exists()


def test_a_search_that_lost_a_task_names_it_and_goes_on_with_what_it_has(plan, submitted):
    submitted.lost = {plan.bad}
    with pytest.raises(KmapbenchError, match=f"no figure of {plan.bad[:12]}: .*--resume .*--slurm"):
        cluster_figures.run(plan, [], print)
    submitted.lost = set()
    before = len(submitted)
    assert cluster_figures.run(plan, [], print) == exit_codes.OK
    assert (plan.bad, "1") in submitted[before:]
    assert git_bisection.count(plan.tree, plan.good, plan.bad) == 4


def test_kernels_of_a_series_are_submitted_at_once_behind_their_configuration(
    plan, submitted, tmp_path, monkeypatch
):
    series = tmp_path / "series"
    series.mkdir()
    for number in (1, 2, 3):
        (series / f"{number:04}.patch").write_text(f"Subject: [PATCH] change {number}\n\n")
    walked = SeriesPlan(series, plan.case, plan.like, tmp_path / "s", ["bisect"])

    def config_of(search, patches, say):
        kept = search.folder / "config"
        kept.write_text("")
        return kept

    monkeypatch.setattr(commit_task.series_walk, "config_of", config_of)
    said = []
    assert cluster_figures.run(walked, [], said.append) == exit_codes.FAILED  # one has no figure
    assert submitted == [("config",), ("0", "1"), ("1", "1"), ("2", "1"), ("3", "1")]
    assert [line.split()[1] for line in said if line.strip()[0].isdigit()] == ["5", "not", "5", "8"]


# Tables


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The plan of a table whose kernel is none."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    symbols = tmp_path / "symbols.toml"
    names = [f"S{number}" for number in range(10)]
    symbols.write_text("".join(f"[{name}]\nset = ['CONFIG_LONG=3']\n" for name in names))
    parser = argparse.ArgumentParser()
    configs_plan.add_options(parser)
    words = ["--static", "--symbols", str(symbols), "--out", str(tmp_path / "t")]
    planned = configs_plan.from_arguments(parser.parse_args(words, argparse.Namespace(given=[])))
    opened = []

    @contextmanager
    def open_source(image, cache, say):
        folder = tmp_path / f"source{len(opened)}"
        opened.append(folder)
        yield folder / "source", FakeMake(folder / "source")

    monkeypatch.setattr(configs_run.source_build, "open_source", open_source)
    sources = {"source": "s", "compiler": "c"}
    monkeypatch.setattr(configs_run, "sources", lambda _: dict(sources))
    return planned


def test_a_table_is_the_same_as_one_machines_and_a_task_that_was_lost_is_made_again(
    table, submitted, tmp_path
):
    said = []
    submitted.lost = {"S9"}
    assert cluster_configs.run(table, [], said.append) == exit_codes.FAILED
    assert said[-1].startswith("to go on: ./kmapbench configs --resume ")
    assert [len(words) for words in submitted] == [8, 3]  # the base, and ten
    submitted.lost = set()
    assert cluster_configs.run(table, [], said.append) == exit_codes.OK
    assert submitted[2:] == [submitted[1]]
    alone = replace(table, folder=tmp_path / "alone")
    assert configs_run.run(alone, said.append) == exit_codes.OK
    for name in ("table.json", "table.txt"):
        one, many = ((plan.folder / name).read_text() for plan in (alone, table))
        assert one == many
    assert not task_parts.work_of(table.folder).exists()
