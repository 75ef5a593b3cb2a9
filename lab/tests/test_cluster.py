# SPDX-License-Identifier: Apache-2.0
"""Work for a cluster, without one: its scripts, its options, and how what was made elsewhere gets
into a campaign. test_slurm.py has a cluster.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab import cli
from lab.campaign import collected_boots, node_agreement, store
from lab.campaign.collected_boots import Made
from lab.campaign.one_boot import OneBoot
from lab.cluster import (
    cluster_work,
    job_queue,
    sbatch_script,
    slurm_options,
    task_array,
    task_parts,
)
from lab.cluster.cluster_work import ClusterWork
from lab.cluster.job_queue import Job
from lab.cluster.sbatch_script import Submission
from lab.cluster.task_array import TaskArray
from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.tests.support.stand_in_qemu import ENVIRONMENT, record

# Scripts


@pytest.fixture
def run_scripts(tmp_path):
    """Runs a submitting script with an sbatch that keeps each script, and runs each task of it; the
    options of sbatch, and what the tasks were called with.
    """
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "sbatch").write_text(
        f"#!/bin/sh\nn=$(ls {tmp_path} | grep -c '^script'); cat >{tmp_path}/script$n\n"
        f'echo "$@" >>{tmp_path}/options; echo "4$n;cluster"\n'
    )
    (bin / "sbatch").chmod(0o755)

    def run(text: str) -> tuple[list[str], list[list[str]]]:
        path = {"PATH": f"{bin}:/usr/bin:/bin"}
        done = subprocess.run(["sh"], input=text, text=True, env=path, capture_output=True)
        assert done.returncode == 0, done.stderr
        called = []
        for script in sorted(tmp_path.glob("script*")):
            last = next(
                line for line in script.read_text().splitlines() if "--array=0-" in line
            ).rpartition("-")[2]
            for number in range(int(last) + 1):
                task = subprocess.run(
                    ["sh", script],
                    text=True,
                    capture_output=True,
                    env=path | {"SLURM_ARRAY_TASK_ID": str(number)},
                )
                called.append(json.loads(task.stdout))
        return (tmp_path / "options").read_text().splitlines(), called

    return run


@pytest.mark.program
def test_each_task_gets_its_own_words_whatever_is_in_them(tmp_path, monkeypatch, run_scripts):
    echo = (sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))")
    monkeypatch.setattr(sbatch_script, "KMAPBENCH", echo)
    strange = ["a b", "$HOME", "'", '"', "*", "ä", "%j"]
    first = TaskArray("kernels", ("build",), [(word,) for word in strange])
    second = TaskArray("boots", ("boot", "x y"), [("1",), ("2",)], ("kernels",))
    work = tmp_path / "w o'r k"
    options, called = run_scripts(
        sbatch_script.submitting(Submission([first, second], work, [], 1000, {}))
    )
    assert called == [["build", word] for word in strange] + [
        ["boot", "x y", "1"],
        ["boot", "x y", "2"],
    ]
    assert options == ["--parsable", "--parsable --dependency=afterok:40 --kill-on-invalid-dep=yes"]
    assert (work / "jobs").read_text() == "40\n41\n"


def test_an_array_that_is_too_large_is_split_and_what_depends_on_it_waits_for_all_of_it():
    first = TaskArray("a", (), [(str(number),) for number in range(7)])
    second = TaskArray("b", (), [("x",)], ("a",))
    parts = task_array.split([first, second], 3)
    assert [(part.name, len(part.tasks)) for part in parts] == [
        ("a1", 3),
        ("a2", 3),
        ("a3", 1),
        ("b", 1),
    ]
    assert [task for part in parts[:3] for task in part.tasks] == first.tasks
    assert parts[3].after == ("a1", "a2", "a3")


def test_options_of_sbatch_stand_in_each_script(tmp_path):
    array = TaskArray("boots", (), [()], memory_mib=5, whole_machine=True)
    options = slurm_options._words("--partition=short --comment 'two words'")
    text = sbatch_script.script(array, Submission([array], tmp_path, options, 9, {}))
    lines = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert lines[-1] == '#SBATCH --partition=short --comment "two words"'
    assert {"#SBATCH --mem=5M", "#SBATCH --exclusive", "#SBATCH --array=0-0"} <= {*lines}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--slurm=--array=3"], "--array=3 is for kmapbench to say: leave --array out"),
        (["run", "--slurm=--arr=3"], "leave --array out"),
        (["run", "--slurm=-d after:3"], "leave --dependency out"),
        (["run", "--slurm=--time='3"], "No closing quotation"),
        (["bisect", "--slurm", "v1", "v2"], "--slurm v1: no option of sbatch"),
        (["run", "--slurm", "--here"], "--here measures is time"),
        (["run", "--slurm", "--only", "user"], "user models take is time"),
        (["run", "--slurm", "--cases", "user/*"], "user models take is time"),
        (["calibrate", "--slurm", "--quick"], "--quick keeps nothing"),
        (["calibrate", "--dry-run"], "--dry-run goes with --slurm"),
        (["configs", "--dry-run"], "--dry-run goes with --slurm"),
    ],
)
def test_what_cannot_be_submitted_is_said_before_anything_is_done(monkeypatch, words, said):
    monkeypatch.setattr(subprocesses, "has", lambda _: True)
    with pytest.raises(KmapbenchError) as error:
        cli.parse(words)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_campaign_that_no_task_has_begun_yet_cannot_be_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocesses, "has", lambda _: True)
    (tmp_path / "c.slurm").mkdir()
    with pytest.raises(KmapbenchError, match="its first jobs have not begun it"):
        cli.parse(["run", "--resume", str(tmp_path / "c"), "--slurm"])


@pytest.mark.parametrize("command", ["run", "configs", "bisect", "calibrate"])
def test_without_slurm_one_line_names_the_package(monkeypatch, command):
    monkeypatch.setattr(subprocesses, "has", lambda name: name not in slurm_options.PROGRAMS)
    with pytest.raises(KmapbenchError, match="sbatch is missing: .* the package slurm-client"):
        cli.parse([command, "--slurm"])


@pytest.mark.parametrize("word", ["--slurm", "--slurm=--time=3", "--slu", "--dry-run", "--dry"])
def test_a_task_is_told_of_no_cluster(word):
    assert slurm_options.without(["run", word, "--seed", "3"]) == ["run", "--seed", "3"]


# The queue


def test_the_queue_is_asked_for_all_tasks_of_a_work(monkeypatch):
    said = "12|0|RUNNING|n1|None\n12|1|PENDING||Resources\n13|0|TIMEOUT|n2|TimeLimit\n"

    def answer(command):
        assert "--jobs=12,13" in command
        return subprocess.CompletedProcess(command, 0, said, "")

    monkeypatch.setattr(job_queue, "_run", answer)
    jobs = job_queue.look(["12", "13"])
    assert jobs["12_1"] == Job("12_1", "PENDING", "", "Resources")
    assert [job.has_ended for job in jobs.values()] == [False, False, True]


@pytest.mark.parametrize(
    ("error", "found"),
    [("slurm_load_jobs error: Invalid job id specified", {}), ("Unable to contact", None)],
)
def test_a_queue_that_is_silent_is_not_one_that_knows_nothing(monkeypatch, error, found):
    failed = subprocess.CompletedProcess([], 1, "", error)
    monkeypatch.setattr(job_queue, "_run", lambda _: failed)
    assert job_queue.look(["12"]) == found


def test_work_is_waited_for_while_the_queue_is_silent(tmp_path, monkeypatch):
    answers = [None, {"1_0": Job("1_0", "RUNNING", "n1", "")}, None, {}]
    monkeypatch.setattr(job_queue, "look", lambda _: answers.pop(0))
    monkeypatch.setattr(cluster_work, "_SOONEST", 0)
    told = []
    work = ClusterWork(tmp_path / "c", [], told.append)
    with work.held():
        (work.folder / "jobs").write_text("1\n")
        work.wait()
    assert told.count("the queue does not answer: waiting for it") == 2 and answers == []
    assert not (work.folder / "jobs").exists()


def test_whoever_ends_the_wait_ends_the_jobs(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    cancelled = []
    monkeypatch.setattr(job_queue, "look", interrupt)
    monkeypatch.setattr(job_queue, "cancel", cancelled.append)
    work = ClusterWork(tmp_path / "c", [], print)
    with work.held(), pytest.raises(KeyboardInterrupt):
        (work.folder / "jobs").write_text("1\n2\n")
        work.wait()
    assert cancelled == [["1", "2"]]
    assert (work.folder / "jobs").exists()  # so that the next one waits for their end


def test_two_do_not_work_on_one_campaign(tmp_path):
    with ClusterWork(tmp_path / "c", [], print).held():
        with pytest.raises(KmapbenchError, match="another kmapbench is at work"):
            with ClusterWork(tmp_path / "c", [], print).held():
                pass


# What tasks leave


def leave(work: Path, job: str, node: str, about: dict, monkeypatch) -> None:
    """A task that has come to its end."""
    array, _, task = job.partition("_")
    for name, value in (
        ("SLURM_ARRAY_JOB_ID", array),
        ("SLURM_ARRAY_TASK_ID", task),
        ("SLURMD_NODENAME", node),
    ):
        monkeypatch.setenv(name, value)
    task_parts.end(task_parts.begin(work, ["symbols", "A"]), about, {})


def test_machines_that_differ_are_named_with_what_differs(tmp_path, monkeypatch):
    work = ClusterWork(tmp_path / "t", [], print)
    leave(work.folder, "7_0", "n1", {"compiler": "gcc 12"}, monkeypatch)
    leave(work.folder, "7_1", "n2", {"compiler": "gcc 13"}, monkeypatch)
    with pytest.raises(KmapbenchError) as error:
        work.results("symbols")
    assert 'n1 and n2 are not the same: compiler was "gcc 12", is "gcc 13"' in str(error.value)
    assert work.results("symbols") == []  # nothing of them is kept


def test_machines_of_a_later_submission_are_held_against_those_of_the_first(tmp_path, monkeypatch):
    work = ClusterWork(tmp_path / "t", [], print)
    leave(work.folder, "7_0", "n1", {"base": 5}, monkeypatch)
    (part,) = work.results("symbols")
    (part.folder / "done.json").unlink()
    leave(work.folder, "8_0", "n2", {"base": 6}, monkeypatch)
    with pytest.raises(KmapbenchError, match="n1 and n2 are not the same: base was 5, is 6"):
        work.results("symbols")


@pytest.mark.program
def test_a_task_that_fails_says_why_in_what_it_leaves(tmp_path):
    folder = tmp_path / "nowhere"
    code = subprocess.run(
        [sys.executable, "-m", "lab", "task", "boot", str(folder), "plain", "1", "1"],
        capture_output=True,
        text=True,
    )
    assert code.returncode == 2 and code.stderr.count("\n") == 1
    (part,) = task_parts.read_all(task_parts.work_of(folder))
    assert part.result is None and str(folder) in part.error


# Boots that were made elsewhere

VARIANTS = ("off", "plain")


def header(boots: int = 2, variants=VARIANTS) -> dict:
    """Of a campaign that has not begun."""
    planned = [
        {"variant": variant, "boot": boot, "round": boot}
        for boot in range(1, boots + 1)
        for variant in variants
    ]
    return {
        "asked": {"arguments": [], "boots": boots, "only": "micro", "kernel": None},
        "seed": 1,
        "variants": {},
        "tools": {},
        "kmapbench": {"commit": "unknown", "dirty": False},
        "planned": planned,
        "design": "pairs",
        "coins": [],
    }


@pytest.fixture
def campaign(tmp_path):
    begun = store.Campaign.begin(tmp_path / "c", header())
    yield begun
    begun.release()


@pytest.fixture
def make(tmp_path, campaign):
    """Makes a try of a boot elsewhere."""
    made: list[Made] = []

    def make(
        variant: str,
        boot: int,
        attempt: int = 1,
        node: str = "n1",
        end: str = "ok",
        environment: dict = ENVIRONMENT,
        added: int = 0,
    ) -> Made:
        folder = tmp_path / "parts" / str(len(made))
        folder.mkdir(parents=True)
        kept = OneBoot(folder, campaign.header).begin_boot(variant, boot)
        kept.write_environment(environment)
        value = record("kernel/kmap_local/dram/case3", variant, boot)
        kept.append(value | {"cost": value["cost"] + added})
        if end != "killed":
            kept.end(None if end == "ok" else end)
        made.append(Made(folder, variant, boot, attempt, node, "job 1_1 was cancelled"))
        return made[-1]

    return make


def order(campaign) -> list[tuple]:
    return [
        (step["variant"], step["boot"], step["try"], step["status"])
        for step in campaign.header["order"]
    ]


def test_boots_are_taken_in_in_the_order_of_the_plan_with_their_coins(campaign, make):
    made = [make("plain", 2), make("off", 2), make("plain", 1), make("off", 1)]
    collected_boots.collect(campaign, made)
    planned = [(step["variant"], step["boot"]) for step in campaign.header["planned"]]
    assert order(campaign) == [(*key, 1, "ok") for key in planned]
    assert campaign.header["coins"] == [
        {"round": number, "attempt": 1, "order": coin["order"]}
        for number, coin in enumerate(campaign.header["coins"], 1)
    ]
    assert len(campaign.header["coins"]) == 2 and campaign.left() == []
    assert json.loads((campaign.folder / "campaign.json").read_text()) == campaign.header
    for variant, boot in planned:
        (line,) = (
            (campaign.folder / variant / f"boot-0{boot}" / "micro.jsonl").read_text().splitlines()
        )
        assert (json.loads(line)["variant"], json.loads(line)["boot"]) == (variant, boot)
    assert not any(one.folder.exists() for one in made)


def test_a_boot_that_was_lost_takes_its_round_with_it_and_what_is_left_of_it_stays(campaign, make):
    collected_boots.collect(campaign, [make("off", 1), make("plain", 1, end="killed")])
    assert order(campaign) == [("off", 1, 1, "ok"), ("plain", 1, 1, "interrupted")]
    assert campaign.header["order"][1]["reason"] == "job 1_1 was cancelled"
    again = [step for step in campaign.left() if step.boot == 1]
    assert {(step.variant, step.attempt) for step in again} == {("off", 2), ("plain", 2)}
    collected_boots.collect(campaign, [make("plain", 1, 2), make("off", 1, 2)])
    assert [step.boot for step in campaign.left()] == [2, 2]
    assert [path.name for path in sorted((campaign.folder / "plain").iterdir())] == [
        "boot-01",
        "boot-01.try-1",
    ]
    assert [coin["attempt"] for coin in campaign.header["coins"]] == [1, 2]


def test_a_boot_that_two_have_made_is_taken_once(campaign, make):
    first, second = make("off", 1, node="n1"), make("off", 1, node="n2")
    collected_boots.collect(campaign, [first, second])
    assert order(campaign) == [("off", 1, 1, "ok")] and not second.folder.exists()
    late = make("off", 1, node="n2")
    collected_boots.collect(campaign, [late])
    assert order(campaign) == [("off", 1, 1, "ok")] and not late.folder.exists()
    assert campaign.header["order"][0]["node"] == "n1"


def test_boots_of_a_round_that_was_given_up_are_not_mixed_with_the_new_ones(campaign, make):
    collected_boots.collect(campaign, [make("off", 1, end="killed")])
    collected_boots.collect(campaign, [make("plain", 1, attempt=1)])  # a machine thought dead
    assert order(campaign) == [("off", 1, 1, "interrupted")]


def test_who_is_killed_while_taking_in_leaves_nothing_out_and_nothing_twice(
    campaign, make, monkeypatch
):
    made = [make("off", 1), make("plain", 1), make("off", 2), make("plain", 2)]
    moved = []

    def move(*words):
        if len(moved) == 2:
            raise KeyboardInterrupt
        moved.append(words)
        real(*words)

    real = collected_boots._move
    monkeypatch.setattr(collected_boots, "_move", move)
    with pytest.raises(KeyboardInterrupt):
        collected_boots.collect(campaign, made)
    campaign.release()
    monkeypatch.setattr(collected_boots, "_move", real)
    again = store.Campaign.reopen(campaign.folder)
    collected_boots.collect(again, made)
    assert len(again.header["order"]) == 4 and again.left() == []
    assert len([*again.folder.glob("*/boot-??/micro.jsonl")]) == 4
    assert not [*again.folder.glob("*/*.try-*")]
    campaign._lock = again._lock  # which the fixture gives back


def test_what_boots_ran_on_is_held_against_the_first_of_their_variant(campaign, make):
    other = ENVIRONMENT | {"cpu": {"vendor_id": "none", "model name": "another"}}
    collected_boots.collect(campaign, [make("off", 1), make("plain", 1, environment=other)])
    collected_boots.collect(campaign, [make("off", 2, environment=other)])
    assert campaign.differences() == [
        'off, boot 2: cpu.model name was "none", is "another"',
    ]


@pytest.mark.parametrize(
    ("added", "nodes", "said"),
    [
        ((0, 0, 0), ("n1", "n2", "n2"), []),
        ((0, 1, 1), ("n1", "n2", "n2"), ["3 on n1, 4 on n2"]),
        ((0, 1, 0), ("n1", "n2", "n2"), []),  # nor does n2 agree with itself
        ((0, 1, 1), ("n1", "n1", "n1"), []),
    ],
)
def test_machines_that_count_differently_are_told_apart_from_boots_that_do(
    tmp_path, added, nodes, said
):
    one = header(3, ("off",))
    one["order"] = []
    for boot, (more, node) in enumerate(zip(added, nodes, strict=True), 1):
        folder = tmp_path / "off" / f"boot-0{boot}"
        folder.mkdir(parents=True)
        value = record("kernel/kmap_local/dram/case3", "off", boot)
        value["cost"] += more
        (folder / "micro.jsonl").write_text(json.dumps(value) + "\n")
        one["order"].append({"variant": "off", "boot": boot, "status": "ok", "node": node})
    found = [*node_agreement.disagreements(tmp_path, one)]
    assert [line.partition(": machines do not count the same: ")[2] for line in found] == said


def test_names_of_machines_are_hidden_where_that_was_asked_for(tmp_path):
    work = ClusterWork(tmp_path / "c", [], print)
    work.folder.mkdir()
    assert work.name_of("secret") == "secret"
    work.hides_names = True
    assert [work.name_of(name) for name in ("secret", "other", "secret")] == [
        "machine-1",
        "machine-2",
        "machine-1",
    ]


# What grows with the number of boots


def calls(work) -> int:
    """How many functions a piece of work calls, of Python and of C."""
    counted = 0

    def count(_, event, *__):
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def test_planning_and_collecting_are_linear_in_the_number_of_boots(tmp_path):
    took = {}
    for boots in (20, 80):
        begun = store.Campaign.begin(tmp_path / f"c{boots}", header(boots))
        parts = []
        for step in begun.left():
            folder = tmp_path / f"parts{boots}" / f"{step.variant}-{step.boot}"
            folder.mkdir(parents=True)
            OneBoot(folder, begun.header).begin_boot(step.variant, step.boot).end()
            parts.append(Made(folder, step.variant, step.boot, 1, "n1", ""))

        def plan():
            tasks = [(step.variant, str(step.boot)) for step in begun.left()]
            array = TaskArray("boots", (), tasks)
            sbatch_script.submitting(Submission([array], tmp_path, [], 100, {}))

        took[boots] = calls(plan), calls(lambda: collected_boots.collect(begun, parts))
        assert len(begun.header["order"]) == 2 * boots
        begun.release()
    for few, many in zip(took[20], took[80], strict=True):
        assert few < many < 4.4 * few
