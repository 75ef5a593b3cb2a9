# SPDX-License-Identifier: Apache-2.0
"""`kmapbench check`: what can be measured on this machine, what disturbs it, what to do. Reads
only.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from formats import conditions, exit_codes
from formats.conditions import COMPARE, PUBLISH, SMOKE, Condition
from lab.core import bench_command, subprocesses
from lab.core.bench_command import BenchCommand
from lab.core.errors import KmapbenchError
from lab.host import level_check
from lab.host.system_findings import BAD, GOOD, NOTE, Finding, findings
from lab.vm import qemu

# What is launched, and how often, to see by how much the core's clock moves: two seconds.
_CLOCK_CASE, _CLOCK_LAUNCHES = "user/empty", 10


def run(level: str | None = None, as_json: bool = False) -> int:
    """Prints all findings, and what a level asks for; 1 where level publish is not met. as_json:
    as one object, for programs.
    """
    qemu = shutil.which("qemu-system-x86_64")
    help_text = subprocesses.output([qemu, "-help"]) if qemu else None
    cpu = _environment()["cpu"]
    found = (
        lab_findings(help_text)
        + cpu_findings(cpu)
        + findings(Path("/"), os.uname().release, bool(cpu.get("pks")))
    )
    if as_json:
        return _print_json(found, level)
    if level == SMOKE:
        print(summary(found), end="")
        return exit_codes.OK
    print(f"{render(found)}\n{summary(found)}", end="")
    if level is None:
        return exit_codes.OK
    judged = level_check.look()
    print(f"\n{level_text(judged, clock_readings(bench_command.built()))}", end="")
    return _exit_code(judged, level)


def _exit_code(judged: Sequence[Condition], level: str) -> int:
    is_fit = all(one.state == conditions.MET for one in judged)
    return exit_codes.OK if is_fit or level != PUBLISH else exit_codes.FAILED


def _print_json(found: Sequence[Finding], level: str | None) -> int:
    judged = level_check.look() if level in (PUBLISH, COMPARE) else []
    said = {"findings": found, "purposes": purposes(found), "conditions": judged}
    print(json.dumps(said, default=asdict, indent=2))
    return _exit_code(judged, level or "")


def level_text(judged: Sequence[Condition], readings: Sequence[float]) -> str:
    """A line for each condition of level publish with its size, and under it what to do; then
    whether all are met. readings: ticks of one add.
    """
    width = max(len(one.name) for one in judged)
    lines = ["conditions of times that are to be published:"]
    for one in judged:
        clock = _clock(readings) if one.name in ("governor", "turbo") else ""
        lines.append(f"{one.state:8}{one.name:{width}}  {one.found}{clock}")
        if one.mend:
            lines.append(f"{'':{8 + width}}  -> {one.mend}")
    lacking = [one.short for one in judged if one.state != conditions.MET]
    lines.append(f"publishable: {'no: ' + ', '.join(lacking) if lacking else 'yes'}")
    return "\n".join(lines) + "\n"


def _clock(readings: Sequence[float]) -> str:
    if len(readings) < 2:
        return ""
    least, most = min(readings), max(readings)
    return f"; an add took {least:.3f} to {most:.3f} ticks in {len(readings)} launches"


def clock_readings(kmap_bench: Path) -> list[float]:
    """Ticks of one dependent add, in each of several launches: they move as the core's clock does.
    Empty where they cannot be measured.
    """
    readings = []
    with tempfile.TemporaryDirectory() as scratch:
        records = Path(scratch) / "records.jsonl"
        command = BenchCommand(
            kmap_bench, names=[_CLOCK_CASE], clock="tsc", repetitions=1, records=records
        )
        for _ in range(_CLOCK_LAUNCHES):
            records.unlink(missing_ok=True)
            subprocess.run(command.words(), capture_output=True)
            lines = records.read_text().splitlines() if records.exists() else []
            readings += [one for line in lines[-1:] if (one := json.loads(line).get("chain"))]
    return readings


def _environment() -> dict:
    """CPUID is read by kmap_bench, which needs no root for it."""
    kmap_bench = bench_command.built()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "environment.json"
        command = BenchCommand(kmap_bench, environment=out, listing=True)
        result = subprocess.run(command.words(), capture_output=True, text=True)
        if result.returncode != 0:
            raise KmapbenchError(f"{kmap_bench}: {result.stderr.strip() or 'no output'}")
        return json.loads(out.read_text())


def render(found: list[Finding]) -> str:
    """A line for each finding, and under it what to do."""
    width = max(len(finding.what) for finding in found)
    lines = []
    for finding in found:
        lines.append(f"{finding.state:8}{finding.what:{width}}  {finding.found}")
        if finding.mend:
            lines.append(f"{'':{8 + width}}  -> {finding.mend}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Purpose:
    """One of the three things that a machine may be of use for."""

    what: str
    command: str
    obstacle: str  # why it is not; empty where it is
    without: list[str]  # what a part of it lacks


def purposes(found: Sequence[Finding]) -> list[Purpose]:
    """What can be done on this machine, and why not."""
    by_name = {finding.what: finding for finding in found}
    judged = []
    for what, command, needed, of_use in _PURPOSES:
        lacking = next((one for one in found if one.what in needed and one.state == BAD), None)
        obstacle = f"{lacking.what}: {lacking.found}" if lacking else ""
        without = [f"{name}: {by_name[name].found}" for name in of_use if _lacks(by_name, name)]
        judged.append(Purpose(what, command, obstacle, without))
    return judged


def summary(found: Sequence[Finding]) -> str:
    """The same in words, a line for each."""
    lines = []
    for purpose in purposes(found):
        but = f", but {'; '.join(purpose.without)}" if purpose.without else ""
        said = f"no: {purpose.obstacle}" if purpose.obstacle else f"yes: {purpose.command}{but}"
        lines.append(f"{purpose.what:{_PURPOSE_WIDTH}}{said}")
    return "\n".join(lines) + "\n"


def _lacks(by_name: dict[str, Finding], name: str) -> bool:
    return name in by_name and by_name[name].state != GOOD


# What there is to do, the command, the findings without which it cannot be done, and those without
# which a part of it is missing.
EMULATE, TIME_USER, TIME_KERNEL = "emulate", "time in user space", "time in the kernel"
_PURPOSES = (
    (EMULATE, "./kmapbench run", ("lab",), ("lab",)),
    (TIME_USER, "./kmapbench run --only user", (), ("PKU",)),
    (
        TIME_KERNEL,
        "sudo ./kmapbench run --here",
        ("modules", "headers", "lockdown", "signatures"),
        ("PKS", "panic_on_warn"),
    ),
)
_PURPOSE_WIDTH = 22


def lab_findings(qemu_help: str | None) -> list[Finding]:
    """The emulator. qemu_help: what its -help prints; None: there is none."""
    if qemu_help is None:
        return [
            Finding(
                "lab",
                BAD,
                "no qemu-system-x86_64: kernel cases cannot be emulated",
                "apt-get install qemu-system-x86",
            )
        ]
    if not qemu.takes_plugins(qemu_help):
        return [
            Finding(
                "lab",
                NOTE,
                "QEMU without TCG plugins: exact costs, but no WRMSR counts and no breakdown",
                "use a QEMU that was configured with --enable-plugins (Debian's is)",
            )
        ]
    return [
        Finding(
            "lab", GOOD, "QEMU with TCG plugins: kernel cases in exact instructions, PKS included"
        )
    ]


def cpu_findings(cpu: dict) -> list[Finding]:
    """What CPUID says. cpu: as in environment.json."""
    if cpu.get("pks"):
        found = [
            Finding(
                "PKS",
                GOOD,
                "this CPU has it: protected paths can be timed here",
                "sudo ./kmapbench run --here",
            )
        ]
    else:
        found = [
            Finding(
                "PKS",
                NOTE,
                (
                    "this CPU shows none (Xeon from Sapphire Rapids, Core from Alder Lake; bare"
                    " metal only): protected paths cannot be timed here"
                ),
                "./kmapbench run, which emulates it; docs/hardware.md says which machines have it",
            )
        ]
    found.append(
        Finding("PKU", GOOD, "this CPU has it: user models write WRPKRU")
        if cpu.get("pku")
        else Finding(
            "PKU",
            NOTE,
            (
                "this CPU shows none: user models run without the register write, which is a lower"
                " bound"
            ),
        )
    )
    if cpu.get("hypervisor"):
        found.append(
            Finding(
                "hypervisor",
                NOTE,
                (
                    "a virtual machine: its times include the host's; KVM does not pass PKS on, Xen"
                    " from 4.18 on does, and a TDX guest may have it"
                ),
                "measure times on bare metal",
            )
        )
    else:
        found.append(Finding("hypervisor", GOOD, "none: bare metal"))
    return found
