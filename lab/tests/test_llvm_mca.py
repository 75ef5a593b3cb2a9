# SPDX-License-Identifier: Apache-2.0
"""llvm-mca on code whose cycles are known by hand, from latencies that Intel and AMD document."""

import os

import pytest

from lab.core import llvm_tools, requirements, subprocesses
from lab.core.errors import KmapbenchError
from lab.core.llvm_tools import OLDEST
from lab.predict import llvm_mca, mca_input
from lab.predict.llvm_mca import Estimate
from lab.predict.store_forwarding import Line

CPUS = ("sapphirerapids", "znver4")


@pytest.fixture(scope="module")
def tools():
    found = llvm_tools.find_newest()
    if found is None:
        pytest.skip("no llvm-mca")
    return found


def alone(tools, cpu: str, *lines: str) -> int:
    """Cycles of these lines, beyond those of one add."""
    said = llvm_mca.estimate_cycles(tools, cpu, {"case": lines, "one": ["addq $1, %rbx"]})
    return said["case"].alone - said["one"].alone


@pytest.mark.program
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("length", [2, 10, 40])
def test_dependent_adds_take_a_cycle_each(tools, cpu, length):
    assert alone(tools, cpu, *["addq $1, %rax"] * length) == length - 1


@pytest.mark.program
@pytest.mark.parametrize("cpu", CPUS)
def test_dependent_multiplications_take_three_cycles_each(tools, cpu):
    assert alone(tools, cpu, *["imulq %rax, %rax"] * 20) == 3 * 20 - 1


@pytest.mark.program
@pytest.mark.parametrize("cpu", CPUS)
def test_adds_that_do_not_depend_on_each_other_take_no_cycle_each(tools, cpu):
    adds = [f"addq $1, %{name}" for name in ("rax", "rcx", "rdx", "rsi")]
    assert alone(tools, cpu, *adds) == 0


@pytest.mark.program
@pytest.mark.parametrize("cpu", CPUS)
def test_a_load_begins_before_the_arithmetic_that_it_is_part_of(tools, cpu):
    """Twenty adds, then one of memory: its load is long done, so it is one more cycle. llvm-mca by
    itself lets the load wait for the adds.
    """
    adds = ["addq $1, %rax"] * 20
    made = mca_input.make_input([Line(text) for text in (*adds, "addq (%rsi), %rax", "nop", "nop")])
    assert alone(tools, cpu, *made.lines) == 20
    assert alone(tools, cpu, *adds, "addq (%rsi), %rax") > 20


@pytest.mark.program
@pytest.mark.parametrize("cpu", CPUS)
def test_a_load_of_what_was_stored_comes_after_it(tools, cpu):
    """Ten adds, stored, loaded in at least 4 cycles, ten adds: all wait for what is before them."""
    adds = ["addq $1, %rax"] * 10
    texts = [*adds, "movq %rax, (%rdi)", "movq (%rdi), %rax", *adds, "nop", "nop"]
    connected = mca_input.make_input([Line(text) for text in texts]).lines
    assert alone(tools, cpu, *connected) >= 10 + 4 + 10 - 1 > alone(tools, cpu, *texts)


@pytest.mark.program
@pytest.mark.parametrize("cpu", CPUS)
def test_pairs_that_follow_each_other_take_what_their_dependence_takes(tools, cpu):
    said = llvm_mca.estimate_cycles(tools, cpu, {"chain": ["addq $1, %rax"] * 12})
    assert said["chain"].rate == 12


@pytest.mark.program
def test_loads_wait_for_all_stores_only_where_that_is_asked(tools):
    lines = ["imulq %rax, %rax"] * 10 + ["movq %rax, (%rdi)", "movq (%rsi), %rcx"]
    said = llvm_mca.estimate_cycles(tools, "znver4", {"case": lines})["case"]
    assert said.in_order > said.alone


@pytest.mark.program
@pytest.mark.parametrize("unknown", ["wrmsr", "wrpkru", "rdpkru"])
def test_an_instruction_without_a_latency_is_said_and_not_summed(tools, unknown):
    said = llvm_mca.estimate_cycles(tools, "sapphirerapids", {"a": ["nop"], "b": ["nop", unknown]})
    assert isinstance(said["a"], Estimate)
    assert said["b"] == f"llvm-mca does not know how long {unknown} takes on sapphirerapids"


@pytest.mark.program
def test_bytes_are_what_the_manual_says(tools):
    """66 90 is XCHG %ax,%ax to objdump, and a NOP to the CPU."""
    assert llvm_mca.print_code(tools, ["6690", "0f30", "f30f1efa", "65ff0510000000"]) == [
        *("nop", "wrmsr", "endbr64"),
        "incl\t%gs:16(%rip)",
    ]


@pytest.mark.program
@pytest.mark.parametrize("code", ["06", "0f"])
def test_bytes_that_are_no_instruction_are_refused(tools, code):
    with pytest.raises(KmapbenchError):
        llvm_mca.print_code(tools, ["90", code])


@pytest.mark.program
@pytest.mark.parametrize("name", ["nosuchcpu", "generic", "x86-64", "x86-64-v3", "native"])
def test_a_cpu_that_llvm_has_no_latencies_of_is_refused(tools, name):
    with pytest.raises(KmapbenchError, match=name):
        llvm_mca.check_cpu(tools, name)


def program(folder, name: str, version: str) -> None:
    """A stand-in that says its version."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho 'Debian LLVM version {version}'\n")
    os.chmod(file, 0o755)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Makes llvm-mca and llvm-mc of some versions in one of two folders of the PATH, by suffix."""
    monkeypatch.setattr(subprocesses, "_SEARCH", f"{tmp_path / 'a'}:{tmp_path / 'b'}")

    def install(folder: str, suffix: str, version: str, *names: str) -> None:
        for name in names or ("llvm-mca", "llvm-mc"):
            program(tmp_path / folder, name + suffix, version)

    return install


def test_the_newest_of_several_versions_is_taken(installed):
    installed("a", "-19", "19.1.7")
    installed("a", "-9", "9.0.1")
    installed("b", "", "21.0")
    assert llvm_tools.require_newest().version == "21.0"
    assert llvm_tools.require_newest().mca.name == "llvm-mca"


def test_without_a_new_enough_one_the_package_is_named(installed):
    installed("a", "", f"{OLDEST - 1}.0.6")
    with pytest.raises(KmapbenchError) as caught:
        llvm_tools.require_newest()
    assert str(caught.value).startswith(f"llvm-mca {OLDEST} or newer is missing: install")
    assert "llvm" in str(caught.value).partition("package ")[2]
    assert "\n" not in str(caught.value)


def test_it_is_missing_until_one_is_there_that_is_new_enough(installed):
    """As the launcher asks before the command begins."""
    wanted = [one for one in requirements.needs(["predict"], "debian") if one.kind == "llvm"]
    installed("a", "", f"{OLDEST - 1}.0.6")
    lacking = requirements.missing(wanted, lambda _: True)
    assert requirements.names(lacking) == ["llvm-19"]
    installed("b", "-19", "19.1.7")
    assert requirements.missing(wanted, lambda _: True) == []


def test_one_without_its_disassembler_is_not_taken(installed):
    installed("a", "-20", "20.1.0", "llvm-mca")
    installed("b", "-19", "19.1.7")
    assert llvm_tools.require_newest().version == "19.1.7"


def test_other_programs_of_a_like_name_are_not_started(installed, tmp_path):
    installed("a", "-19", "19.1.7")
    program(tmp_path / "a", "llvm-mca-wrapper", "99.0")
    assert llvm_tools.require_newest().version == "19.1.7"
