# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import subprocess
import sys

import pytest

from lab.commands import check
from lab.core.dirs import MODULE_SOURCE, ROOT
from lab.core.errors import KmapbenchError
from lab.host import running_kernel, system_findings
from lab.kernels import supported
from lab.tests.support.machine import CONFIGURED, SECURE_BOOT, tree

RELEASE = "6.12.0-test"


def only(found: list[system_findings.Finding], what: str) -> system_findings.Finding:
    (finding,) = [finding for finding in found if finding.what == what]
    return finding


# What a machine tuned for measuring looks like.
TUNED = {
    f"lib/modules/{RELEASE}/build/Makefile": "",
    "sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
    "sys/module/module/parameters/sig_enforce": "N\n",
    "proc/modules": "",
    "proc/cpuinfo": "flags\t\t: fpu pku ospke\nflags\t\t: fpu pku ospke\n",
    "proc/cmdline": "root=/dev/sda1\n",
    "proc/sys/kernel/modules_disabled": "0\n",
    "proc/sys/kernel/panic_on_warn": "0\n",
    "sys/bus/event_source/devices/cpu/type": "4\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
    "sys/devices/system/cpu/smt/active": "0\n",
    "sys/bus/nd/devices/namespace0.0/mode": "memory\n",
    "sys/bus/nd/devices/namespace0.0/size": "4294967296\n",
    # the one that each region has ready for the next `ndctl create-namespace`
    "sys/bus/nd/devices/namespace0.1/mode": "raw\n",
    "sys/bus/nd/devices/namespace0.1/size": "0\n",
}


def test_a_tuned_machine_has_nothing_to_mend(tmp_path):
    found = system_findings.findings(tree(tmp_path, TUNED), RELEASE, pks=True)
    assert {finding.state for finding in found} == {system_findings.GOOD}
    assert not [finding for finding in found if finding.mend]


@pytest.mark.parametrize(
    ("change", "what", "state", "said", "mend"),
    [
        (
            {"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"},
            "lockdown",
            system_findings.BAD,
            "integrity:",
            "without lockdown=",
        ),
        (
            {
                "sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
                SECURE_BOOT: "\6\0\0\0\1",
            },
            "lockdown",
            system_findings.BAD,
            "integrity, by secure boot",
            "mokutil --disable-validation",
        ),
        (
            {"sys/module/module/parameters/sig_enforce": "Y\n"},
            "signatures",
            system_findings.BAD,
            "enforced",
            "without module.sig_enforce=1",
        ),
        (
            {"proc/sys/kernel/modules_disabled": "1\n"},
            "modules",
            system_findings.BAD,
            "until the next boot",
            "reboot",
        ),
        (
            {"proc/cmdline": "root=/dev/sda1 nopks\n"},
            "CR4.PKS",
            system_findings.NOTE,
            "nopks",
            "boot without nopks",
        ),
        (
            {"proc/sys/kernel/panic_on_warn": "1\n"},
            "panic_on_warn",
            system_findings.BAD,
            "declined",
            "sysctl kernel.panic_on_warn=0",
        ),
        (
            {"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave\n"},
            "governor",
            system_findings.NOTE,
            "performance, powersave",
            "cpupower",
        ),
        (
            {"sys/devices/system/cpu/intel_pstate/no_turbo": "0\n"},
            "turbo",
            system_findings.NOTE,
            "on",
            "no_turbo",
        ),
        (
            {"sys/devices/system/cpu/smt/active": "1\n"},
            "SMT",
            system_findings.NOTE,
            "sibling",
            "smt/control",
        ),
        (
            {"sys/bus/nd/devices/namespace0.0/mode": "raw\n"},
            "pmem",
            system_findings.NOTE,
            "raw",
            "ndctl create-namespace -f -e namespace0.0",
        ),
        (
            {"sys/bus/nd/devices/namespace0.0/mode": "safe\n"},
            "pmem",
            system_findings.NOTE,
            "sector",
            "ndctl create-namespace -f -e namespace0.0",
        ),
        (
            {"sys/bus/nd/devices/namespace0.0/mode": "dax\n"},
            "pmem",
            system_findings.NOTE,
            "devdax",
            "ndctl create-namespace -f -e namespace0.0",
        ),
    ],
)
def test_each_disturbance_is_named_with_its_mend(tmp_path, change, what, state, said, mend):
    finding = only(
        system_findings.findings(tree(tmp_path, TUNED | change), RELEASE, pks=True), what
    )
    assert finding.state == state
    assert said in finding.found
    assert mend in finding.mend


