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
from pathlib import Path

from formats import exit_codes
from lab.core import bench_command, subprocesses
from lab.core.bench_command import BenchCommand
from lab.core.errors import KmapbenchError
from lab.host.system_findings import BAD, GOOD, NOTE, Finding, findings
from lab.vm import qemu


def run() -> int:
    """Prints all findings."""
    qemu = shutil.which("qemu-system-x86_64")
    help_text = subprocesses.output([qemu, "-help"]) if qemu else None
    cpu = _environment()["cpu"]
    found = (
        lab_findings(help_text)
        + cpu_findings(cpu)
        + findings(Path("/"), os.uname().release, bool(cpu.get("pks")))
    )
    print(f"{render(found)}\n{summary(found)}", end="")
    return exit_codes.OK


def _environment() -> dict:
    """CPUID is read by kmap_bench, which needs no root for it."""
    kmap_bench = bench_command.built()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "environment.json"
        command = BenchCommand(kmap_bench, environment=out, listing=True)
        result = subprocess.run(command.words(), capture_output=True, text=True)
        if not out.exists():
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


def summary(found: Sequence[Finding]) -> str:
    """What can be done on this machine, a line for each of three things, and why not."""
    by_name = {finding.what: finding for finding in found}
    lines = []
    for what, command, needed, of_use in _PURPOSES:
        lacking = next((one for one in found if one.what in needed and one.state == BAD), None)
        if lacking:
            lines.append(f"{what:{_PURPOSE_WIDTH}}no: {lacking.what}: {lacking.found}")
            continue
        without = [f"{name}: {by_name[name].found}" for name in of_use if _lacks(by_name, name)]
        but = f", but {'; '.join(without)}" if without else ""
        lines.append(f"{what:{_PURPOSE_WIDTH}}yes: {command}{but}")
    return "\n".join(lines) + "\n"


def _lacks(by_name: dict[str, Finding], name: str) -> bool:
    return name in by_name and by_name[name].state != GOOD


# What there is to do, the command, the findings without which it cannot be done, and those without
# which a part of it is missing.
_PURPOSES = (
    ("emulate", "./kmapbench run", ("lab",), ("lab",)),
    ("time in user space", "./kmapbench run --only user", (), ("PKU",)),
    (
        "time in the kernel",
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
