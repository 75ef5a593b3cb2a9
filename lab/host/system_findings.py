# SPDX-License-Identifier: Apache-2.0
"""What sysfs and procfs say of a machine: what can be measured there, and what disturbs it."""

import re
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses
from lab.host import header_packages, load_errors
from lab.host.tuning import left_over
from lab.host.tuning.journal import STATE
from lab.kernels import debian_kernels, supported

GOOD, NOTE, BAD = "ok", "note", "missing"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: str  # GOOD; NOTE: figures are less steady or fewer; BAD: something cannot be measured
    found: str
    mend: str = ""  # a command, or where to go; empty where there is nothing to do


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
        *_tuned(root),
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
    if not (root / "proc/modules").exists():
        return Finding(
            "headers", NOTE, "not looked for: this kernel takes no modules, so they would not help"
        )
    if not (headers / "Makefile").exists():
        return Finding(
            "headers",
            BAD,
            f"none of Linux {release}: the module cannot be built for this kernel",
            header_packages.headers_mend(release),
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


def _tuned(root: Path) -> list[Finding]:
    """Settings that are not the machine's own."""
    if not left_over.is_left(root / STATE.relative_to("/")):
        return []
    return [
        Finding(
            "tuned",
            NOTE,
            f"{left_over.NOTICE}: it is at work, or was killed",
            left_over.RESTORE,
        )
    ]


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
