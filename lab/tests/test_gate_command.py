# SPDX-License-Identifier: Apache-2.0
"""`gate` by its command line: a real git tree, and boots that are stand-ins. With the kernel's own
parser of KTAP, where its source is.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from formats.gate_files import CAMPAIGN, COMMENT, FILE, KCIDB, KTAP
from lab.core.dirs import ROOT
from lab.core.errors import Interrupted, KmapbenchError
from lab.gate import gate_options, gate_plan, gate_run
from lab.gate.gate_plan import GatePlan
from lab.kernels import git_tree, source_build
from lab.run import runner
from lab.tests.support import fake_source
from lab.tests.support.fake_source import ANSWERS_42, git
from lab.tests.support.stand_in_qemu import CASES

pytestmark = pytest.mark.program


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A repository of two commits, tagged one and two."""
    folder = fake_source.write(tmp_path_factory.mktemp("tree") / "linux")
    git(folder, "init", "-q")
    for name in ("one", "two"):
        (folder / "number").write_text(name)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"commit {name}")
        git(folder, "tag", name)
    return folder


def command(*words) -> list[str]:
    start = [sys.executable, "-m", "lab.tests.support.stand_in_lab", "gate", "--no-install"]
    return start + [str(word) for word in words]


def run(*words, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*words), cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )


def gate_of_status(folder: Path) -> str:
    tests = json.loads((folder / KCIDB).read_text())["tests"]
    (status,) = (test["status"] for test in tests if test["path"] == "kmapbench.gate")
    return status


def test_a_clean_commit_passes_and_one_with_an_instruction_more_fails(tree, tmp_path):
    clean, more = tmp_path / "clean", tmp_path / "more"
    asked = ["--tree", tree, "one", "two", "--cases", "all"]
    passed = run(*asked, "--out", clean)
    assert passed.returncode == 0, passed.stderr
    assert passed.stdout.startswith(f"PASS: HEAD takes no more than BASE in any of {len(CASES)} ")
    failed = run(*asked, "--out", more, STAND_IN_MORE="head")
    assert failed.returncode == 1, failed.stderr
    assert f"{CASES[-1]} +1 (11 to 12 instructions)" in failed.stdout
    assert (more / COMMENT).read_text().startswith("**FAIL**: ")
    assert gate_of_status(clean) == "PASS" and gate_of_status(more) == "FAIL"
    base = git(tree, "rev-parse", "one")
    assert f"./kmapbench gate --tree {tree} --cases all {base} " in (more / COMMENT).read_text()


def test_a_kernel_that_does_not_boot_never_passes_nor_after_it_is_made_again(tree, tmp_path):
    folder = tmp_path / "gate"
    asked = ["--tree", tree, "one", "two", "--cases", "all", "--out", folder]
    result = run(*asked, STAND_IN_CRASH="head")
    assert result.returncode == 1 and "HEAD does not boot: " in result.stdout
    assert "planted" in (folder / COMMENT).read_text()
    again = run("--resume", folder)
    assert again.returncode == 1 and "HEAD crashed in" in again.stdout, again.stderr


def test_base_that_does_not_boot_is_no_fault_of_head(tree, tmp_path):
    result = run("--tree", tree, "one", "two", "--out", tmp_path / "g", STAND_IN_CRASH="base")
    assert result.returncode == 3 and "NOT JUDGED: BASE does not boot: " in result.stdout


def test_the_same_commit_passes_without_a_boot(tree, tmp_path):
    folder = tmp_path / "gate"
    result = run("--tree", tree, "two", "HEAD", "--out", folder)
    assert result.returncode == 0 and "same content" in result.stdout
    assert not (folder / CAMPAIGN).exists()
    assert "same content" in (folder / COMMENT).read_text().splitlines()[0]


