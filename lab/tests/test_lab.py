# SPDX-License-Identifier: Apache-2.0
"""The figures of a real campaign, held against sources that share nothing with the clock."""

import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from lab.campaign import validation
from lab.core import subprocesses
from lab.tests.support.cases import (
    CASES,
    EXACT,
    FORMS,
    FROM_USER_SPACE,
    MEASURED,
    SKIPPED,
    SWITCHES,
    TOUCHES,
    writes_a_pair,
)

# Bodies without a branch that is taken and without a repeated instruction (a jump out of
# the loop, not taken, is one instruction): what objdump counts is what runs.
STRAIGHT_LINE = {
    "kernel/kmap_local/dram": "kb_body_kernel_kmap_local_none",
    **{
        f"kernel/kmap_local/dram/{touch}": f"kb_body_kernel_kmap_local_{touch}"
        for touch in TOUCHES
        if "4k" not in touch
    },
    "kernel/kmap_local_folio/dram": "kb_body_kernel_kmap_local_folio_none",
    "kernel/kmap_atomic/dram": "kb_body_kernel_kmap_atomic_none",
    "kernel/kmap_atomic/devmap": "kb_body_kernel_kmap_atomic_none",
    "kernel/kmap_local/devmap": "kb_body_kernel_kmap_local_none",
    "kernel/kmap_local/devmap_nested": "kb_body_kernel_kmap_local_none",
    "kernel/kmap_local/devmap_tail": "kb_body_kernel_kmap_local_none",
    **{
        f"kernel/kmap_local/dram/{order}/{pages}": f"kb_body_kernel_kmap_local_{order}"
        for order in ("latency", "throughput")
        for pages in ("page", "l1", "l2")
    },
    "model/kmap_local/key_off": "kb_body_published_none",
    "model/kmap_local_slim/key_off": "kb_body_slim_none",
    "msr/wrpkrs/toggle": "kb_body_wrpkrs_toggle",
    "msr/wrpkrs/latency": "kb_body_wrpkrs_latency",
    "msr/wrpkrs/same": "kb_body_wrpkrs_same",
    "msr/rdpkrs": "kb_body_rdpkrs",
    "msr/wrpkru/toggle": "kb_body_wrpkru_toggle",
    "msr/rdpkru": "kb_body_rdpkru",
}


BOOTS = (1, 2, 3)


def lines(folder: Path, name: str) -> list[dict]:
    return [
        json.loads(line)
        for boot in BOOTS
        for line in (folder / "stock" / f"boot-{boot:02d}" / name).read_text().splitlines()
    ]


@pytest.fixture(scope="module")
def records(three_boots) -> dict[tuple[str, int], dict]:
    return {
        (record["case"], record["boot"]): record
        for record in lines(three_boots, "micro.jsonl")
        if "known" not in record
    }


@pytest.fixture(scope="module")
def paths(three_boots) -> dict[tuple[str, int], dict]:
    return {(path["case"], path["boot"]): path for path in lines(three_boots, "path.jsonl")}


def test_controls_have_their_known_length_in_every_boot(three_boots, paths):
    controls = [record for record in lines(three_boots, "micro.jsonl") if "known" in record]
    named = {
        f"{space}control/adds{adds}{call}"
        for space in ("", "user/")
        for adds in (13, 100)
        for call in ("", "_call")
    }
    assert {(record["case"], record["boot"]) for record in controls} == {
        (name, boot) for name in named for boot in BOOTS
    }
    for record in controls:
        assert (record["status"], record["cost"], record["empty"]) == ("ok", record["known"], 2)
        assert record["known"] == record["known_adds"] + (
            2 if record["case"].endswith("_call") else 0
        )
        if not record["case"].startswith("user/"):
            path = paths[record["case"], record["boot"]]
            assert (
                Fraction(path["instructions"] - path["empty_instructions"], path["ops"])
                == record["known"]
            )


