# SPDX-License-Identifier: Apache-2.0
"""Conditions of level publish, each on a machine of files on which it alone is not met."""

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from formats import conditions
from formats.conditions import MET, UNKNOWN, UNMET
from lab import cli
from lab.commands import check
from lab.core.errors import KmapbenchError
from lab.host import level_check, machine_state
from lab.host.machine_state import Moment, Watch
from lab.run import host_steps, preflight
from lab.tests.support import quiet_machine
from lab.tests.support.machine import tree

FOLDER = "sys/devices/system/cpu"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes the quiet machine, with changes: a text for a file, None for none."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {quiet_machine.CPU})

    def make(**changes) -> Path:
        files = quiet_machine.FILES | {name: text for name, text in changes.items() if text}
        for name in (name for name, text in changes.items() if text is None):
            files.pop(name, None)
        root = tree(tmp_path / "machine", files)
        (root / quiet_machine.MSR).parent.mkdir(parents=True)
        (root / quiet_machine.MSR).write_bytes(quiet_machine.msr(7))
        return root

    return make


def judged(root: Path) -> dict[str, conditions.Condition]:
    return {one.name: one for one in level_check.look(root, seconds=0)}


def test_on_a_quiet_machine_every_condition_is_met(machine):
    found = judged(machine())
    assert list(found) == list(conditions.NAMES)
    assert {one.name: one.state for one in found.values()} == dict.fromkeys(found, MET)
    assert not [one for one in found.values() if one.mend]
    assert "7 since boot" in found["smi"].found and "41 degrees" in found["temperature"].found


@pytest.mark.parametrize(
    ("changes", "name", "state", "said", "mend"),
    [
        (
            {"proc/cpuinfo": "vendor_id: GenuineIntel\nflags\t: fpu hypervisor\n"},
            "bare-metal",
            UNMET,
            "CPUID has the hypervisor bit",
            "bare metal",
        ),
        (
            {"sys/class/dmi/id/sys_vendor": "QEMU\n"},
            "bare-metal",
            UNMET,
            "firmware says QEMU",
            "bare metal",
        ),
        (
            {"sys/class/dmi/id/product_name": "Virtual Machine\n"},
            "bare-metal",
            UNMET,
            "Virtual Machine",
            "bare metal",
        ),
        (
            {"sys/hypervisor/type": "xen\n"},
            "bare-metal",
            UNMET,
            "the kernel runs on xen",
            "bare metal",
        ),
        ({"proc/cpuinfo": None}, "bare-metal", UNKNOWN, "nothing says", ""),
        (
            {f"{FOLDER}/cpu1/cpufreq/scaling_governor": "powersave\n"},
            "governor",
            UNMET,
            "performance, powersave",
            "cpupower frequency-set -g performance",
        ),
        ({f"{FOLDER}/cpu3/cpufreq/scaling_governor": None}, "governor", UNKNOWN, "no cpufreq", ""),
        (
            {f"{FOLDER}/intel_pstate/no_turbo": "0\n"},
            "turbo",
            UNMET,
            "on:",
            "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo",
        ),
        (
            {f"{FOLDER}/intel_pstate/no_turbo": None, f"{FOLDER}/cpufreq/boost": "1\n"},
            "turbo",
            UNMET,
            "on:",
            "echo 0 > /sys/devices/system/cpu/cpufreq/boost",
        ),
        ({f"{FOLDER}/intel_pstate/no_turbo": None}, "turbo", UNKNOWN, "not told", "--allow turbo"),
        (
            {f"{FOLDER}/cpu3/cpuidle/state1/disable": "0\n"},
            "c-states",
            UNMET,
            "C6 takes 290 us",
            "cpupower idle-set -D 11",
        ),
        ({f"{FOLDER}/cpuidle/current_driver": None}, "c-states", UNKNOWN, "idle states", ""),
        (
            {
                f"{FOLDER}/smt/active": "1\n",
                f"{FOLDER}/cpu3/topology/thread_siblings_list": "3,43\n",
            },
            "smt",
            UNMET,
            "CPU 3 shares its core with CPU 43",
            "echo 0 > /sys/devices/system/cpu/cpu43/online",
        ),
        (
            {f"{FOLDER}/smt/active": None, f"{FOLDER}/cpu3/topology/thread_siblings_list": None},
            "smt",
            UNKNOWN,
            "does not tell",
            "",
        ),
        ({f"{FOLDER}/isolated": "\n"}, "isolated-cpu", UNMET, "none:", "isolcpus=3 nohz_full=3"),
        (
            {f"{FOLDER}/isolated": "4-5\n"},
            "isolated-cpu",
            UNMET,
            "not isolated",
            "taskset -c 5 ./kmapbench run",
        ),
        ({"proc/stat": None}, "load", UNKNOWN, "/proc/stat", ""),
        ({"proc/cpuinfo": "vendor_id: AuthenticAMD\nflags: fpu\n"}, "smi", UNKNOWN, "MSR", "msr"),
        ({f"{FOLDER}/vulnerabilities/meltdown": None}, "mitigations", UNKNOWN, "at all", ""),
        (
            {f"{FOLDER}/vulnerabilities/mds": "Unknown: no microcode\n"},
            "mitigations",
            UNKNOWN,
            "of mds",
            "",
        ),
        (
            {f"{FOLDER}/cpu0/microcode/version": "0x2b000001\n"},
            "microcode",
            UNMET,
            "several revisions: 0x2b000001, 0x2b000571",
            "reboot",
        ),
        ({"proc/sys/kernel/tainted": "4\n"}, "microcode", UNMET, "late load", "loaded early"),
        ({f"{FOLDER}/cpu3/microcode/version": "0xffffffff"}, "microcode", UNKNOWN, "not shown", ""),
        (
            {
                f"{FOLDER}/cpu3/thermal_throttle/core_throttle_count": None,
                f"{FOLDER}/cpu3/thermal_throttle/package_throttle_count": None,
            },
            "temperature",
            UNKNOWN,
            "nothing counts how often the CPU was throttled, 41 degrees",
            "--allow temperature",
        ),
    ],
)
def test_each_condition_that_is_not_met_is_said(machine, changes, name, state, said, mend):
    found = judged(machine(**changes))
    assert (found[name].state, said in found[name].found) == (state, True), found[name]
    assert mend in found[name].mend
    others = {one.name for one in found.values() if one.state != MET} - {name}
    # A CPU of which nothing is known is also none whose SMIs are counted.
    assert others <= ({"smi"} if "proc/cpuinfo" in changes else set())