def test_a_gate_that_was_ended_goes_on(tree, tmp_path):
    folder = tmp_path / "gate"
    asked = ["--tree", tree, "one", "two", "--cases", "all", "--boots", "20", "--out", folder]
    with subprocess.Popen(command(*asked), cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while not list((folder / CAMPAIGN).glob("*/boot-02")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130 and f"./kmapbench gate --resume {folder} goes on" in said
    assert not (folder / COMMENT).exists()
    done = len(list((folder / CAMPAIGN).glob("*/boot-??")))
    assert done < 40
    result = run("--resume", folder)
    assert result.returncode == 0, result.stderr
    assert len(list((folder / CAMPAIGN).glob("*/boot-??"))) == 40
    assert result.stdout.startswith("PASS")


# What is planned


@pytest.fixture
def plan(tree, tmp_path, monkeypatch):
    """Plans a gate on the tree."""
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    git_tree.content.cache_clear()

    def make(*words) -> GatePlan:
        parser = argparse.ArgumentParser()
        gate_options.add_options(parser)
        arguments = parser.parse_args([*map(str, words), "--out", str(tmp_path / "gate")])
        arguments.given = ["gate", *map(str, words)]
        return gate_plan.from_arguments(arguments)

    return make


def test_a_commit_is_the_same_kernel_as_head_and_as_base(plan, tree):
    first, second = plan("--tree", tree, "HEAD~1", "two"), plan("--tree", tree, "HEAD", "one")
    assert first.rows["head"]["image"] == second.rows["base"]["image"]
    assert first.rows["head"]["image"] != first.rows["base"]["image"]


def test_patches_are_of_head_alone(plan, tree, tmp_path):
    patch = tmp_path / "series" / "0001.patch"
    patch.parent.mkdir()
    patch.write_text(ANSWERS_42)
    made = plan("--tree", tree, "two", "--patches", patch.parent)
    base, head = (variant.image for variant in made.run.variants)
    assert (base.patches, head.patches) == ((), (patch,))
    assert base.commit == head.commit and not made.facts["same"]
    assert made.facts["sides"]["head"]["patches"] == ["0001.patch"]


def test_what_lies_in_the_tree_can_be_head(plan, tree):
    assert plan("--tree", tree, "HEAD", "work").facts["same"]
    (tree / "number").write_text("three")
    git_tree.content.cache_clear()
    try:
        made = plan("--tree", tree, "HEAD", "work")
        assert not made.facts["same"] and made.run.variants[1].image.commit == "work"
        assert plan("--tree", tree, "one", "two").run  # named commits leave it out
    finally:
        git(tree, "checkout", "-q", "number")
        git_tree.content.cache_clear()


def test_configuration_and_command_line_are_of_both(plan, tree, tmp_path):
    fragment = tmp_path / "more.config"
    fragment.write_text("CONFIG_SLOW=y\n")
    made = plan("--tree", tree, "one", "two", "--config", f"lab+{fragment}", "--cmdline", "a=b")
    for variant in made.run.variants:
        assert variant.cmdline == "a=b" and variant.image.fragments[-1] == fragment


def ended(plan: GatePlan, monkeypatch, provide, measure) -> int:
    monkeypatch.setattr(source_build, "provide", provide)
    monkeypatch.setattr(runner, "measure", measure)
    return gate_run.run(plan)


@pytest.mark.parametrize(
    ("message", "broken", "code"),
    [
        ("kernel/fake.c:3: error: x", "one", 3),
        ("kernel/fake.c:3: error: x", "two", 1),
        ("log: No space left on device", "two", 2),
    ],
)
def test_a_kernel_that_does_not_build_never_passes(plan, tree, monkeypatch, message, broken, code):
    made = plan("--tree", tree, "one", "two")
    commit = git(tree, "rev-parse", broken)

    def provide(images, *_):
        if images[0].commit == commit:
            where = f"{made.table}: variants.{images[0].name}: "
            raise KmapbenchError(where + message)

    assert ended(made, monkeypatch, provide, lambda _: []) == code
    comment = (made.folder / COMMENT).read_text().replace("\\", "")
    assert message in comment and str(made.table) not in comment
    assert gate_of_status(made.folder) != "PASS"


def test_what_ends_the_measurement_is_told_and_never_passes(plan, tree, monkeypatch):
    made = plan("--tree", tree, "one", "two")

    def measure(_):
        raise KmapbenchError("kmapbench.ko: does not compile")

    assert ended(made, monkeypatch, lambda *_: None, measure) == 3
    assert "kmapbench.ko: does not compile" in (made.folder / COMMENT).read_text()


def test_an_answer_of_before_is_gone_while_it_is_measured_again(plan, tree, monkeypatch):
    made = plan("--tree", tree, "one", "two")
    ended(made, monkeypatch, lambda *_: None, lambda _: [])
    assert (made.folder / COMMENT).exists()

    def measure(_):
        raise Interrupted("ended by Ctrl-C; ./kmapbench run --resume X goes on", 130)

    with pytest.raises(Interrupted, match=r"^ended by Ctrl-C; ./kmapbench gate --resume "):
        ended(made, monkeypatch, lambda *_: None, measure)
    assert not any((made.folder / name).exists() for name in (COMMENT, KTAP, KCIDB))


def test_the_table_of_a_gate_is_read_by_run(plan, tree, monkeypatch):
    made = plan("--tree", tree, "one", "two", "--cmdline", "a=b")
    assert ended(made, monkeypatch, lambda *_: None, lambda _: []) == 3  # no campaign was made
    rows = tomllib.loads(made.table.read_text())["variants"]
    assert rows == made.rows and json.loads((made.folder / FILE).read_text())["boots"] == 2


# The kernel's own parser


@pytest.mark.kernels
def test_the_kernels_own_parser_reads_what_is_written(tree, tmp_path, kernel_source):
    script = (
        "import json, sys, kunit_parser as k\n"
        "test = k.parse_run_tests(open(sys.argv[1]))\n"
        "print(json.dumps([test.status.name, test.counts.errors, test.counts.failed]))\n"
    )
    expected = {"": ("SUCCESS", 0), "MORE": ("FAILURE", 2), "CRASH": ("FAILURE", 2)}
    for what, (status, failed) in expected.items():
        folder = tmp_path / (what or "clean")
        environment = {f"STAND_IN_{what}": "head"} if what else {}
        run("--tree", tree, "one", "two", "--cases", "all", "--out", folder, **environment)
        said = subprocess.run(
            [sys.executable, "-B", "-c", script, folder / KTAP],
            env=os.environ | {"PYTHONPATH": str(kernel_source / "tools" / "testing" / "kunit")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(said.stdout.splitlines()[-1]) == [status, 0, failed], said.stdout
