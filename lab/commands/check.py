# SPDX-License-Identifier: Apache-2.0
"""`kmapbench check`: what can be measured on this machine, what disturbs it, what to do. Reads
only.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from formats import exit_codes
from lab.core import bench_command, subprocesses
from lab.core.bench_command import BenchCommand
from lab.core.errors import KmapbenchError
from lab.host import load_errors
from lab.kernels import debian_kernels, supported
from lab.vm import qemu

GOOD, NOTE, BAD = "ok", "note", "missing"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: str  # GOOD; NOTE: figures are less steady or fewer; BAD: something cannot be measured
    found: str
    mend: str = ""  # a command, or where to go; empty where there is nothing to do


def run() -> int:
    """Prints all findings."""
    qemu = shutil.which("qemu-system-x86_64")
    help_text = subprocesses.output([qemu, "-help"]) if qemu else None
    cpu = _environment()["cpu"]
    print(
        render(
            lab_findings(help_text)
            + cpu_findings(cpu)
            + findings(Path("/"), os.uname().release, bool(cpu.get("pks")))
        ),
        end="",
    )
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
                    "a virtual machine: its times include the host's, and hypervisors do not pass"
                    " PKS on"
                ),
                "measure times on bare metal",
            )
        )
    else:
        found.append(Finding("hypervisor", GOOD, "none: bare metal"))
    return found


def findings(root: Path, release: str, pks: bool) -> list[Finding]:
    """What sysfs and procfs below root say. Order: what is needed, then what disturbs, then pmem.

    pks: whether the CPU has PKS.
    """
    return [
        _cr4(root, pks),
        _headers(root, release),
        *_module_loading(root),
        _panic_on_warn(root),
        _pmu(root),
        _governor(root),
        _turbo(root),
        _smt(root),
        *_pmem(root),
    ]


def _headers(root: Path, release: str) -> Finding:
    """Whether there are headers, and whether the module takes a kernel of this version and
    configuration.
    """
    headers = root / "lib/modules" / release / "build"
    if not (headers / "Makefile").exists():
        return Finding(
            "headers",
            BAD,
            f"none of Linux {release}: the module cannot be built for this kernel",
            f"apt-get install linux-headers-{release}",
        )
    if refused := supported.refusal(release, headers):
        return Finding(
            "headers",
            BAD,
            f"of Linux {release}, which the module refuses: {refused}",
            "boot another kernel, as the distribution's",
        )
    if not debian_kernels.is_known(release):
        return Finding(
            "headers",
            NOTE,
            f"of Linux {release}: newer than what the module was tried on, it may not build",
            "docs/kernels.md says which were tried",
        )
    return Finding("headers", GOOD, f"of Linux {release}: the module can be built for this kernel")


def _cr4(root: Path, pks: bool) -> Finding:
    """CR4 itself only the kernel can read. One that uses PKS shows the flag; one that does not know
    it has no name for it.
    """
    flags = re.search(
        r"^flags\s*:(.*)$", subprocesses.value(root / "proc/cpuinfo") or "", re.MULTILINE
    )
    if flags and "pks" in flags[1].split():
        return Finding(
            "CR4.PKS", GOOD, "set: this kernel uses PKS itself, and the module leaves CR4 alone"
        )
    if pks and "nopks" in (subprocesses.value(root / "proc/cmdline") or "").split():
        return Finding(
            "CR4.PKS",
            NOTE,
            "clear: booted with nopks; the module sets it only within a sample",
            "boot without nopks",
        )
    return Finding(
        "CR4.PKS",
        GOOD,
        "clear: this kernel does not use PKS, as none of kernel.org does"
        + ("; the module sets it only within a sample" if pks else ""),
    )


def _module_loading(root: Path) -> list[Finding]:
    """What keeps root from loading a module that nobody signed: a line for each, else one that says
    so.
    """
    found = []
    if not (root / "proc/modules").exists():
        found.append(
            Finding(
                "modules",
                BAD,
                "this kernel takes none (CONFIG_MODULES is off)",
                "boot a kernel that does, as the distribution's",
            )
        )
    if load_errors.loading_disabled(root):
        found.append(
            Finding(
                "modules",
                BAD,
                "loading is off until the next boot (kernel.modules_disabled)",
                "reboot without that sysctl",
            )
        )
    mode = load_errors.lockdown(root)
    by = ", by secure boot" if load_errors.secure_boot(root) else ""
    if mode:
        found.append(
            Finding(
                "lockdown",
                BAD,
                f"{mode}{by}: a module without a known signature is refused",
                load_errors.lockdown_mend(root),
            )
        )
    else:
        found.append(Finding("lockdown", GOOD, "off: the kernel itself is open to root"))
    if load_errors.signatures_enforced(root):
        found.append(
            Finding(
                "signatures",
                BAD,
                "enforced (module.sig_enforce): a module without a known signature is refused",
                load_errors.enforced_mend(),
            )
        )
    elif not mode:
        found.append(
            Finding("signatures", GOOD, "not enforced: root can load a module that nobody signed")
        )
    return found


def _panic_on_warn(root: Path) -> Finding:
    if subprocesses.value(root / "proc/sys/kernel/panic_on_warn") in (None, "0"):
        return Finding("panic_on_warn", GOOD, "off")
    return Finding(
        "panic_on_warn",
        BAD,
        "on: the oracle's fault would panic this machine, so protected cases are declined",
        "sysctl kernel.panic_on_warn=0",
    )


def _pmu(root: Path) -> Finding:
    devices = root / "sys/bus/event_source/devices"
    if (devices / "cpu").exists() or (devices / "cpu_core").exists():
        return Finding("PMU", GOOD, "there: counters can be read")
    return Finding(
        "PMU",
        NOTE,
        "none that perf knows: no hardware counters; core cycles come from the add chain",
    )


def _governor(root: Path) -> Finding:
    governors = {
        text
        for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
        if (text := subprocesses.value(path))
    }
    if not governors:
        return Finding(
            "governor", NOTE, "no cpufreq here: the firmware or a hypervisor changes the clock"
        )
    if governors == {"performance"}:
        return Finding("governor", GOOD, "performance")
    return Finding(
        "governor",
        NOTE,
        f"{', '.join(sorted(governors))}: the core clock changes with the load",
        "cpupower frequency-set -g performance",
    )


def _turbo(root: Path) -> Finding:
    no_turbo = subprocesses.value(root / "sys/devices/system/cpu/intel_pstate/no_turbo")
    boost = subprocesses.value(root / "sys/devices/system/cpu/cpufreq/boost")
    if no_turbo == "1" or (no_turbo is None and boost == "0"):
        return Finding("turbo", GOOD, "off")
    if no_turbo == "0":
        return Finding(
            "turbo",
            NOTE,
            "on: the core clock changes with heat and neighbours",
            "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo",
        )
    if boost == "1":
        return Finding(
            "turbo",
            NOTE,
            "on: the core clock changes with heat and neighbours",
            "echo 0 > /sys/devices/system/cpu/cpufreq/boost",
        )
    return Finding(
        "turbo",
        NOTE,
        "not told by this kernel: the core clock may change; figures in core cycles follow it",
    )


def _smt(root: Path) -> Finding:
    if subprocesses.value(root / "sys/devices/system/cpu/smt/active") == "1":
        return Finding(
            "SMT",
            NOTE,
            "on: a sibling shares the core's units",
            "echo off > /sys/devices/system/cpu/smt/control",
        )
    return Finding("SMT", GOOD, "off")


# What the kernel calls a namespace's mode (nvdimm/namespace_devs.c), what ndctl calls it, and what
# it means here.
_PMEM_MODES = {
    "memory": (GOOD, "fsdax: a file system mounted with -o dax reads and writes it through kmap"),
    "dax": (NOTE, "devdax: a character device, which programs map; no file system"),
    "safe": (NOTE, "sector: block by block through a translation table, never DAX"),
    "raw": (NOTE, "raw: without struct pages, so a file system on it silently loses DAX"),
}


def _pmem(root: Path) -> list[Finding]:
    found = []
    for namespace in sorted((root / "sys/bus/nd/devices").glob("namespace*")):
        mode = subprocesses.value(namespace / "mode")
        if (
            mode is None or subprocesses.value(namespace / "size") == "0"
        ):  # each region has one that is still to be made
            continue
        state, meaning = _PMEM_MODES.get(mode, (NOTE, f"mode {mode}, which is not known here"))
        mend = (
            ""
            if state == GOOD
            else f"ndctl create-namespace -f -e {namespace.name} -m fsdax (destroys its contents)"
        )
        found.append(Finding("pmem", state, f"{namespace.name}: {meaning}", mend))
    return found or [
        Finding(
            "pmem",
            NOTE,
            "no device: nothing here to read or write by DAX",
            (
                "boot with memmap=SIZE!START, which lends it usable memory (faster than the real"
                " thing)"
            ),
        )
    ]
