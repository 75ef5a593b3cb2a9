# SPDX-License-Identifier: Apache-2.0
"""A kernel that panics in each kind of step of a boot: a record of it where a case was being
measured, one line, exit code 1.
"""

import json

import pytest

from lab.core.errors import KmapbenchError
from lab.kernels import variants
from lab.run import runner
from lab.run.plan import Plan
from lab.tests.support.records import of_cases
from lab.workloads import micro_script

pytestmark = pytest.mark.guest

PANIC = "echo c > /proc/sysrq-trigger"
CASE = "kernel/kmap_local/dram"
SAID = "kernel panic: sysrq triggered crash"


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("pmem", marks=pytest.mark.all),
        pytest.param("load", marks=pytest.mark.all),
        "micro",
        pytest.param("unload", marks=pytest.mark.all),
    ],
)
def test_a_panic_is_one_line_and_what_was_measured_is_kept(monkeypatch, capsys, tmp_path, step):
    sound = micro_script.micro

    def planted(variant: str, boot: int, cases: str) -> str:
        text = sound(variant, boot, cases)
        assert f"step {step} " in text
        # As the step's last act, so that the one that measures has a record to keep.
        return text.replace(
            f"step {step} ", f'panicking() {{ "$@"; {PANIC}; }}\nstep {step} panicking ', 1
        )

    monkeypatch.setattr(micro_script, "micro", planted)
    folder = tmp_path / "c"
    plan = Plan([variants.find("stock")], 1, 1, "micro", None, CASE, folder, [])
    assert runner.run(plan) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert len(said) == 1 and f"stock, boot 1: crashed twice: {SAID}" in said[0]
    order = json.loads((folder / "campaign.json").read_text())["order"]
    assert [(one["try"], one["status"], one["reason"]) for one in order] == [
        (1, "crashed", SAID),
        (2, "crashed", SAID),
    ]
    for name in ("boot-01.try-1", "boot-01"):
        assert SAID.partition(": ")[2] in (folder / "stock" / name / "console.log").read_text()
        records = folder / "stock" / name / "micro.jsonl"
        measured = [record["case"] for record in of_cases(records)] if records.exists() else []
        assert measured == ([CASE] if step in ("micro", "unload") else [])


def test_a_program_that_ends_at_once_is_said_to_have(monkeypatch, capsys, tmp_path):
    sound = micro_script.micro
    monkeypatch.setattr(
        micro_script,
        "micro",
        lambda *arguments: sound(*arguments).replace(
            "step micro kmap_bench ", "step micro sh -c 'exit 139' "
        ),
    )
    assert (
        runner.run(Plan([variants.find("stock")], 1, 1, "micro", None, CASE, tmp_path / "c", []))
        == 1
    )
    assert "stock, boot 1: crashed twice: step micro ended with 139" in capsys.readouterr().err


def test_cases_that_there_are_not_are_said_to_be(capsys, tmp_path):
    with pytest.raises(KmapbenchError, match="--cases kernel/nothing: no kernel case matches"):
        runner.run(
            Plan(
                [variants.find("stock")], 1, 1, "micro", None, "kernel/nothing", tmp_path / "c", []
            )
        )
    capsys.readouterr()


def test_a_panic_while_a_case_is_measured_is_that_cases_record(monkeypatch, capsys, tmp_path):
    sound = micro_script.micro

    def planted(*arguments) -> str:
        # A case that has been begun and not been measured when the kernel goes.
        event = 'event "\\"case\\", \\"name\\": \\"kernel/kmap_local/dram\\""\n'
        return sound(*arguments).replace("step micro ", f"{event}{PANIC}\nstep micro ", 1)

    monkeypatch.setattr(micro_script, "micro", planted)
    folder = tmp_path / "c"
    runner.run(Plan([variants.find("stock")], 1, 1, "micro", None, CASE, folder, []))
    (record,) = of_cases(folder / "stock" / "boot-01" / "micro.jsonl")
    assert (record["case"], record["status"], record["reason"]) == (CASE, "crashed", SAID)
    assert record["console"][0] == "Kernel panic - not syncing: sysrq triggered crash"
    assert record["console"][-1].startswith(
        "Kernel Offset: "
    )  # the last words of a panic, behind the registers
    capsys.readouterr()
