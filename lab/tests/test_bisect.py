# SPDX-License-Identifier: Apache-2.0
"""Which commit changed a figure: the search with git's own bisect, and what is kept of it."""

import argparse
import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from formats import exit_codes
from lab.bisect import bisect_plan, bisect_run, boots_a_step, commit_figure, commit_search
from lab.bisect.bisect_plan import BisectPlan
from lab.bisect.commit_figure import Figure
from lab.bisect.git_bisection import Verdict
from lab.core.errors import Interrupted, KmapbenchError
from lab.kernels import git_tree, source_build, variants
from lab.run import runner
from lab.tests.support import fake_source
from lab.tests.support.fake_path import FakeMake
from lab.tests.support.fake_source import git

pytestmark = pytest.mark.program  # git, some hundred times

COMMITS, PLANTED = 40, 23
CASE = "kernel/kmap_local/dram"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A repository of a first commit and 40 more, of which one says 8 in place of 5."""
    folder = fake_source.write(tmp_path_factory.mktemp("tree") / "linux")
    git(folder, "init", "-q")
    for number in range(COMMITS + 1):
        (folder / "cost").write_text(f"{5 if number < PLANTED else 8}\n")
        (folder / "extra").write_text(f"{0 if number < PLANTED else 3}\n")
        (folder / "number").write_text(f"{number}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"commit {number}")
    return folder


@pytest.fixture
def plan(tree, tmp_path, monkeypatch) -> BisectPlan:
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    git_tree.content.cache_clear()
    return planned(f"HEAD~{COMMITS}", "HEAD", "--tree", tree, "--case", CASE, out=tmp_path / "b")


def planned(*words, out: Path | None = None) -> BisectPlan:
    parser = argparse.ArgumentParser()
    bisect_plan.add_options(parser)
    arguments = parser.parse_args([*map(str, words), *(["--out", str(out)] if out else [])])
    arguments.given = ["bisect", *map(str, words)]
    return bisect_plan.from_arguments(arguments)


class Lab:
    """Measures what a commit's file says; some commits do not build."""

    def __init__(self, broken: set[int] = frozenset(), ends_after: int | None = None):
        self.asked: list[int] = []
        self._broken, self._ends_after = broken, ends_after

    def __call__(self, plan: BisectPlan, commit: str, boots: int = 1) -> Figure:
        if len(self.asked) == self._ends_after:
            raise KeyboardInterrupt
        number = int(git(plan.tree, "show", f"{commit}:number"))
        self.asked.append(number)
        if number in self._broken:
            return Figure(commit, None, "kernel/fake.c:1: error", {})
        cost = float(git(plan.tree, "show", f"{commit}:cost"))
        functions = {"body > kmap_local_page": cost - 2, "body": 2.0}
        return Figure(commit, cost, "", functions, [cost] * boots)


def ended(plan: BisectPlan, lab) -> tuple[int, list[str]]:
    said: list[str] = []
    return bisect_run.run(plan, lab, said.append), said


def test_a_planted_commit_is_found_in_eight_boots_with_figures_and_function(plan, tree):
    lab = Lab()
    code, said = ended(plan, lab)
    assert code == exit_codes.OK and len(lab.asked) <= 8
    short = git(tree, "rev-parse", "--short", f"HEAD~{COMMITS - PLANTED}")
    assert said[-3].startswith(f"first bad commit: {short} commit {PLANTED} (")
    assert said[-2] == f"{CASE}: 5 -> 8 instructions (+3)"
    assert said[-1] == "  body > kmap_local_page: 3 -> 6 (+3)"
    assert (plan.folder / "result.txt").read_text().splitlines() == said[-3:]
    assert any(
        re.match(r"bad  8 instructions: \w+ commit \d+; about \d more$", line) for line in said
    )


