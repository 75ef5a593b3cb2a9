# SPDX-License-Identifier: Apache-2.0
"""Campaigns, tables, searches and calibrations that a cluster of Slurm makes: the same as on one
machine, whatever dies meanwhile.

The cluster is real. Guests are stand-ins, except in the last tests.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.studies import calibrate
from lab.campaign import rounds
from lab.cluster import sbatch_script, task_parts
from lab.cluster.cluster_work import ClusterWork
from lab.cluster.task_array import TaskArray
from lab.configs import symbol_list
from lab.core.dirs import ROOT
from lab.tests.support import fake_build, fake_source, slurm_cluster
from lab.tests.support.slurm_cluster import SlurmCluster

pytestmark = [
    pytest.mark.all,
    pytest.mark.skipif(
        bool(slurm_cluster.missing_program()) or os.geteuid() != 0,
        reason="slurmd needs root and the packages slurmctld, slurmd, slurm-client and munge",
    ),
]

VARIANTS = "plain,off,idle,protected"
STAND_IN = ("-m", "lab.tests.support.stand_in_lab")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with SlurmCluster(tmp_path_factory.mktemp("slurm"), nodes=2) as started:
        yield started


@pytest.fixture
def whole(cluster):
    """The cluster, with all its machines up again afterwards."""
    yield cluster
    cluster.command("scancel", "--user=root", check=False)
    cluster.mend()


def start(cluster, *words, module=STAND_IN, **variables) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-P", *module, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | cluster.variables | {"PYTHONPATH": str(ROOT)} | variables,
    )


def run(cluster, *words, code: int = 0, module=STAND_IN, **variables) -> str:
    """What a command says on standard error."""
    process = start(cluster, *words, module=module, **variables)
    out, said = process.communicate()
    assert process.returncode == code, out + said
    return said


def campaign_words(out: Path, boots: int = 3) -> list:
    words = ["run", "--variants", VARIANTS, "--boots", boots, "--seed", 7, "--only", "micro"]
    return [*words, "--out", out]


def wait_for(holds, what: str) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def header(folder: Path) -> dict:
    return json.loads((folder / "campaign.json").read_text())


def measured(folder: Path) -> dict[str, bytes]:
    """Everything in a campaign that says what a boot was and what it measured, byte for byte."""
    names = ("micro.jsonl", "path.jsonl", "environment.json", "micro.json", "config")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.name in names and ".try-" not in str(path)
    }


def assert_complete(folder: Path, alone: Path) -> None:
    """Nothing is lost, nothing is there twice, and nothing is different from one machine's."""
    made, expected = header(folder), header(alone)
    for name in ("planned", "seed", "variants", "tools", "kmapbench", "design"):
        assert made[name] == expected[name]
    assert rounds.left(made) == []
    last = {(step["variant"], step["boot"]): step for step in made["order"]}
    assert {*last} == {(step["variant"], step["boot"]) for step in made["planned"]}
    for (variant, boot), step in last.items():
        tries = [one for one in made["order"] if (one["variant"], one["boot"]) == (variant, boot)]
        assert [one["try"] for one in tries] == [*range(1, len(tries) + 1)]
        assert step["status"] == "ok"
    assert measured(folder) == measured(alone)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The campaign as one machine makes it."""
    folder = tmp_path_factory.mktemp("alone") / "c"
    words = [sys.executable, "-P", *STAND_IN, *map(str, campaign_words(folder))]
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(words, check=True, cwd=ROOT, env=variables, capture_output=True)
    return folder


def test_a_campaign_is_the_same_as_one_machines(cluster, alone, tmp_path):
    run(cluster, *campaign_words(tmp_path / "c"), "--slurm")
    assert_complete(tmp_path / "c", alone)
    made, expected = header(tmp_path / "c"), header(alone)
    assert made["coins"] == expected["coins"]
    assert [step["variant"] for step in made["order"]] == [
        step["variant"] for step in expected["planned"]
    ]
    assert {step["node"] for step in made["order"]} == {*cluster.nodes}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]  # no logs and parts are left


def test_the_printed_scripts_make_the_campaign_that_a_resume_collects(cluster, alone, tmp_path):
    words = [*campaign_words(tmp_path / "c"), "--slurm", "--dry-run"]
    process = start(cluster, *words)
    script, said = process.communicate()
    assert process.returncode == 0 and not any(tmp_path.iterdir()), said
    variables = os.environ | cluster.variables
    subprocess.run(["sh"], input=script, text=True, check=True, env=variables)
    wait_for((tmp_path / "c" / "campaign.json").exists, "the campaign has not begun")
    run(cluster, "run", "--resume", tmp_path / "c", "--slurm")
    assert_complete(tmp_path / "c", alone)


def test_a_machine_that_dies_costs_its_round_and_a_resume_makes_that_again(whole, alone, tmp_path):
    folder = tmp_path / "c"
    process = start(whole, *campaign_words(folder), "--slurm", STAND_IN_SLOW="plain-2 off-2")
    wait_for(lambda: held_up(folder, whole), "no boot hangs")
    dead, other = held_up(folder, whole)
    whole.kill_node(dead)
    whole.stop_controller()
    time.sleep(3)  # meanwhile squeue gets no answer, and asks again
    whole.start_controller()
    wait_for(lambda: [*whole.running().values()] == [other], "the dead machine is not missed")
    whole.command("scancel", *whole.running())
    out, said = process.communicate()
    assert process.returncode == 1, out + said
    assert f"on {dead} lost its machine" in said and "was cancelled" in said
    lost = [step for step in header(folder)["order"] if step["status"] == "interrupted"]
    assert {(step["variant"], step["boot"]) for step in lost} == {("plain", 2), ("off", 2)}
    good = {*map(identity, header(folder)["order"])} - {*map(identity, lost)}
    whole.mend()
    run(whole, "run", "--resume", folder, "--slurm")
    assert_complete(folder, alone)
    assert good <= {*map(identity, header(folder)["order"])}
    again = [step for step in header(folder)["order"] if step["try"] > 1]
    assert {step["boot"] for step in again} == {2} and len(again) == 4  # the round, and no other


def identity(step: dict) -> tuple:
    return step["variant"], step["boot"], step["started"]


def held_up(folder: Path, cluster) -> list[str] | None:
    """The machines, once both make a boot that does not end."""
    nodes = {node for boot in ("plain", "off") for node in stuck(folder, boot, "2")}
    return sorted(nodes) if len(nodes) == len(cluster.nodes) else None


def test_a_job_that_runs_out_of_time_is_told_so_and_made_again(whole, alone, tmp_path):
    folder = tmp_path / "c"
    slow = {"STAND_IN_SLOW": "idle-3"}
    said = run(whole, *campaign_words(folder), "--slurm=--time=1", code=1, **slow)
    assert "idle, boot 3: job" in said and "ran out of time" in said
    (lost,) = (step for step in header(folder)["order"] if step["status"] != "ok")
    assert "ran out of time" in lost["reason"]
    run(whole, "run", "--resume", folder, "--slurm=--time=5")
    assert_complete(folder, alone)


def test_who_submitted_may_be_killed_and_the_jobs_go_on(cluster, alone, tmp_path):
    folder = tmp_path / "c"
    process = start(cluster, *campaign_words(folder), "--slurm")
    wait_for(lambda: len(task_parts.read_all(task_parts.work_of(folder))) > 4, "no boots")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    alone_said = run(cluster, "run", "--resume", folder, code=2)
    assert "may be in the queue of a cluster: go on with --slurm" in alone_said
    run(cluster, "run", "--resume", folder, "--slurm")
    assert_complete(folder, alone)
    assert len(header(folder)["order"]) == 12  # each boot was made once


def test_a_signal_cancels_the_jobs_and_one_machine_can_go_on(cluster, alone, tmp_path):
    folder = tmp_path / "c"
    process = start(cluster, *campaign_words(folder), "--slurm", STAND_IN_SLOW="off-3")
    wait_for(lambda: stuck(folder, "off", "3"), "no boot hangs")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130 and said.count("its jobs are cancelled") == 1
    wait_for(lambda: not cluster.running(), "a job is still there")
    run(cluster, "run", "--resume", folder, "--slurm", "--dry-run")
    (task_parts.work_of(folder) / sbatch_script.JOBS).unlink()
    run(cluster, "run", "--resume", folder)  # takes in what is there, and makes the rest here
    assert_complete(folder, alone)


def stuck(folder: Path, *boot: str) -> set[str]:
    """Machines whose boot of this name has begun."""
    parts = task_parts.read_all(task_parts.work_of(folder))
    begun = [part for part in parts if (part.folder / "step.json").exists()]
    return {part.node for part in begun if part.words[1:3] == boot and part.result is None}


def test_a_round_of_which_a_kernel_crashed_is_made_again_once(cluster, tmp_path):
    folder = tmp_path / "c"
    said = run(
        cluster, *campaign_words(folder, 2), "--slurm", code=1, STAND_IN_CRASHES="protected-1"
    )
    assert said.count("protected, boot 1: ") >= 1
    made = header(folder)["order"]
    assert [step["status"] for step in made if step["variant"] == "protected"] == [
        "crashed",
        "ok",
        "crashed",
    ]
    assert len([step for step in made if step["boot"] == 1]) == 8  # the round, twice


def test_a_machine_with_another_emulator_is_refused_by_name(cluster, tmp_path):
    folder = tmp_path / "c"
    other = {"STAND_IN_OTHER_VERSION": "machine2"}
    said = run(cluster, *campaign_words(folder), "--slurm", code=1, **other)
    began = {step["node"] for step in header(folder)["order"]}
    assert began == {"machine1"} or began == {"machine2"}  # those that are as the campaign's first
    (refused,) = {"machine1", "machine2"} - began
    assert f" on {refused} failed: " in said and "tools.qemu was" in said


def test_a_machine_that_counts_differently_is_named(cluster, tmp_path):
    folder = tmp_path / "c"
    other = {"STAND_IN_OTHER_COUNT": "machine2"}
    said = run(cluster, *campaign_words(folder), "--slurm", code=1, **other)
    assert "machines do not count the same: 3 on machine1, 4 on machine2" in said


# Kernels


def test_a_kernel_that_two_machines_want_at_the_same_time_is_built_once(
    cluster, tmp_path, monkeypatch
):
    cache, built = tmp_path / "cache", tmp_path / "built"
    source = cache / "sources" / f"{fake_build.PACKAGE}_{fake_build.VERSION}"
    fake_source.write(source)
    makefile = fake_source.MAKEFILE.replace(
        "\tgcc -c", f"\techo $(LOCALVERSION) >>{built}; sleep 3\n\tgcc -c"
    )
    (source / "Makefile").write_text(makefile)
    (cache / "lab.config").write_text("CONFIG_JUMP_LABEL=y\n")
    builder = (sys.executable, "-m", "lab.tests.support.fake_build")
    monkeypatch.setattr(sbatch_script, "KMAPBENCH", builder)
    names = ["mine", "mine", "other", "other", "mine"]
    array = TaskArray("kernels", (str(cache),), [(name,) for name in names])
    work = ClusterWork(tmp_path / "w", [], print)
    variables = os.environ | cluster.variables
    script = work.scripts([array])
    subprocess.run(["sh"], input=script, text=True, check=True, env=variables)
    number = (work.folder / sbatch_script.JOBS).read_text().strip()
    wait_for(lambda: not cluster.active(number), "builds do not end")
    logs = "".join(path.read_text() for path in work.folder.glob("*.log"))
    assert cluster.states(number) == {"COMPLETED"}, logs
    assert sorted(built.read_text().split()) == ["-mine", "-other"]
    assert logs.count("waiting for another build of ") >= 1, logs
    kernels = sorted(path.name for path in (cache / "kernels").iterdir() if path.is_dir())
    assert [name.partition("_")[0] for name in kernels] == ["mine", "other"]


# Simulations


def test_cells_are_the_published_ones(cluster, tmp_path):
    words = ["calibrate", "--cells", "pairs=6,cases=1,normal", "--out", tmp_path / "cells"]
    run(cluster, *words, "--slurm", module=("-m", "lab"))
    made = calibrate.read(tmp_path / "cells" / calibrate.KEPT, 1)
    published = calibrate.read(calibrate.FOLDER / calibrate.KEPT, 1)
    assert len(made) == 1 and made.items() <= published.items()
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]


# With real guests, and Linux's own source


def counted(content: bytes, name: str) -> list:
    """A file without what a guest's own perf events and system calls took, which no two boots have
    in common.
    """
    if not name.endswith("micro.jsonl"):
        return content.splitlines()
    records = [json.loads(line) for line in content.splitlines()]
    left_out = ("counters", "overhead")
    return [{key: one[key] for key in one if key not in left_out} for one in records]


@pytest.mark.kernels
def test_a_campaign_of_real_kernels_is_the_same_as_one_machines(cluster, tmp_path):
    words = [*campaign_words(tmp_path / "one"), "--cases", "kernel/kmap_local/*"]
    run(cluster, *words, module=("-m", "lab"))
    words = [*words, "--out", tmp_path / "many", "--slurm"]
    run(cluster, *words, module=("-m", "lab"))
    one, many = tmp_path / "one", tmp_path / "many"
    made, expected = measured(many), measured(one)
    exact = [name for name in expected if name.endswith(("micro.jsonl", "path.jsonl", "config"))]
    assert len(exact) == 4 * 3 * 2 + 4 and {*made} == {*expected}
    for name in exact:
        assert counted(made[name], name) == counted(expected[name], name), name
    assert rounds.left(header(many)) == [] and header(many)["coins"] == header(one)["coins"]
    for name in ("variants", "tools", "kmapbench", "planned"):
        assert header(many)[name] == header(one)[name]


@pytest.mark.kernels
def test_forty_configurations_have_the_published_figures(cluster, tmp_path):
    names = list(symbol_list.read(symbol_list.OURS))[:40]
    words = ["configs", "--static", "--only", ",".join(names), "--out", tmp_path / "t"]
    run(cluster, *words, "--slurm", module=("-m", "lab"))
    published = ROOT / "results" / "reference" / "configs-6.12" / "table.json"
    expected, made = (
        {row["name"]: row for row in json.loads(path.read_text())["entries"]}
        for path in (published, tmp_path / "t" / "table.json")
    )
    assert {*made} == {*names, "base"}
    for name, row in made.items():
        for field in ("static", "moved", "lines"):
            assert row[field] == expected[name][field], name


@pytest.mark.kernels
def test_a_series_has_the_figures_that_one_machine_finds(cluster, tmp_path):
    series = tmp_path / "series"
    series.mkdir()
    first = sorted((ROOT / "kernels" / "series" / "linux-6.12-pks").glob("*.patch"))[0]
    (series / first.name).write_text(first.read_text())
    case = ["--case", "kernel/kmap_local/dram", "--static"]
    for name, more in (("one", []), ("many", ["--slurm"])):
        words = ["bisect", "--series", series, *case, "--out", tmp_path / name, *more]
        run(cluster, *words, module=("-m", "lab"))
    one, many = ((tmp_path / name / "result.txt").read_text() for name in ("one", "many"))
    assert one == many and " 5 " in one