@pytest.mark.parametrize("adds", (13, 100))
def test_a_call_from_which_nothing_returns_has_no_callees(paths, adds):
    """Else each operation would seem to be called by the last one."""
    stacks = [paths[f"control/adds{adds}{call}", 1]["stacks"] for call in ("", "_call")]
    depths = [max(len(at["stack"]) for at in of) for of in stacks]
    assert depths[0] == depths[1]


def test_an_operation_of_a_straight_line_has_a_whole_number_of_instructions(records):
    costs = {case: records[case, 1]["cost"] for case in EXACT if not case.startswith("elsewhere/")}
    assert {case: cost for case, cost in costs.items() if cost != int(cost)} == {}


def loop_length(module: Path, body: str) -> int:
    return loop_at(module, body)[1]


def loop_at(module: Path, body: str) -> tuple[int, int]:
    """Address and instructions of the loop of a body, by objdump: from the target of the last jump
    backwards to that jump.
    """
    text = subprocesses.output(
        [
            subprocesses.find("objdump", "binutils"),
            "-d",
            "--no-show-raw-insn",
            f"--disassemble={body}",
            module,
        ]
    )
    code = [
        (int(address, 16), instruction.strip())
        for address, instruction in re.findall(r"^\s+([0-9a-f]+):\t(.*)$", text, re.MULTILINE)
    ]
    back = [
        (address, int(jump[1], 16))
        for address, instruction in code
        if (jump := re.match(r"jne\s+([0-9a-f]+)", instruction)) and int(jump[1], 16) < address
    ]
    assert back, f"{body}: no loop in\n{text}"
    last, first = back[0]
    loop = [instruction for address, instruction in code if first <= address <= last]
    inside = [
        jump
        for one in loop[:-1]
        if (jump := re.match(r"j\w+\s+([0-9a-f]+)", one)) and first <= int(jump[1], 16) <= last
    ]
    assert not inside and not [
        one for one in loop if one.startswith(("call", "jmp", "ret"))
    ], f"{body} is no straight line:\n{text}"
    return first, len(loop)


def test_every_case_was_measured_in_every_boot(records):
    assert set(records) == {(case, boot) for case in CASES for boot in BOOTS}
    skipped = {case for (case, _), record in records.items() if record["status"] == "skipped"}
    assert skipped == set(SKIPPED)
    assert {record["status"] for record in records.values()} == {"ok", "skipped"}


def test_boots_begin_in_the_order_that_was_planned(three_boots):
    header = json.loads((three_boots / "campaign.json").read_text())
    assert [(step["variant"], step["boot"]) for step in header["order"]] == [
        (step["variant"], step["boot"]) for step in header["planned"]
    ]
    begun = [step["started"] for step in header["order"]]
    assert begun == sorted(begun) and len(set(begun)) == len(begun)
    assert {step["half"] for step in header["planned"]} == {"A", "A'"}


@pytest.mark.parametrize("case", EXACT)
def test_boots_agree_to_the_digit(records, case):
    first, *others = [records[case, boot] for boot in BOOTS]
    assert first["exact"]
    for other in others:
        for figure in (
            "cost",
            "cost_shifted",
            "empty",
            "samples",
            "shifted_samples",
            "empty_samples",
        ):
            assert other[figure] == first[figure]


@pytest.mark.parametrize("case", [case for case in EXACT if case not in FROM_USER_SPACE])
def test_the_other_alignment_runs_the_same_instructions(records, case):
    assert records[case, 1]["cost_shifted"] == records[case, 1]["cost"]


@pytest.mark.parametrize("body", sorted(set(STRAIGHT_LINE.values())))
def test_the_other_alignment_is_the_same_loop_further_on(built_module, body):
    (first, _), (second, _) = loop_at(built_module, body), loop_at(built_module, f"{body}_shifted")
    assert (second - first) % 64 == 16  # KMAPBENCH_SHIFT_BYTES


