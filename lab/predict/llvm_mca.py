# SPDX-License-Identifier: Apache-2.0
"""llvm-mca: how many cycles a CPU is said to take for instructions in a row; and llvm-mc, which
prints instructions in the form that llvm-mca reads.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.core import subprocesses
from lab.core.errors import CommandFailed, KmapbenchError
from lab.core.llvm_tools import LlvmTools

# What LLVM's tables of latencies have where nobody has measured an instruction.
UNKNOWN_LATENCY = 100

_HERE = "native"
# Names that LLVM has for a CPU it does not know, whose latencies are those of another one.
_ANY_CPU = re.compile(r"generic|x86-64(-v[0-9])?|i[0-9]86|pentium.*")
_ROUNDS = 100  # of the shorter of two runs, whose difference is the rate


@dataclass(frozen=True)
class Estimate:
    """llvm-mca's cycles of some instructions."""

    alone: int  # from the first instruction to the end of the last; no load waits for a store
    in_order: int  # the same, if each load waits for all stores before it
    rate: float  # of a round, if one follows the other


def cpu_of_this_machine(tools: LlvmTools) -> str | None:
    """Its name in LLVM; None: LLVM does not know it."""
    name: str = _run(tools, _HERE, ["nop"])["TargetInfo"]["CPUName"]
    return None if _ANY_CPU.fullmatch(name) else name


def check_cpu(tools: LlvmTools, name: str) -> None:
    """A KmapbenchError where LLVM has no latencies of a CPU of that name."""
    try:
        if name == _HERE or _ANY_CPU.fullmatch(name):
            raise CommandFailed("it means no certain CPU")
        _run(tools, name, ["nop"])
    except CommandFailed as error:
        raise KmapbenchError(
            f"--cpu {name}: {error}; `{tools.mca.name} -mcpu=help </dev/null` lists those that"
            f" llvm-mca {tools.version} knows"
        ) from None


def print_code(tools: LlvmTools, codes: Sequence[str]) -> list[str]:
    """Instructions, given in hexadecimal, as LLVM prints them. A CommandFailed where it does not
    know one, or sees several in one.
    """
    lines = [" ".join(f"0x{byte:02x}" for byte in bytes.fromhex(code)) for code in codes]
    said = _output([tools.mc, "--disassemble", "--triple=x86_64"], "\n".join(lines) + "\n")
    texts = [line.strip() for line in said.splitlines() if line.startswith("\t")]
    texts = [text for text in texts if not text.startswith(".")]
    if len(texts) != len(codes):
        raise CommandFailed(f"llvm-mc printed {len(texts)} instructions of {len(codes)}")
    return texts


def estimate_cycles(
    tools: LlvmTools, cpu: str, regions: Mapping[str, Sequence[str]]
) -> dict[str, Estimate | str]:
    """By the name of a region: what llvm-mca says of its instructions, or why it says nothing that
    could be used.
    """
    text = [
        line
        for name, lines in regions.items()
        for line in (f"# LLVM-MCA-BEGIN {name}", *lines, f"# LLVM-MCA-END {name}")
    ]
    once = _run(tools, cpu, text, "-iterations=1")
    in_order = _run(tools, cpu, text, "-iterations=1", "-noalias=false")
    short = _run(tools, cpu, text, f"-iterations={_ROUNDS}")
    long = _run(tools, cpu, text, f"-iterations={2 * _ROUNDS}")
    cycles = [_cycles(one) for one in (once, in_order, short, long)]
    unknown = _unknown_instructions(once)
    return {
        name: f"llvm-mca does not know how long {unknown[name]} takes on {cpu}"
        if unknown[name]
        else Estimate(
            cycles[0][name], cycles[1][name], (cycles[3][name] - cycles[2][name]) / _ROUNDS
        )
        for name in regions
    }


def _cycles(said: Mapping[str, Any]) -> dict[str, int]:
    return {region["Name"]: region["SummaryView"]["TotalCycles"] for region in said["CodeRegions"]}


def _unknown_instructions(said: Mapping[str, Any]) -> dict[str, str]:
    """By region: the first instruction that LLVM has no latency of; empty where there is none."""
    found = {}
    for region in said["CodeRegions"]:
        infos = region["InstructionInfoView"]["InstructionList"]
        lacking = [one["Instruction"] for one in infos if one["Latency"] >= UNKNOWN_LATENCY]
        found[region["Name"]] = (
            " ".join(region["Instructions"][lacking[0]].split()) if lacking else ""
        )
    return found


def _run(tools: LlvmTools, cpu: str, text: Sequence[str], *options: str) -> dict[str, Any]:
    command: list[str | Path] = [
        tools.mca,
        f"-mcpu={cpu}",
        "-mtriple=x86_64",
        "-mattr=+egpr",
        "-json",
        *options,
    ]
    said: dict[str, Any] = json.loads(_output(command, "\n".join(text) + "\n"))
    return said


def _output(command: Sequence[str | Path], given: str) -> str:
    """A CommandFailed with the first line of what the program complains about."""
    result = subprocess.run(
        [str(word) for word in command],
        input=given,
        capture_output=True,
        text=True,
        env=subprocesses.plain_environment(),
    )
    complaint = next(iter(result.stderr.strip().splitlines()), "")
    if result.returncode != 0 or "error" in complaint or "not a recognized" in complaint:
        raise CommandFailed(f"{Path(str(command[0])).name}: {complaint or 'no message'}")
    return result.stdout