@pytest.mark.parametrize(
    ("dropped", "what", "state"),
    [
        (f"lib/modules/{RELEASE}/build/Makefile", "headers", system_findings.BAD),
        ("proc/modules", "modules", system_findings.BAD),
        ("sys/bus/event_source/devices/cpu/type", "PMU", system_findings.NOTE),
        ("sys/bus/nd/devices/namespace0.0/mode", "pmem", system_findings.NOTE),
    ],
)
def test_what_is_missing_is_named(tmp_path, dropped, what, state):
    files = {name: text for name, text in TUNED.items() if name != dropped}
    assert (
        only(system_findings.findings(tree(tmp_path, files), RELEASE, pks=True), what).state
        == state
    )


# What supported.h wants of a configuration.


@pytest.mark.parametrize(
    ("release", "config", "state", "said"),
    [
        ("5.14.0-test", CONFIGURED, system_findings.BAD, "needs Linux 6.1"),
        ("6.1.0-56-test", CONFIGURED, system_findings.GOOD, "can be built"),
        ("6.17.0-test", CONFIGURED, system_findings.GOOD, "can be built"),
        ("7.3.4+deb13-test", CONFIGURED, system_findings.GOOD, "can be built"),
        ("7.4.0-test", CONFIGURED, system_findings.NOTE, "newer than"),
        (
            "6.12.0-test",
            CONFIGURED.replace("CONFIG_ZONE_DEVICE=y", "# CONFIG_ZONE_DEVICE is not set"),
            system_findings.BAD,
            "CONFIG_ZONE_DEVICE",
        ),
        (
            "6.12.0-test",
            CONFIGURED.replace("CONFIG_X86_64=y\n", ""),
            system_findings.BAD,
            "x86-64 only",
        ),
    ],
)
def test_headers_are_no_promise_where_the_module_refuses_the_kernel(
    tmp_path, release, config, state, said
):
    build = f"lib/modules/{release}/build"
    root = tree(tmp_path, TUNED | {f"{build}/Makefile": "", f"{build}/.config": config})
    headers = only(system_findings.findings(root, release, pks=True), "headers")
    assert headers.state == state and said in headers.found
    if state == system_findings.BAD:
        with pytest.raises(KmapbenchError, match=said):
            running_kernel.running_kernel(release, root)
    else:
        running_kernel.running_kernel(release, root)


@pytest.mark.parametrize(
    ("release", "mend"),
    [
        ("6.12.117+deb13-amd64", "apt-get install linux-headers-6.12.117+deb13-amd64"),
        ("6.18.44-own", "/lib/modules/6.18.44-own/build"),
    ],
)
def test_headers_come_from_a_package_where_the_kernel_does(tmp_path, release, mend):
    root = tree(tmp_path, {"proc/modules": ""})
    headers = only(system_findings.findings(root, release, pks=True), "headers")
    assert headers.state == system_findings.BAD and mend in headers.mend
    with pytest.raises(KmapbenchError, match=re.escape(mend)):
        running_kernel.running_kernel(release, root)


def test_headers_are_of_no_use_to_a_kernel_without_modules(tmp_path):
    found = system_findings.findings(tree(tmp_path, {}), RELEASE, pks=True)
    headers = only(found, "headers")
    assert headers.state == system_findings.NOTE and not headers.mend


WITH_PKS = {"pks": True, "pku": True}
PLUGINS = "-plugin [file=]<file>[,<argname>=<argvalue>]\n"


@pytest.mark.parametrize(
    ("files", "cpu", "qemu_help", "said"),
    [
        (TUNED, WITH_PKS, PLUGINS, ["yes: ./kmapbench run", "only user", "yes: sudo"]),
        (
            TUNED,
            {},
            PLUGINS,
            ["run", "only user, but PKU", "yes: sudo ./kmapbench run --here, but"],
        ),
        (TUNED, WITH_PKS, None, ["no: lab: no qemu", "only user", "yes: sudo"]),
        (TUNED, WITH_PKS, "", ["run, but lab: QEMU without", "only user", "yes: sudo"]),
        ({}, WITH_PKS, PLUGINS, ["run", "only user", "no: modules: this kernel takes none"]),
        (
            {path: text for path, text in TUNED.items() if "build" not in path},
            WITH_PKS,
            PLUGINS,
            ["run", "only user", "no: headers"],
        ),
    ],
)
def test_the_last_lines_say_what_can_be_done(tmp_path, files, cpu, qemu_help, said):
    found = (
        check.lab_findings(qemu_help)
        + check.cpu_findings(cpu)
        + system_findings.findings(tree(tmp_path, files), RELEASE, pks=bool(cpu.get("pks")))
    )
    lines = check.summary(found).splitlines()
    assert [line[:22].strip() for line in lines] == [
        "emulate",
        "time in user space",
        "time in the kernel",
    ]
    for line, part in zip(lines, said, strict=True):
        assert part in line
        assert (" but " in line) == ("but" in part)