@pytest.mark.parametrize("boot", [1, 2, 3])
def test_nothing_but_the_record_takes_time(records, boot):
    """Entering and leaving the kernel is under 0.1 % of a default record: of nine in ten. In the
    rest work of the kernel's own may fall there. A kernel with lazy preemption keeps the switch to
    a task that a timer tick woke (as RCU's) until the way out to user space.
    """
    shares = sorted(
        records[case, boot]["overhead"]["ioctl_share"]
        for case in MEASURED
        if case not in FROM_USER_SPACE
    )
    assert 0 < shares[0] and shares[len(shares) * 9 // 10] < 0.001


def test_interrupts_stay_on_for_what_may_sleep_only(records):
    irqs = {case: records[case, 1]["irqs"] for case in MEASURED}
    assert {case for case in MEASURED if irqs[case] == "on"} == {
        "kernel/kmap/dram",
        *SWITCHES,
        *FROM_USER_SPACE,
    }
    assert {case for case in MEASURED if irqs[case] == "preempt_off"} == {
        "elsewhere/irq/outside",
        "elsewhere/irq/inside",
    }


def test_a_set_goes_round_many_pages(records):
    pages = [
        records[f"kernel/kmap_local/dram/latency/{size}", 1]["pages"]
        for size in ("page", "l1", "l2")
    ]
    assert pages == sorted(set(pages)) and pages[0] == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_real_device_page_costs_what_the_models_own_does(records, form):
    assert (
        records[f"model/{form}/devmap_file", 1]["cost"]
        == records[f"model/{form}/devmap", 1]["cost"]
    )


@pytest.mark.parametrize("case", STRAIGHT_LINE)
def test_a_straight_line_costs_what_objdump_counts(records, built_module, case):
    empty = loop_length(built_module, "kb_body_empty")
    assert records["empty", 1]["empty"] == empty
    assert records[case, 1]["cost"] == loop_length(built_module, STRAIGHT_LINE[case]) - empty


@pytest.mark.parametrize("case", MEASURED)
def test_the_clock_agrees_with_the_count_from_outside(records, paths, case):
    for boot in BOOTS:
        path = paths[case, boot]
        counted = Fraction(path["instructions"] - path["empty_instructions"], path["ops"])
        # the windows that were counted are the first sample's
        n, twice = records[case, boot]["samples"][:2]
        empty_n, empty_twice = records[case, boot]["empty_samples"][:2]
        assert Fraction((twice - n) - (empty_twice - empty_n), path["ops"]) == counted
        if case in EXACT:
            assert records[case, boot]["cost"] == counted


@pytest.mark.parametrize("case", MEASURED)
def test_pks_writes_a_pair_counted_from_outside(records, paths, case):
    for boot in BOOTS:
        path = paths[case, boot]
        assert Fraction(path["wrmsr"], path["ops"]) == writes_a_pair(case)
        assert records[case, boot]["pkrs_writes"] == writes_a_pair(case)


@pytest.mark.parametrize("form", FORMS)
def test_nesting_deeper_costs_no_more(records, form):
    shallow = records[f"model/{form}/protected_nested", 1]["cost"]
    for depth in ("depth3", "depth4"):
        assert records[f"model/{form}/protected_nested/{depth}", 1]["cost"] == shallow


@pytest.mark.parametrize("touch", TOUCHES)
def test_a_touch_of_the_kernels_path_costs_its_own_instructions(records, paths, touch):
    """Nothing of the path changes: what is more is not in the functions of the path."""
    touched = paths[f"kernel/kmap_local/dram/{touch}", 1]
    of_path = sum(
        function["instructions"]
        for function in touched["functions"]
        if function["chain"][-1] == "lowmem_page_address"
    )
    assert Fraction(of_path, touched["ops"]) == records["kernel/kmap_local/dram", 1]["cost"]


# What the kernel replaces: the call of tracing by a NOP, a static call's trampoline by whatever its
# settings say, which may be nothing.
REPLACED_CALL = re.compile(r"__fentry__|__SCT__.*")


@pytest.fixture(scope="module")
def kernel_calls(built_module) -> dict[str, set[str]]:
    """What each function of the module calls of the kernel, by objdump: by the function's name,
    names of the kernel's functions.
    """
    text = subprocesses.output(
        [subprocesses.find("objdump", "binutils"), "-dr", "--no-show-raw-insn", built_module]
    )
    calls: dict[str, set[str]] = {}
    for name, code in re.findall(r"^[0-9a-f]+ <(.+)>:\n((?:.+\n)*)", text, re.MULTILINE):
        # A part that the compiler split off, as NAME.cold, is of the function.
        called = re.findall(r"\tcall .*\n\s+[0-9a-f]+: R_X86_64_\w+\s+([^.].*)[-+]0x", code)
        calls.setdefault(name.partition(".")[0], set()).update(called)
    return {
        name: {
            one
            for one in called
            if one.partition(".")[0] not in calls and not REPLACED_CALL.fullmatch(one)
        }
        for name, called in calls.items()
    }


# might_sleep() is a static call, and what it leads to is the kernel's choice
@pytest.mark.parametrize(
    "case",
    [case for case in MEASURED if case != "kernel/kmap/dram" and not case.startswith("elsewhere/")],
)
def test_every_instruction_is_of_the_module_or_of_what_it_calls(paths, kernel_calls, case):
    for boot in BOOTS:
        chains = [function["chain"] for function in paths[case, boot]["functions"]]
        assert not [chain for chain in chains if "??" in chain]
        outermost = {chain[0] for chain in chains}
        called = set().union(*(kernel_calls[name] for name in outermost & kernel_calls.keys()))
        assert bool(outermost - kernel_calls.keys()) == bool(called), (outermost, called)


def test_protected_cases_held_their_oracle(records):
    for case in MEASURED:
        guarded = "/protected" in case
        for boot in BOOTS:
            record = records[case, boot]
            assert record["oracle"] == ("held" if guarded else "none")
            if guarded:
                assert record["oracle_error_code"] & 1 << 5  # X86_PF_PK


def test_every_file_is_what_the_schema_says(three_boots):
    validation.validate("campaign", json.loads((three_boots / "campaign.json").read_text()))
    for boot in BOOTS:
        folder = three_boots / "stock" / f"boot-{boot:02d}"
        validation.validate("environment", json.loads((folder / "environment.json").read_text()))
    for record in lines(three_boots, "micro.jsonl"):
        validation.validate("record", record)
    for path in lines(three_boots, "path.jsonl"):
        validation.validate("path", path)


def test_the_environment_is_the_guests(three_boots, kernel):
    environment = json.loads((three_boots / "stock" / "boot-01" / "environment.json").read_text())
    assert environment["kernel"]["release"] == kernel.release
    assert "console=ttyS0" in environment["kernel"]["cmdline"]
    assert environment["cpu"]["pks"] is True
    digest = subprocess.run(
        ["sha256sum", kernel.config], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    assert environment["kernel"]["config_sha256"] == digest


def test_googles_compare_reads_micro_json(three_boots):
    files = [three_boots / "stock" / f"boot-{boot:02d}" / "micro.json" for boot in (1, 2)]
    result = subprocess.run(
        [sys.executable, "/usr/share/benchmark/compare.py", "--no-color", "benchmarks", *files],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    for case in EXACT:
        (row,) = [
            line for line in result.stdout.splitlines() if line.startswith(f"{case}/iterations")
        ]
        assert row.split()[1] == "+0.0000"


def test_the_report_was_written(three_boots):
    text = (three_boots / "details.txt").read_text()
    assert "emulated" in text and "identical to the digit" in text
    assert max(map(len, text.splitlines())) <= 72
    assert (three_boots / "report" / "index.html").is_file()
    assert (three_boots / "charts" / "cost-breakdown.png").read_bytes().startswith(b"\x89PNG")
