# SPDX-License-Identifier: Apache-2.0
"""Mistakes planted in what measures: a run refuses by itself, or says with its first line that its
figures are not valid.
"""

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from formats import exit_codes
from lab.core.dirs import MODULE_SOURCE, build_dir
from lab.core.errors import Refused
from lab.kernels import variants
from lab.run import runner
from lab.tests.support import planted_observer
from lab.vm import console, image

pytestmark = pytest.mark.guest

# What each plants, in which file, and what the module says of it.
BY_THE_MODULE = {
    "another_instruction": ("loop.h", '"sub $1, %0"', '"dec %0"', "does not end in"),
    "a_loop_of_the_compilers": (
        "loop.h",
        'asm goto(KB_LOOP_JUMP : : : "cc", "memory" : kb_loop_head);',
        "if (kb_loop_left) goto kb_loop_head;",
        "has 0 ends",
    ),
    "unrolled": (
        "cases.c",
        "KB_BODY(kb_body_empty, {})",
        "KB_BODY(kb_body_empty, { if (ops & 1) KB_LOOP(ops, KB_LOOP_ON_0(), {}); })",
        "has 2 ends",
    ),
    "jumps_over_its_own_head": (
        "loop.h",
        '"771: jne %l[kb_loop_head]\\n\\t"',
        '"771: jne kb_clock\\n\\t"',
        "does not end in",
    ),
}


def planted(folder: Path, name: str, old: str, new: str) -> Path:
    """The module's sources, with a mistake in one of them."""
    source = folder / "module"
    shutil.copytree(MODULE_SOURCE, source)
    text = (source / name).read_text()
    assert text.count(old) >= 1, f"{name} has no {old}"
    (source / name).write_text(text.replace(old, new))
    return source


def plan(folder: Path) -> runner.Plan:
    return runner.Plan(
        [variants.find("stock")], 1, 1, "micro", None, "msr/*", folder / "campaign", ["run"]
    )


@pytest.mark.parametrize("name", BY_THE_MODULE)
def test_the_module_refuses_another_loop(name, tmp_path, monkeypatch):
    file, old, new, said = BY_THE_MODULE[name]
    monkeypatch.setattr(image, "MODULE_SOURCE", planted(tmp_path, file, old, new))
    with pytest.raises(Refused, match=f"the module was not loaded: kb_body_.*{said}"):
        runner.run(plan(tmp_path))
    assert not list((tmp_path / "campaign").glob("*/boot-*/micro.jsonl"))


def test_a_loop_that_lost_an_instruction_is_flagged(tmp_path, monkeypatch, capfd):
    source = planted(
        tmp_path,
        "cases.c",
        'KB_CONTROL_ADDS(count)\t".rept " #count "',
        'KB_CONTROL_ADDS(count)\t".rept " #count " - 1',
    )
    monkeypatch.setattr(image, "MODULE_SOURCE", source)
    assert runner.run(plan(tmp_path)) == exit_codes.FAILED
    report = (tmp_path / "campaign" / "report.txt").read_text()
    assert report.startswith(
        "NOT VALID: control/adds13 takes 12 instructions an operation, and has 13"
    )
    assert "control/adds13 takes 12" in capfd.readouterr().err


def test_an_observer_that_counts_twice_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("KMAPBENCH_BUILD", str(planted_observer.counting_twice(tmp_path)))
    assert runner.run(plan(tmp_path)) == exit_codes.FAILED
    assert (
        (tmp_path / "campaign" / "report.txt")
        .read_text()
        .startswith("NOT VALID: the observer counts 26 instructions in control/adds13")
    )


def first_loop_jump(program):
    """Where the file has the jump that the first entry of its section kb_loops names."""
    headers = subprocess.run(
        ["readelf", "-SW", program], capture_output=True, text=True, check=True
    ).stdout
    offsets = {}
    for name, address, offset in re.findall(
        r"\] (\.text|kb_loops) +PROGBITS +([0-9a-f]+) ([0-9a-f]+)", headers
    ):
        offsets[name] = int(offset, 16), int(offset, 16) - int(address, 16)
    entry, data = offsets["kb_loops"]
    _, text = offsets[".text"]
    (distance,) = struct.unpack_from("<i", program.read_bytes(), entry)
    return entry - data + distance + text


def test_the_program_refuses_another_loop(tmp_path):
    """Its own check, in a copy of the program whose first loop counts down by two."""
    program = tmp_path / "kmap_bench"
    shutil.copy(build_dir() / "bench" / "kmap_bench", program)
    jump = first_loop_jump(program)
    code = bytearray(program.read_bytes())
    assert code[jump - 4 : jump] == bytes.fromhex("4883eb01")  # sub $1,%rbx
    code[jump - 1] = 2
    program.write_bytes(code)
    result = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "its loop does not end in" in result.stderr and not result.stdout


@pytest.mark.parametrize(
    ("cpu", "cmdline", "said"), [("max,-rdtscp", "", "RDTSCP"), ("max", "clearcpuid=tsc", "TSC")]
)
def test_a_cpu_that_cannot_be_timed_is_refused(boot_job, prepared, cpu, cmdline, said):
    job = "step load insmod /kmapbench.ko\nstep bench kmap_bench --benchmark_list_tests\n"
    booted = boot_job(job, cpu=cpu, cmdline=f"{prepared.cmdline} {cmdline}")
    codes = {event["step"]: event["code"] for event in booted.events if event["event"] == "end"}
    assert codes["load"] != 0
    assert said in console.module_refusal(booted.console)
    assert "Oops" not in booted.console
    if cpu == "max,-rdtscp":
        assert codes["bench"] == 2