def test_every_refusal_of_the_module_is_one_that_check_knows():
    assert len(supported.rules()) == (MODULE_SOURCE / "supported.h").read_text().count("#error")


def test_a_kernel_that_uses_pks_shows_it_and_one_that_does_not_is_told_apart(tmp_path):
    for flags, said in (("fpu pks pku", "set"), ("fpu pku", "clear")):
        finding = only(
            system_findings.findings(
                tree(tmp_path, TUNED | {"proc/cpuinfo": f"flags\t\t: {flags}\n"}), RELEASE, pks=True
            ),
            "CR4.PKS",
        )
        assert finding.found.startswith(said)


def test_an_amd_machine_tells_turbo_by_boost(tmp_path):
    files = {name: text for name, text in TUNED.items() if "no_turbo" not in name}
    for boost, state in (("1", system_findings.NOTE), ("0", system_findings.GOOD)):
        files["sys/devices/system/cpu/cpufreq/boost"] = boost
        assert (
            only(system_findings.findings(tree(tmp_path, files), RELEASE, pks=True), "turbo").state
            == state
        )


def test_cpuid_decides_on_pks_and_pku():
    has = check.cpu_findings({"pks": True, "pku": True, "hypervisor": False})
    assert {finding.state for finding in has} == {system_findings.GOOD}
    assert "--here" in only(has, "PKS").mend
    lacks = check.cpu_findings({"pks": False, "pku": False, "hypervisor": True})
    assert {finding.state for finding in lacks} == {system_findings.NOTE}


def test_the_lab_needs_qemu_and_wants_plugins():
    states = [
        check.lab_findings(text)[0].state for text in (None, "-accel ...", "-plugin [file=]<file>")
    ]
    assert states == [system_findings.BAD, system_findings.NOTE, system_findings.GOOD]


@pytest.mark.program
def test_check_on_this_machine_is_plain_lines_and_exit_code_0():
    result = subprocess.run(
        [sys.executable, "-m", "lab", "check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    for what in (
        "lab",
        "PKS",
        "PKU",
        "CR4.PKS",
        "hypervisor",
        "headers",
        "lockdown",
        "PMU",
        "governor",
        "turbo",
        "SMT",
        "pmem",
    ):
        assert [line for line in result.stdout.splitlines() if line.split()[1:2] == [what]]


def test_for_programs_check_says_the_same_as_one_object(monkeypatch, capsys):
    monkeypatch.setattr(check, "_environment", lambda: {"cpu": {"pku": True, "pks": False}})
    assert check.run() == check.run(as_json=True) == 0
    text, brace, rest = capsys.readouterr().out.partition("\n{\n")
    said = json.loads(brace + rest)
    assert said["conditions"] == []
    for finding in said["findings"]:
        assert f"{finding['state']:8}{finding['what']}" in text
    lines = text.splitlines()
    for purpose in said["purposes"]:
        (line,) = [line for line in lines if line.startswith(f"{purpose['what']}  ")]
        yes = f"yes: {purpose['command']}"
        assert (f"no: {purpose['obstacle']}" if purpose["obstacle"] else yes) in line


def test_for_programs_too_a_level_that_is_not_met_is_an_exit_code(monkeypatch, capsys):
    unmet = check.Condition("turbo", check.conditions.UNMET, "turbo on", "on", "off")
    monkeypatch.setattr(check, "_environment", lambda: {"cpu": {}})
    monkeypatch.setattr(check.level_check, "look", lambda: [unmet])
    assert check.run("compare", as_json=True) == 0
    assert check.run("smoke", as_json=True) == 0
    capsys.readouterr()
    assert check.run("publish", as_json=True) == 1
    (condition,) = json.loads(capsys.readouterr().out)["conditions"]
    assert condition["short"] == "turbo on"
