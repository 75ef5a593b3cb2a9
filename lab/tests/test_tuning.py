# SPDX-License-Identifier: Apache-2.0
"""Settings of a false machine: all of them are back after a run, whatever ends it."""

import errno
import json
import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from lab.campaign import safe_files
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.host.tuning import cpu_sets, holder, journal, left_over, tuned
from lab.host.tuning.knobs import KNOBS
from lab.host.tuning.tuning_plan import describe_plan, plan_tuning
from lab.tests.support import tuning_kills
from lab.tests.support.false_machine import (
    AMD,
    BOOT,
    CGROUP,
    CPUS,
    FLAVOURS,
    INTEL,
    PARTITION,
    FalseMachine,
    end_of_holder,
    make_tree,
    snapshot,
    task,
)
from lab.tests.support.machine import tree

POLICY = f"{CPUS}/cpufreq/policy0"


@pytest.fixture(autouse=True)
def _without_sync(monkeypatch):
    """Nothing here loses its power."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(params=FLAVOURS)
def flavour(request):
    return FLAVOURS[request.param]


@pytest.fixture
def false(tmp_path, flavour):
    """Root and state of a machine."""
    return make_tree(tmp_path / "root", flavour), tmp_path / "state"


@pytest.fixture
def intel(tmp_path):
    return make_tree(tmp_path / "root", INTEL), tmp_path / "state"


@pytest.fixture
def hold(monkeypatch, capsys):
    """Tunes, does something, puts back; what was said of the making and of the end."""

    def hold(machine, state, meanwhile=lambda: None, isolate=True):
        monkeypatch.setattr(holder, "_wait", meanwhile)
        holder.hold(machine, state, os.getpid(), isolate)
        made, ended = map(json.loads, capsys.readouterr().out.splitlines())
        return made, ended

    return hold


def restore(root, state, **behaviour):
    return left_over.restore_left_over(FalseMachine(root, **behaviour), state)


def is_clean(state):
    """No journal is left, nor the folder that says that there is one."""
    return not any(state.rglob("*"))


# After a power cut.


def restarted(root, files):
    """The machine as its next boot sets it."""
    tree(root, files | {"proc/sys/kernel/random/boot_id": "another"})
    end_of_holder(root)
    return snapshot(root)


def test_a_setting_that_is_another_since_a_power_cut_is_named(intel):
    root, state = intel
    tuning_kills.kill_in_the_middle(root, state)
    restarted(root, INTEL | {f"{POLICY}/scaling_governor": "performance"})
    said = "\n".join(restore(root, state).said)
    assert f"governor: /{POLICY}/scaling_governor: was powersave before the run, is" in said
    assert "performance since the restart" in said
    assert "NMI watchdog" not in said  # it is as it was


def test_a_journal_that_a_power_cut_has_torn_is_dropped_at_the_next_boot(intel):
    root, state = intel
    tuning_kills.kill_in_the_middle(root, state)
    path = journal.path_of(state, BOOT)
    whole = path.read_bytes()
    now = restarted(root, INTEL)
    for length in range(0, len(whole), 97):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole[:length])
        path.with_name(f".{path.name}.new").write_bytes(whole[:length])  # a write that was cut off
        (said,) = restore(root, state).said
        assert "restarted" in said
        assert snapshot(root) == now and is_clean(state)


def test_a_journal_of_this_boot_that_cannot_be_read_is_one_line_and_nothing_is_done(intel):
    root, state = intel
    tuning_kills.kill_in_the_middle(root, state)
    path = journal.path_of(state, BOOT)
    now = snapshot(root)
    for content in ("", "{}", "[]", path.read_text()[:-40], '{"format": 2}', '"x"'):
        path.write_text(content)
        with pytest.raises(KmapbenchError, match=f"{path}.*restart the machine") as caught:
            restore(root, state)
        assert "\n" not in str(caught.value)
        assert snapshot(root) == now and path.read_text() == content


# What the machine does with a write.

WRITTEN = {
    "interrupts": ["proc/irq/24/smp_affinity_list", "proc/irq/25/smp_affinity_list"],
    "workqueues": ["sys/devices/virtual/workqueue/cpumask"],
    "SMT": [f"{CPUS}/smt/control"],
    "governor": [f"{CPUS}/cpufreq/policy{cpu}/scaling_governor" for cpu in range(4)],
    "turbo": [f"{CPUS}/intel_pstate/no_turbo", f"{CPUS}/cpufreq/boost"],
    "NMI watchdog": ["proc/sys/kernel/nmi_watchdog"],
    "NUMA balancing": ["proc/sys/kernel/numa_balancing"],
    "isolation": [f"{CGROUP}/cgroup.subtree_control", f"{PARTITION}/cpuset.cpus.partition"],
}
PATHS = [(knob, path) for knob, paths in WRITTEN.items() for path in paths]


ERRORS = (errno.EIO, errno.EROFS, errno.EPERM)


def field(knob):
    """The name of a knob in environment.json."""
    return knob.lower().replace(" ", "_").replace("-", "_")


@pytest.mark.parametrize(
    ("knob", "path", "error"),
    [(*path, ERRORS[index % len(ERRORS)]) for index, path in enumerate(PATHS)],
)
def test_a_setting_that_is_refused_is_named_and_the_others_are_made(
    tmp_path, hold, knob, path, error
):
    root, state = make_tree(tmp_path / "root", AMD if "boost" in path else INTEL), tmp_path / "s"
    before = snapshot(root)
    machine = FalseMachine(root, refused={path: error})
    made, ended = hold(machine, state, machine._refused.clear)
    reasons = {(one["knob"], one["reason"]) for one in made["refusals"]}
    assert reasons == {(knob, os.strerror(error))}
    others = set(WRITTEN) - {knob}
    assert {field(other) for other in others} <= set(made["effects"])
    assert made["effects"].get(field(knob), "in part").endswith("in part")
    assert ended["not_back"] == ended["changed"] == []
    assert snapshot(root) == before and is_clean(state)


# Values that a setting may have in place of the one that is wanted.
ODD = {
    "interrupts": "1",
    "workqueues": "5",
    "governor": "ondemand",
    "isolation": "isolated invalid",
}


@pytest.mark.parametrize("is_odd", [False, True])
@pytest.mark.parametrize(
    ("knob", "path"), [(knob, path) for knob, path in PATHS if "subtree" not in path]
)
def test_a_setting_that_takes_a_value_and_has_another_is_named_and_put_back(
    tmp_path, hold, monkeypatch, knob, path, is_odd
):
    monkeypatch.setattr("lab.host.tuning.settings._SETTLE_SECONDS", 0.01)
    root, state = make_tree(tmp_path / "root", AMD if "boost" in path else INTEL), tmp_path / "s"
    before = snapshot(root)
    machine = OddOnce(root, path, ODD.get(knob, "2") if is_odd else None)
    made, ended = hold(machine, state)
    (refusal,) = made["refusals"]
    assert refusal["knob"] == knob and "takes " in refusal["reason"]
    assert ended["not_back"] == ended["changed"] == []
    assert snapshot(root) == before and is_clean(state)


class OddOnce(FalseMachine):
    """The first write to a path gives another value, as of a setting that the kernel bounds."""

    def __init__(self, root, path, becomes):
        super().__init__(root, ignored={path: becomes})
        self._odd = path

    def write(self, path, text):
        super().write(path, text)
        if path == self._odd:
            self._ignored.clear()


def test_a_machine_that_can_only_be_read_is_measured_as_it_is(false, hold):
    root, state = false
    before = snapshot(root)
    everything = dict.fromkeys([path for _, path in PATHS], errno.EROFS)
    made, ended = hold(FalseMachine(root, refused=everything), state)
    assert {one["knob"] for one in made["refusals"]} == set(WRITTEN)
    assert set(made["effects"]) == {"c_states", "measuring_cpu"}  # a device, and no file of sysfs
    assert ended["not_back"] == ended["changed"] == []
    assert snapshot(root) == before


# What others do meanwhile.


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("proc/irq/24/smp_affinity_list", "1"),
        ("sys/devices/virtual/workqueue/cpumask", "1"),
        (f"{POLICY}/scaling_governor", "powersave-ng"),
        ("proc/sys/kernel/numa_balancing", "2"),
    ],
)
def test_what_somebody_else_has_changed_meanwhile_stays_and_is_named(intel, hold, path, value):
    root, state = intel
    before = snapshot(root)
    machine = FalseMachine(root)
    _, ended = hold(machine, state, lambda: machine._put(path, value))
    (line,) = ended["changed"]
    was = before[path].decode()
    assert f"/{path}: was {was}," in line and f"somebody else has made it {value}" in line
    assert ended["not_back"] == []
    assert snapshot(root) == before | {path: value.encode()}
    assert is_clean(state)


def test_what_somebody_else_has_put_back_already_is_back(intel, hold):
    root, state = intel
    before = snapshot(root)
    machine = FalseMachine(root)
    _, ended = hold(
        machine, state, lambda: machine.write(f"{POLICY}/scaling_governor", "powersave")
    )
    assert ended["changed"] == ended["not_back"] == []
    assert snapshot(root) == before


def test_an_interrupt_or_a_task_that_is_gone_is_nobodys_concern(intel, hold):
    root, state = intel

    def leave():
        (root / "proc/irq/25/smp_affinity_list").unlink()
        tree(root, task(100, "0-7", comm="its number"))
        (root / "proc/100/task/100/stat").write_text("100 (other) S" + " 7" * 20)
        shutil.rmtree(root / "proc/400")

    _, ended = hold(FalseMachine(root), state, leave)
    assert ended["changed"] == ended["not_back"] == []
    assert "Cpus_allowed_list:\t0-7" in (root / "proc/100/task/100/status").read_text()
    assert is_clean(state)


def test_a_setting_that_has_vanished_is_not_back_and_is_when_it_returns(intel, hold):
    """As of a CPU that was unplugged."""
    root, state = intel
    before = snapshot(root)
    aside = root.parent / "aside"
    _, ended = hold(FalseMachine(root), state, lambda: (root / POLICY).rename(aside))
    lines = ended["not_back"]
    assert f"governor: /{POLICY}/scaling_governor: cannot be read any more; was powersave" in lines
    assert all(f"/{POLICY}/" in line for line in lines)
    assert restore(root, state).problems == lines  # said again, until it is there
    aside.rename(root / POLICY)
    assert restore(root, state).problems == []
    assert snapshot(root) == before and is_clean(state)


def test_a_setting_that_cannot_be_put_back_is_named_and_tried_again(intel, hold):
    root, state = intel
    before = snapshot(root)
    machine = FalseMachine(root)
    path = "proc/sys/kernel/nmi_watchdog"
    _, ended = hold(machine, state, lambda: machine._refused.update({path: errno.EIO}))
    reason = os.strerror(errno.EIO)
    assert ended["not_back"] == [f"NMI watchdog: /{path}: is 0, was 1 ({reason})"]
    with pytest.raises(KmapbenchError, match="an earlier run has left it.*restart"):
        hold(machine, state)
    assert restore(root, state).problems == []
    assert snapshot(root) == before and is_clean(state)


def test_a_disk_that_is_full_by_then_keeps_nothing_from_being_put_back(intel, hold, monkeypatch):
    root, state = intel
    before = snapshot(root)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill():
        monkeypatch.setattr(safe_files, "write_text", full)

    _, ended = hold(FalseMachine(root), state, fill)
    assert ended["not_back"] == ended["changed"] == []
    assert snapshot(root) == before and is_clean(state)


def test_a_controller_that_others_need_by_then_stays(intel, hold):
    root, state = intel
    machine = FalseMachine(root)
    path = f"{CGROUP}/cgroup.subtree_control"
    _, ended = hold(machine, state, lambda: machine._refused.update({path: errno.EBUSY}))
    (line,) = ended["changed"]
    assert path in line and ended["not_back"] == []
    assert is_clean(state)


def test_processes_left_in_the_isolated_cgroup_go_on_outside(intel, hold):
    root, state = intel
    before = snapshot(root)
    members = root / PARTITION / "cgroup.procs"
    _, ended = hold(FalseMachine(root), state, lambda: members.write_text("77\n"))
    assert ended["not_back"] == []
    assert snapshot(root) == before


# What is planned.


def test_a_plan_names_each_knob_with_both_values_and_changes_nothing(false):
    root, _ = false
    before = snapshot(root)
    lines = describe_plan(plan_tuning(FalseMachine(root)))
    assert [line.partition(":")[0] for line in lines if line.startswith("tune interrupts")]
    assert f"tune SMT: on -> off, in /{CPUS}/smt/control" in lines
    assert "tune C-states: 2000000000 -> 1, in /dev/cpu_dma_latency" in lines
    assert f"tune isolation: none -> isolated 3, in /{PARTITION}" in lines
    (governor,) = [line for line in lines if line.startswith("tune governor")]
    assert governor.endswith(f"-> performance, in /{POLICY}/scaling_governor, and 3 more")
    assert snapshot(root) == before


def test_what_is_as_wanted_is_not_touched(intel, hold):
    root, state = intel
    tree(root, {"proc/sys/kernel/nmi_watchdog": "0"})
    made, _ = hold(FalseMachine(root), state)
    assert made["effects"]["nmi_watchdog"] == "off"
    plan = plan_tuning(FalseMachine(root))
    assert not [setting for setting in plan.settings if setting.knob == "NMI watchdog"]
    assert "as wanted already: NMI watchdog" in describe_plan(plan)


def test_a_machine_without_a_knob_says_so(tmp_path):
    root = make_tree(
        tmp_path, {name: text for name, text in INTEL.items() if "cpufreq" not in name}
    )
    (root / CPUS / "intel_pstate/no_turbo").unlink()
    assert "not on this machine: governor, turbo" in describe_plan(plan_tuning(FalseMachine(root)))


@pytest.mark.parametrize("state", ["forceoff", "notsupported", "notimplemented"])
def test_smt_that_cannot_be_set_is_left_alone(intel, state):
    root, _ = intel
    tree(root, {f"{CPUS}/smt/control": state})
    plan = plan_tuning(FalseMachine(root))
    assert not plan.topology.lost
    assert "SMT" in plan.missing


def test_irqbalance_keeps_interrupts_where_they_are(intel):
    root, _ = intel
    tree(root, task(500, "0-7", comm="irqbalance"))
    plan = plan_tuning(FalseMachine(root))
    assert not [setting for setting in plan.settings if setting.knob == "interrupts"]
    (line,) = [line for line in describe_plan(plan) if line.startswith("not tuned")]
    assert "systemctl stop irqbalance" in line


def test_a_cpuset_of_cgroup_v1_that_would_lose_cpus_keeps_smt(intel):
    root, _ = intel
    tree(root, {f"{CGROUP}/cpuset/docker/box/cpuset.cpus": "2,7\n"})
    plan = plan_tuning(FalseMachine(root))
    assert not [setting for setting in plan.settings if setting.knob == "SMT"]
    assert plan.topology.lost == frozenset() and plan.topology.measuring == 7
    assert any("docker/box/cpuset.cpus has 2,7" in line for line in describe_plan(plan))


def test_a_cpu_that_was_isolated_at_boot_measures_and_needs_no_cgroup(intel):
    root, _ = intel
    tree(root, {f"{CPUS}/isolated": "1-2,5\n"})
    plan = plan_tuning(FalseMachine(root))
    assert plan.topology.measuring == 2
    assert plan.topology.others == {0, 3}
    assert "isolation" in plan.missing


@pytest.mark.parametrize(("isolated", "measuring"), [("", 1), ("0,2-3", 0), ("2-3", 3)])
def test_of_cores_of_two_kinds_a_performance_core_measures(intel, isolated, measuring):
    root, _ = intel
    tree(root, {"sys/devices/cpu_core/cpus": "0-1,4-5\n", f"{CPUS}/isolated": isolated})
    assert plan_tuning(FalseMachine(root)).topology.measuring == measuring


def test_without_a_measuring_cpu_only_what_smt_takes_along_is_moved(intel, hold):
    """As for fio, which needs all CPUs."""
    root, state = intel
    before = snapshot(root)
    during = {}
    made, _ = hold(FalseMachine(root), state, lambda: during.update(snapshot(root)), isolate=False)
    assert made["cpu"] is None and "isolation" not in made["effects"]
    assert during["proc/irq/24/smp_affinity_list"] == b"0-3"
    assert during["proc/irq/25/smp_affinity_list"] == b"0-3"
    assert snapshot(root) == before


def test_a_single_cpu_is_not_isolated(tmp_path):
    root = make_tree(tmp_path, {f"{CPUS}/online": "0", f"{CGROUP}/cgroup.controllers": "cpuset"})
    plan = plan_tuning(FalseMachine(root))
    assert plan.topology.measuring is None
    assert [setting.knob for setting in plan.settings] == ["C-states"]


@pytest.mark.parametrize(
    ("cpus", "as_list", "as_mask"),
    [
        ({0, 1, 2, 3, 8}, "0-3,8", "10f"),
        ({1}, "1", "2"),
        (set(), "", "0"),
        ({0, 2, 31, 32, 95}, "0,2,31-32,95", "80000000,00000001,80000005"),
    ],
)
def test_sets_of_cpus_are_written_as_the_kernel_does(cpus, as_list, as_mask):
    assert cpu_sets.format_list(cpus) == as_list
    assert cpu_sets.format_mask(cpus) == as_mask
    assert cpu_sets.parse_list(as_list) == cpu_sets.parse_mask(as_mask) == cpus


# The journal.


def test_only_root_can_read_the_journal(intel, hold):
    root, state = intel
    modes = {}

    def look():
        for path in (journal.folder_of(state), *journal.journals(state)):
            modes[path.name] = stat.S_IMODE(path.stat().st_mode)

    hold(FalseMachine(root), state, look)
    assert modes == {"tuning": 0o700, f"boot-{BOOT}.json": 0o600}


def test_a_second_run_is_refused_with_the_number_of_the_first(intel, hold):
    root, state = intel

    def second():
        for again in (
            lambda: holder.hold(FalseMachine(root), state, os.getpid(), True),
            lambda: restore(root, state),
            lambda: tuned.check_can_tune(state, uid=0),
        ):
            with pytest.raises(KmapbenchError, match=f"held by process {os.getpid()}: wait"):
                again()

    hold(FalseMachine(root), state, second)
    tuned.check_can_tune(state, uid=0)


def test_a_run_whose_holder_was_killed_keeps_its_settings_from_others(intel, monkeypatch):
    """The run goes on measuring, and puts them back itself."""
    root, state = intel
    before = snapshot(root)
    tuning_kills.kill_in_the_middle(root, state)
    path = journal.path_of(state, BOOT)
    content = json.loads(path.read_text())
    parent = os.getppid()
    start = journal.process_start(parent)
    path.write_text(json.dumps(content | {"owner": parent, "start": start}))
    with pytest.raises(KmapbenchError, match=f"held by process {parent}: wait"):
        restore(root, state)
    path.write_text(json.dumps(content | {"owner": parent, "start": "1"}))  # its number only
    assert restore(root, state).problems == []
    assert snapshot(root) == before


def test_without_a_journal_nothing_is_touched(intel, tmp_path):
    root, _ = intel
    before = snapshot(root)
    (tmp_path / "file").write_text("")
    with pytest.raises(KmapbenchError, match="journal.*leave out --tune"):
        holder.hold(FalseMachine(root), tmp_path / "file", os.getpid(), True)
    assert snapshot(root) == before


def test_a_disk_that_cannot_be_written_is_said_before_work_begins(monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(KmapbenchError, match="^/nowhere/at/all/tuning: .* / cannot be written"):
        tuned.check_can_tune(Path("/nowhere/at/all"), uid=0)


def test_an_ordinary_user_is_told_that_it_takes_root(tmp_path):
    with pytest.raises(KmapbenchError, match="takes root: sudo ./kmapbench run --here --tune"):
        tuned.check_can_tune(tmp_path, uid=1000)


# What is said of it elsewhere.


def test_the_page_has_each_knob_in_the_order_of_the_table():
    rows = re.findall(r"^\| ([\w -]+) \|", (ROOT / "docs/tuning.md").read_text(), re.MULTILINE)
    names = [knob.name for knob in KNOBS]
    assert [row for row in rows if row in names][: len(names)] == names
