# SPDX-License-Identifier: Apache-2.0
"""`run --here --only dax`: what it refuses to touch, on made-up machines; and a whole run in a
guest with Debian's userland.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab.campaign import validation
from lab.core import subprocesses
from lab.core.errors import KmapbenchError
from lab.tests.support import userland
from lab.tests.support.machine import tree
from lab.vm import qemu
from lab.workloads.fio import on_host, presets
from lab.workloads.fio.on_host import Named

PMEM = Path("/dev/pmem0")
SYSFS = "sys/class/block/pmem0"
MOUNTS = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
GOOD = {f"{SYSFS}/queue/dax": "1\n", f"{SYSFS}/dev": "259:0\n", "proc/self/mountinfo": MOUNTS}


def test_a_device_that_nobody_uses_is_taken_after_its_name_is_given(tmp_path):
    named = on_host.look(PMEM, tree(tmp_path, GOOD))
    assert named == Named(PMEM, None)
    questions = []
    on_host.confirm(named, lambda question: questions.append(question) or "pmem0\n")
    assert "all that is on it is lost" in questions[0] and "pmem0" in questions[0]


@pytest.mark.parametrize("answer", ["", "\n", "y\n", "yes\n", "/dev/pmem0\n", "pmem1\n", "PMEM0\n"])
def test_any_other_answer_leaves_it_as_it_is(tmp_path, answer):
    named = on_host.look(PMEM, tree(tmp_path, GOOD))
    with pytest.raises(KmapbenchError, match="/dev/pmem0: left as it is"):
        on_host.confirm(named, lambda _: answer)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({f"{SYSFS}/partition": "1\n"}, "a partition"),
        ({f"{SYSFS}/pmem0p1/partition": "1\n"}, "has partitions"),
        (
            {
                "proc/self/mountinfo": (
                    MOUNTS
                    + "30 22 259:0 / /srv rw,relatime shared:1 - xfs /dev/pmem0 rw,dax=always\n"
                )
            },
            "mounted on /srv",
        ),
        ({f"{SYSFS}/holders/dm-0/dev": "253:0\n"}, "in use by dm-0"),
        ({f"{SYSFS}/queue/dax": "0\n"}, "no DAX on it: ndctl create-namespace"),
    ],
)
def test_a_device_that_is_anybodys_is_refused(tmp_path, files, words):
    with pytest.raises(KmapbenchError, match=f"^/dev/pmem0: .*{words}"):
        on_host.look(PMEM, tree(tmp_path, GOOD | files))


@pytest.mark.parametrize("has, said", [(True, False), (False, True)])
def test_where_ndctl_is_missing_its_package_is_named(tmp_path, monkeypatch, has, said):
    monkeypatch.setattr(subprocesses, "has", lambda name: has)
    with pytest.raises(KmapbenchError) as caught:
        on_host.look(PMEM, tree(tmp_path, GOOD | {f"{SYSFS}/queue/dax": "0\n"}))
    assert ("install the package ndctl" in str(caught.value)) == said and "\n" not in str(
        caught.value
    )


def test_what_is_neither_folder_nor_device_is_refused(tmp_path):
    with pytest.raises(KmapbenchError, match="/dev/pmem7: neither a folder nor a block device"):
        on_host.look(Path("/dev/pmem7"), tree(tmp_path, GOOD))


def test_a_folder_is_measured_by_the_rows_of_its_file_system_and_not_formatted(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    number = on_host._device_of(folder)
    kinds = {}
    for kind in ("xfs", "tmpfs"):
        mounts = f"22 1 {number} / {folder} rw - {kind} /dev/pmem0 rw,dax=always\n"
        kinds[kind] = tree(tmp_path / kind, {"proc/self/mountinfo": mounts})
    named = on_host.look(folder, kinds["xfs"])
    on_host.confirm(named, lambda _: pytest.fail("asked, though nothing is formatted"))
    assert {job.on for job in presets.find("quick").jobs if named.measures(job)} == {"xfs"}
    with pytest.raises(KmapbenchError, match="on tmpfs: fio is run on ext4 and xfs"):
        on_host.look(folder, kinds["tmpfs"])


def test_processes_stay_near_memory_where_it_is_not_the_same_for_all(tmp_path):
    nodes = {f"sys/devices/system/node/node{number}/cpulist": "0\n" for number in (0, 1)} | {
        f"{SYSFS}/device/numa_node": "1\n"
    }
    assert on_host.look(PMEM, tree(tmp_path, GOOD | nodes)).options == (
        "--numa_cpu_nodes=1",
        "--numa_mem_policy=bind:1",
    )


def test_a_file_that_is_no_dax_file_is_an_error_and_no_result(tmp_path, monkeypatch):
    """As on a file system that has lost dax=always: here any will do."""
    monkeypatch.setattr(on_host, "_own_mounts", lambda: None)  # for good, and this process goes on
    output = tmp_path / "output"
    output.mkdir()
    quick = presets.find("quick")
    preset = replace(quick, jobs=tuple(job for job in quick.jobs if job.on == "ext4")[:1])
    ended = []
    with pytest.raises(KmapbenchError, match="not mounted with dax=always"):
        on_host.measure(
            Named(tmp_path, "ext4"), preset, output, lambda _: None, lambda *_: ended.append(1)
        )
    assert ended == [] and list(output.iterdir()) == [] and list(tmp_path.iterdir()) == [output]


def test_each_mount_is_of_the_file_system_that_was_made_last_and_ends(tmp_path, monkeypatch):
    """A machine without such a device: what would be called."""
    preset = presets.find("quick")
    named = Named(PMEM, None)
    state = {"made": None, "mounted": None}
    ran = []

    def call(command: list[str]) -> None:
        program = Path(command[0]).name
        if program.startswith("mkfs."):
            assert state["mounted"] is None and command[-1] == str(PMEM)
            state["made"] = program.removeprefix("mkfs.")
        elif program == "mount":
            assert (
                state["mounted"] is None
                and command[2] == state["made"]
                and command[-2] == str(PMEM)
            )
            state["mounted"] = {"dax=always": state["made"], "dax=never": f"{state['made']}_cache"}[
                command[4]
            ]
        elif program == "umount":
            state["mounted"] = None

    def run(job, *_) -> str:
        assert state["mounted"] == (None if job.on == "block" else job.on), job.name
        ran.append(job)
        return ""

    for name, fake in (("_own_mounts", lambda: None), ("_call", call), ("_run", run)):
        monkeypatch.setattr(on_host, name, fake)
    chosen = replace(preset, jobs=tuple(job for job in preset.jobs if named.measures(job)))
    on_host.measure(named, chosen, tmp_path, lambda _: None, lambda *_: None)
    assert (
        sorted(job.name for job in ran) == sorted(job.name for job in chosen.jobs)
        and state["mounted"] is None
    )


MOUNTED = "mount -t ext4 -o dax=always /dev/pmem0 /new/mnt"


@pytest.mark.all
def test_a_run_in_a_guest_formats_only_what_it_was_told_to(kernel, cache, tmp_path):
    def run_here(name: str, answer: str, on: str) -> str:
        words = [
            "run",
            "--here",
            "--only",
            "dax",
            "--preset",
            "quick",
            "--on",
            on,
            "--label",
            "lab",
            "--out",
            f"{userland.SCRATCH}/{name}",
        ]
        return f"echo {answer} | {userland.kmapbench(name, words, cache)}"

    job = (
        "wait_for /dev/pmem0; chroot /new /usr/sbin/mkfs.ext4 -q -b 4096 -L before /dev/pmem0\n"
        + run_here("unconfirmed", "yes", "/dev/pmem0")
        + f"{MOUNTED}\n"
        + run_here("mounted", "pmem0", "/dev/pmem0")
        + run_here("folder", "-", "/mnt")
        + "ls -A /new/mnt > /new/tmp/left\numount /new/mnt\nchroot /new /usr/sbin/blkid -o value -s"
        " LABEL /dev/pmem0 >> /new/tmp/left\n"
        + run_here("device", "pmem0", "/dev/pmem0")
        + "grep -c pmem0 /proc/mounts >> /new/tmp/left\n"
        + "send /new/tmp/left\n"
        + userland.send(
            "folder",
            "device",
            *(f"{name}.err" for name in ("unconfirmed", "mounted", "folder", "device")),
        )
    )
    events = []
    machine = userland.machine(
        kernel,
        job,
        tmp_path,
        {},
        ("ext4", "xfs", "crc32c_generic"),
        cmdline="memmap=384M!1G",
        limit_seconds=3600,
    )
    outcome = qemu.boot(machine, tmp_path, lambda line: events.append(line.event))
    assert outcome.problem is None, (tmp_path / "console.log").read_text(errors="replace")[-2000:]
    subprocesses.output(["tar", "-x", "--ignore-zeros", "-f", outcome.files, "-C", tmp_path])
    said = {
        name: (tmp_path / f"{name}.err").read_text()
        for name in ("unconfirmed", "mounted", "folder", "device")
    }
    codes = {event["step"]: event["code"] for event in events if event["event"] == "end"}
    assert codes == {"unconfirmed": 2, "mounted": 2, "folder": 0, "device": 0}, said
    assert "left as it is" in said["unconfirmed"] and "mounted on /mnt" in said["mounted"]
    assert (tmp_path / "left").read_text().split() == ["lost+found", "before", "0"]
    jobs = presets.find("quick").jobs
    for name, wanted in (
        ("folder", {"ext4"}),
        ("device", {"ext4", "xfs", "ext4_cache", "xfs_cache", "block"}),
    ):
        boot = tmp_path / name / "lab" / "boot-01"
        records = [json.loads(line) for line in (boot / "micro.jsonl").read_text().splitlines()]
        assert sorted(record["case"] for record in records) == sorted(
            job.case for job in jobs if job.on in wanted
        )
        assert {(record["clock"], record["unit"], record["status"]) for record in records} == {
            ("wall", "ns", "ok")
        }
        validation.validate("environment", json.loads((boot / "environment.json").read_text()))