def test_without_the_msr_module_smis_are_unknown_and_not_none(machine):
    root = machine()
    (root / quiet_machine.MSR).unlink()
    assert judged(root)["smi"].state == UNKNOWN
    assert "modprobe msr" in judged(root)["smi"].mend


def test_with_a_sibling_that_is_offline_smt_may_be_on(machine):
    assert judged(machine(**{f"{FOLDER}/smt/active": "1\n"}))["smt"].state == MET


def test_idle_states_that_a_limit_keeps_from_being_entered_do_not_count(machine):
    root = machine(**{f"{FOLDER}/cpu3/cpuidle/state1/disable": "0\n"})
    assert judged(root)["c-states"].state == UNMET
    for limit, state in ((0, MET), (289, MET), (290, UNMET), (2_000_000_000, UNMET)):
        (root / "dev/cpu_dma_latency").write_bytes(struct.pack("<i", limit))
        assert judged(root)["c-states"].state == state, limit


def clock(*moments: Moment):
    """What a watch sees, one moment after the other."""
    left = list(moments)
    return lambda root, cpu: left.pop(0)


def moment(seconds: float, busy: float, stolen: float = 0, own: float = 0, timer: int = 0):
    return Moment(seconds, busy, stolen, own, timer)


@pytest.mark.parametrize(
    ("end", "state", "said"),
    [
        (moment(20, 12, own=9.5), MET, "0.05 CPUs busy during the run"),
        (moment(20, 20, own=9.5), UNMET, "0.85 CPUs busy during the run"),
        (moment(20, 12, stolen=1, own=9.5), UNMET, "a hypervisor took"),
    ],
)
def test_load_during_the_run_is_what_was_not_ours(machine, end, state, said):
    watch = Watch(root=machine(), now=clock(moment(10, 2), end))
    found = {one.name: one for one in conditions.judge(watch.end())}["load"]
    assert (found.state, said in found.found) == (state, True), found


def test_what_happens_during_the_run_is_judged_after_it(machine):
    root = machine()
    watch = Watch(
        "publish", ("smi",), root=root, now=clock(moment(0, 0), moment(10, 1, timer=2500))
    )
    (root / quiet_machine.MSR).write_bytes(quiet_machine.msr(10))
    (root / FOLDER / "cpu3/thermal_throttle/core_throttle_count").write_text("6\n")
    said = watch.end()
    assert (said["level"], said["allowed"], said["timer_per_s"]) == ("publish", ["smi"], 250)
    found = {one.name: one for one in level_check.judge(said, root)}
    assert (found["smi"].state, found["smi"].short) == (UNMET, "3 SMIs")
    assert (found["temperature"].state, found["temperature"].short) == (UNMET, "throttled 4 times")
    assert [one.name for one in level_check.not_allowed(list(found.values()), ["smi"])] == [
        "temperature"
    ]


def test_a_step_in_which_smis_happened_is_a_problem_at_level_publish_only(machine, monkeypatch):
    root = machine()
    real = level_check.judge
    monkeypatch.setattr(level_check, "judge", lambda said: real(said, root))
    for level, allowed, problem in (
        ("publish", (), "spr: measured, and not publishable: smi: 3 SMIs during the run"),
        ("publish", ("smi",), None),
        ("compare", (), None),
        (None, (), None),
    ):
        (root / quiet_machine.MSR).write_bytes(quiet_machine.msr(7))
        watch = Watch(level, allowed, root=root, now=clock(moment(0, 0), moment(10, 1)))
        (root / quiet_machine.MSR).write_bytes(quiet_machine.msr(10))
        watch.end()
        found = host_steps.level_problem("spr", watch)
        assert found is None if problem is None else (found or "").startswith(problem), level