def test_a_commit_that_cannot_be_measured_is_passed_over(plan):
    whole = Lab()
    ended(plan, whole)
    broken = {number for number in whole.asked[2:4] if number not in (PLANTED, PLANTED - 1)}
    lab = Lab(broken)
    code, said = ended(plan, lab)
    assert code == exit_codes.OK and f"commit {PLANTED} (" in said[-3]
    assert sum("not measured (kernel/fake.c:1: error)" in line for line in said) == len(
        broken & set(lab.asked)
    )
    assert f"{len(set(lab.asked) & broken)} commit" in said[-3]


def test_where_the_commits_around_it_cannot_be_measured_all_that_may_be_it_are_named(plan):
    code, said = ended(plan, Lab({PLANTED - 1, PLANTED}))
    assert code == exit_codes.FAILED
    start = next(index for index, line in enumerate(said) if line.startswith("it is one of 3"))
    names = {line.split(maxsplit=1)[1] for line in said[start + 1 :]}
    assert names == {f"commit {number}" for number in (PLANTED - 1, PLANTED, PLANTED + 1)}


def test_a_repository_is_only_read(plan, tree):
    before = {str(path): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    ended(plan, Lab())
    assert {str(path): path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_ends_that_say_nothing_are_told_of(plan):
    with pytest.raises(KmapbenchError, match="GOOD and BAD both have 8 instructions of kernel/"):
        ended(replace(plan, good=git(plan.tree, "rev-parse", "HEAD~1")), Lab())
    with pytest.raises(KmapbenchError, match=r"^BAD \w+ cannot be measured: kernel/fake"):
        ended(plan, Lab({COMMITS}))


@pytest.mark.parametrize(
    ("cost", "verdict"),
    [(5, "good"), (4, "good"), (6, "good"), (6.5, "good"), (7, "bad"), (9, "bad"), (None, "skip")],
)
def test_a_commit_goes_with_the_nearer_end(cost, verdict):
    assert commit_search.verdict_of(Figure("c", cost, "", {}), 5, 8) is Verdict(verdict)
    if cost is not None and cost != 6.5:
        other = {"good": "bad", "bad": "good"}[verdict]
        assert commit_search.verdict_of(Figure("c", 13 - cost, "", {}), 5, 8) is Verdict(other)


# What is kept, with a stand-in for the run


def stand_in(folder: Path, cost: float | None, exact: bool = True, number: int = 1) -> None:
    """Writes what a run would keep of a boot."""
    boot = folder / commit_figure.NAME / f"boot-{number:02d}"
    boot.mkdir(parents=True)
    record = {"case": CASE, "status": "ok", "cost": cost, "exact": exact}
    record |= {} if cost is not None else {"status": "flagged", "reason": "a control is off"}
    (boot / "micro.jsonl").write_text(json.dumps({"case": "empty"}) + "\n" + json.dumps(record))
    path = {"case": CASE, "ops": 10, "functions": [{"chain": ["a", "b"], "instructions": 30}]}
    (boot / "path.jsonl").write_text(json.dumps(path))


class Runs:
    """In place of the runner: writes a boot's files, after ending some runs in the middle."""

    def __init__(self, tree: Path, killed_at: int | None = None):
        self.count = 0
        self._tree, self._killed_at = tree, killed_at

    def __call__(self, plan) -> list[str]:
        (variant,) = plan.variants
        self.count += 1
        if self.count == self._killed_at:
            (plan.out / "half").mkdir(parents=True)
            raise KeyboardInterrupt
        stand_in(plan.out, float(git(self._tree, "show", f"{variant.image.commit}:cost")))
        return []


def test_a_search_that_was_ended_goes_on_and_measures_nothing_twice(plan, tree):
    first, second = Runs(tree, killed_at=5), Runs(tree)

    def by(runs):
        return lambda plan, commit, boots: commit_figure.measure(plan, commit, boots, runs)

    with pytest.raises(Interrupted, match="bisect --resume") as error:
        ended(plan, by(first))
    assert str(plan.folder) in str(error.value)
    again = planned("--resume", plan.folder)
    assert replace(again, folder=plan.folder) == plan
    code, said = ended(again, by(second))
    assert code == exit_codes.OK and f"commit {PLANTED} (" in "\n".join(said)
    assert (first.count - 1) + second.count <= 8


def test_in_the_code_a_commit_is_found_without_a_boot(tree, plan, tmp_path, monkeypatch):
    """In one source, which becomes each commit in turn."""
    shutil.which("gcc") or pytest.skip("gcc is not installed")
    opened = []

    @contextmanager
    def open_source(image, cache, say):
        opened.append(image.commit)
        scratch = tmp_path / f"scratch{len(opened)}"
        scratch.mkdir()
        git_tree.export(image.tree, image.commit, scratch / "source")
        yield scratch / "source", FakeMake(scratch / "source")

    monkeypatch.setattr(source_build, "open_source", open_source)
    monkeypatch.setattr(runner, "measure", lambda _: pytest.fail("it was booted"))
    said: list[str] = []
    code = bisect_run.run(replace(plan, static=True), say=said.append)
    assert code == exit_codes.OK and opened == [plan.good]
    assert f"commit {PLANTED} (8 counts in the code, 0 commits" in said[-3]
    assert said[-2] == f"{CASE}: 5 -> 8 instructions (+3)"
    assert said[-1].startswith("  ") and said[-1].endswith(": 7 -> 10 (+3)")  # with the loop's own


def test_a_figure_has_cost_and_functions(plan, tree):
    figure = commit_figure.measure(plan, plan.bad, 1, Runs(tree))
    assert (figure.cost, figure.functions) == (8, {"a > b": 3})


def test_a_commit_that_was_not_measured_is_tried_again(plan, tree):
    def fails(_):
        raise KmapbenchError("bisect: kernel/x.c:1: error: y")

    assert commit_figure.measure(plan, plan.bad, 1, fails).why == "bisect: kernel/x.c:1: error: y"
    assert commit_figure.measure(plan, plan.bad, 1, Runs(tree)).cost == 8


def test_what_no_commit_is_to_blame_for_ends_the_search(plan):
    def full(_):
        raise KmapbenchError("fs/x.o: No space left on device")

    with pytest.raises(KmapbenchError, match="No space left"):
        commit_figure.measure(plan, plan.bad, 1, full)


def test_a_record_that_is_no_figure_has_its_reason(plan):
    figure = commit_figure.measure(plan, plan.bad, 1, lambda one: stand_in(one.out, None) or [])
    assert (figure.cost, figure.why) == (None, f"{CASE}: a control is off")
    crashed = commit_figure.measure(plan, plan.bad, 1, lambda _: ["bisect, boot 1: panic"])
    assert crashed.why == "bisect, boot 1: panic"


class Noisy:
    """Measures what a commit's file says, with noise from boot to boot; from an exact boot on."""

    def __init__(self, deviation: float, exact: int = 0):
        self.boots: list[int] = []
        self._deviation, self._exact = deviation, exact
        self._random = np.random.default_rng(20)

    def __call__(self, plan: BisectPlan, commit: str, boots: int) -> Figure:
        self.boots.append(boots)
        cost = float(git(plan.tree, "show", f"{commit}:cost"))
        if len(self.boots) <= self._exact:
            return Figure(commit, cost, "", {"body": cost}, [cost])
        costs = [float(one) for one in self._random.normal(cost, self._deviation, boots)]
        return Figure(commit, float(np.mean(costs)), "", {"body": cost}, costs, False)


@pytest.mark.parametrize("exact", [0, 3])
def test_figures_that_are_not_exact_take_several_boots_a_commit(plan, exact):
    """Also where that is seen in the middle of the search only."""
    lab = Noisy(0.7, exact)
    code, said = ended(plan, lab)
    assert code == exit_codes.OK and f"commit {PLANTED} (" in "\n".join(said)
    (told,) = [line for line in said if "boots a commit" in line]
    boots, wrong = re.fullmatch(
        r"(\d) boots a commit; the chance that the answer is wrong is at most 1 in ([\d,]+)", told
    ).groups()
    assert int(boots) > 1 and int(wrong.replace(",", "")) >= 100
    assert lab.boots.count(boots_a_step.BOOTS_OF_AN_END) == 2
    steps = lab.boots.count(int(boots))
    assert set(lab.boots[-steps:]) == {int(boots)}
    boots_in_all = 2 * boots_a_step.BOOTS_OF_AN_END + steps * int(boots) + (exact > 0)
    assert f"({boots_in_all} boots, 0 commits that cannot be measured)" in said[-2]
    figures = re.fullmatch(
        rf"{CASE}: (\S+) -> (\S+) instructions \(([+]\S+) with a 95 % interval of ±(\S+)\)",
        said[-1],
    )
    assert float(figures[3]) == pytest.approx(3, abs=float(figures[4]))


def test_ends_that_are_not_told_apart_are_refused(plan):
    with pytest.raises(KmapbenchError, match=r"more than 6 boots a commit .* once in 100 times"):
        ended(plan, Noisy(2.0))


def test_the_chance_of_a_wrong_answer_is_as_said():
    """Of searches that are begun and not refused, over noise of all sizes."""
    random = np.random.default_rng(6)
    steps, wrong, claimed = 6, [], []
    for _ in range(4000):
        apart = random.uniform(0, 12)
        good, bad = random.normal(0, 1, (2, boots_a_step.BOOTS_OF_AN_END))
        bad += apart
        known = boots_a_step.effort(list(good), list(bad), steps)
        if known:
            of_bad = random.integers(2, size=steps).astype(bool)
            means = random.normal(of_bad * apart, 1 / np.sqrt(known.boots))
            near_bad = abs(means - bad.mean()) < abs(means - good.mean())
            wrong.append((near_bad != of_bad).any())
            claimed.append(known.wrong)
    assert len(wrong) > 2000 and 0 < max(claimed) <= boots_a_step.WRONG
    assert np.mean(wrong) <= np.mean(claimed) + 3 * np.sqrt(np.mean(claimed) / len(wrong))


def test_a_commit_of_several_boots_is_their_mean(plan, tree):
    def boots(costs):
        def run(one):
            for number, cost in enumerate(costs, 1):
                stand_in(one.out, cost, number=number)
            return []

        return run

    figure = commit_figure.measure(plan, plan.bad, 3, boots([5.0, 6.0, 10.0]))
    assert (figure.cost, figure.boots, figure.exact) == (7, [5, 6, 10], False)
    again = commit_figure.measure(plan, plan.bad, 2, boots([]))
    assert again == figure
    more = commit_figure.measure(plan, plan.bad, 4, boots([5.0] * 4))
    assert (more.cost, more.boots, more.exact) == (5, [5] * 4, True)
    lacks = commit_figure.measure(plan, plan.good, 3, boots([5.0, 5.0]))
    assert lacks.cost is None and "no record of it" in lacks.why


def test_kernels_are_built_and_booted_as_the_variant_that_is_named(plan):
    variant = commit_figure.variant_of(replace(plan, like=variants.find("nopks")), plan.bad)
    assert (variant.cmdline, variant.image.tree, variant.image.commit) == (
        "nopks",
        plan.tree,
        plan.bad,
    )
    assert variant.image.patches == variants.find("protected").image.patches


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["v9", "HEAD"], "GOOD v9: v9: no such commit"),
        (["HEAD~1", "work"], "BAD work: what lies there is no commit"),
        (["HEAD~1", "HEAD", "--case", "kernel/*"], "--case kernel/*: give one case"),
        (["HEAD~1", "HEAD", "--like", "stock"], "--like stock: its kernel is not built by"),
        (["HEAD~1", "HEAD", "--like", "nope"], "nope: no such variant"),
        (["HEAD~1", "HEAD", "--out", "/dev/null/x"], "/dev/null/x: cannot be made"),
    ],
)
def test_what_cannot_be_searched_is_said_at_once(plan, tree, words, said):
    with pytest.raises(KmapbenchError, match=re.escape(said)):
        planned("--tree", tree, "--case", CASE, *words)


def test_a_folder_that_is_no_search(tmp_path):
    (tmp_path / "bisect.json").write_text("{}")
    with pytest.raises(KmapbenchError, match="not as kmapbench has written it"):
        planned("--resume", tmp_path)