def planned(*words: str):
    return cli.parse(["run", "--only", "user", "--dry-run", *words]).planned


@pytest.fixture
def on(machine, monkeypatch):
    """Lets this machine be one of files."""

    def put(**changes) -> None:
        root = machine(**changes)
        real = level_check.look
        monkeypatch.setattr(level_check, "look", lambda: real(root, seconds=0))

    return put


VIRTUAL = {"sys/class/dmi/id/sys_vendor": "QEMU\n", f"{FOLDER}/intel_pstate/no_turbo": "0\n"}


def test_publish_refuses_in_a_virtual_machine_and_says_why(on):
    on(**VIRTUAL)
    with pytest.raises(KmapbenchError) as refused:
        preflight.check_machine(planned("--level", "publish"))
    said = str(refused.value)
    assert said.startswith("not publishable: virtual machine: bare-metal:") and "\n" not in said
    assert "no_turbo" in said and "--allow bare-metal,turbo" in said


def test_conditions_that_are_allowed_are_not_in_the_way_and_others_are(on):
    on(**VIRTUAL)
    preflight.check_machine(planned("--level", "publish", "--allow", "bare-metal,turbo"))
    with pytest.raises(KmapbenchError, match="not publishable: turbo on"):
        preflight.check_machine(planned("--level", "publish", "--allow", "bare-metal"))
    for words in (["--level", "compare"], ["--level", "smoke"], []):
        preflight.check_machine(planned(*words))


def test_level_publish_ends_check_with_1_where_a_condition_is_not_met(on, capsys, monkeypatch):
    on(**VIRTUAL)
    monkeypatch.setattr(check, "_environment", lambda: {"cpu": {}})
    monkeypatch.setattr(check, "clock_readings", lambda _: [0.5, 0.625, 0.5])
    codes = {}
    for level in (*conditions.LEVELS, None):
        codes[level] = check.run(level)
        said = capsys.readouterr().out
        assert ("publishable: no: virtual machine, turbo on" in said) == (
            level in ("publish", "compare")
        )
        assert ("an add took 0.500 to 0.625 ticks in 3 launches" in said) == (
            level in ("publish", "compare")
        )
        assert ("panic_on_warn" in said) == (level != "smoke")
    assert codes == {"publish": 1, "compare": 0, "smoke": 0, None: 0}


def test_a_quiet_machine_is_publishable(on, capsys, monkeypatch):
    on()
    monkeypatch.setattr(check, "_environment", lambda: {"cpu": {}})
    monkeypatch.setattr(check, "clock_readings", lambda _: [])
    assert check.run("publish") == 0
    assert capsys.readouterr().out.endswith("publishable: yes\n")


def test_what_tune_sets_is_not_asked_for_before_it_is_set(on, monkeypatch):
    on(**VIRTUAL)
    plan = replace(planned("--level", "publish", "--allow", "bare-metal"), tune=True)
    monkeypatch.setattr(preflight, "_check_tune", lambda _: None)
    preflight.check_machine(plan)
    with pytest.raises(KmapbenchError, match="not publishable: turbo on"):
        preflight.check_machine(replace(plan, tune=False))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "micro", "--level", "publish"], "--here or --only user"),
        (["--only", "user", "--allow", "smt"], "--level publish"),
        (["--only", "user", "--level", "compare", "--allow", "smt"], "--level publish"),
    ],
)
def test_levels_are_of_times_on_this_machine(words, said):
    with pytest.raises(KmapbenchError, match=said):
        cli.parse(["run", *words])


@pytest.mark.parametrize("words", [["--level", "best"], ["--level", "publish", "--allow", "heat"]])
def test_a_level_or_condition_that_there_is_none_of_is_refused(words, capsys):
    with pytest.raises(SystemExit):
        cli.parse(["run", "--only", "user", *words])
    assert "'best' is none of" in (said := capsys.readouterr().err) or "is no condition" in said


def test_a_condition_in_a_plan_file_is_looked_at_too(tmp_path):
    (tmp_path / "plan.toml").write_text('only = "user"\nlevel = "publish"\nallow = ["heat"]\n')
    with pytest.raises(KmapbenchError, match="allow: 'heat' is no condition"):
        cli.parse(["run", "--plan", str(tmp_path / "plan.toml")])


@pytest.mark.parametrize(
    ("text", "cpus"), [("0-2,5", [0, 1, 2, 5]), ("", []), ("7", [7]), ("(null)", [])]
)
def test_lists_of_cpus_are_read(text, cpus):
    assert machine_state.cpu_list(text) == cpus
