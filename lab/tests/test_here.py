# SPDX-License-Identifier: Apache-2.0
"""`run --here`: what it refuses and how, on made-up machines; and rehearsed in guests that have
Debian's userland.
"""

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.campaign import chown, validation
from lab.core import subprocesses
from lab.core.dirs import MODULE_SOURCE
from lab.core.errors import KmapbenchError
from lab.host import load_errors, running_kernel
from lab.kernels import module_build
from lab.tests.conftest import STATE, quiet
from lab.tests.support import userland
from lab.tests.support.cases import CASES, DEFAULT_CASES, FROM_USER_SPACE, SKIPPED
from lab.tests.support.machine import CONFIGURED, SECURE_BOOT, tree
from lab.tests.support.records import of_cases, without_controls
from lab.vm import qemu

RELEASE = "6.12.0-test"
LOCKED = {"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}


# What keeps a module out, on made-up machines.


@pytest.mark.parametrize(
    ("files", "uid", "words"),
    [
        ({"proc/modules": ""}, 1000, ["root", "sudo ./kmapbench run --here"]),
        (
            {"proc/modules": "", "sys/module/kmapbench/refcnt": "0\n"},
            0,
            ["loaded already", "rmmod kmapbench"],
        ),
        ({}, 0, ["without modules", "CONFIG_MODULES"]),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_built(tmp_path, files, uid, words):
    with pytest.raises(KmapbenchError) as caught:
        running_kernel.needs(tree(tmp_path, files), uid)
    assert all(word in str(caught.value) for word in words)
    running_kernel.needs(tree(tmp_path / "good", {"proc/modules": ""}), 0)


def test_missing_headers_name_their_package_and_what_works_without(tmp_path):
    with pytest.raises(
        KmapbenchError, match="apt-get install linux-headers-6.12.0-amd64; .*'--only user'"
    ):
        running_kernel.running_kernel("6.12.0-amd64", tmp_path)


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("6.12.0-24-generic", "apt-get install linux-headers-6.12.0-24-generic"),
        ("5.14.0-427.13.1.el9_4.x86_64", "dnf install kernel-devel-5.14.0-427.13.1.el9_4.x86_64"),
        ("6.12.9-200.fc41.x86_64", "dnf install kernel-devel-6.12.9-200.fc41.x86_64"),
        ("6.12.0-160000.5-default", "zypper install kernel-default-devel"),
        ("6.12.1-arch1-1", "pacman -S linux-headers"),
        ("6.12.117-protected", "point /lib/modules/6.12.117-protected/build at the tree"),
    ],
)
def test_headers_come_from_the_package_of_the_kernels_own_distribution(tmp_path, release, command):
    with pytest.raises(KmapbenchError) as caught:
        running_kernel.running_kernel(release, tmp_path)
    assert command in str(caught.value)


def test_a_module_is_built_again_for_other_headers(tmp_path):
    build = f"lib/modules/{RELEASE}/build"
    files = {
        f"{build}/Makefile": "",
        f"{build}/.config": CONFIGURED,
        f"{build}/Module.symvers": "0x1 printk\n",
    }
    keys = {
        running_kernel.running_kernel(RELEASE, tree(tmp_path / name, files | change)).key
        for name, change in {
            "same": {},
            "again": {},
            "config": {f"{build}/.config": f"{CONFIGURED}A=n\n"},
            "symbols": {f"{build}/Module.symvers": "0x2 printk\n"},
        }.items()
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("error", "files", "words"),
    [
        (errno.EEXIST, {}, ["loaded already", "rmmod kmapbench"]),
        (errno.EPERM, {"proc/sys/kernel/modules_disabled": "1\n"}, ["modules_disabled", "reboot"]),
        (
            errno.EPERM,
            LOCKED,
            ["lockdown is on (integrity)", "sign the module", "without lockdown="],
        ),
        (
            errno.EPERM,
            LOCKED | {SECURE_BOOT: "\6\0\0\0\1"},
            ["integrity, by secure boot", "mokutil"],
        ),
        (errno.EPERM, {SECURE_BOOT: "\6\0\0\0\1"}, ["CAP_SYS_MODULE", "container"]),
        (errno.EKEYREJECTED, {}, ["module.sig_enforce", "sign the module"]),
        (errno.ENOKEY, {}, ["module.sig_enforce", "sign the module"]),
        (errno.ENOEXEC, {}, ["headers", "another kernel"]),
        (errno.EOPNOTSUPP, {}, ["RDTSCP", "dmesg"]),
        (errno.ENOMEM, {}, ["ENOMEM", "dmesg"]),
    ],
)
def test_a_refusal_says_which_it_is_and_the_mend(tmp_path, error, files, words):
    said = load_errors.why(error, tree(tmp_path, files))
    assert all(word in said for word in words), said
    assert "\n" not in said


def test_what_was_skipped_is_one_line_a_reason():
    records = [
        {"status": "ok"},
        {"status": "skipped", "reason": "no PKS"},
        {"status": "skipped", "reason": "no PKS"},
    ]
    (line,) = running_kernel.skipped(records)
    assert "no PKS: 2 of 3 kernel cases skipped, 1 measured" in line
    assert running_kernel.skipped(records[:1]) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away, and only root has to")
def test_what_root_makes_goes_to_the_owner_of_the_folder_it_is_in(tmp_path):
    home = tmp_path / "home"
    (home / "campaign" / "host").mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.touch()
    (home / "campaign" / "link").symlink_to(outside)
    os.chown(home, 1234, 2345)
    chown.hand_over(home / "campaign")
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in home.rglob("*")} == {
        (1234, 2345)
    }
    assert outside.stat().st_uid == 0


# Rehearsals: a guest with Debian's userland and PKS, or without.

USER = 1234
LONG_SECONDS = 3600  # the emulator takes many minutes for all cases, and for a compiler
CAMPAIGN = "campaign"
# Few launches of user models, which take long in the emulator; nothing here asks how they spread.
SMOKE = ("--level", "smoke")
LOOK = (
    STATE
    + """
look() {
	state "$1"
	loaded=$(test -d /sys/module/kmapbench && echo true || echo false)
	event "\\"loaded\\", \\"when\\": \\"$1\\", \\"is\\": $loaded"
}
insmod /kmapbench_state.ko
look before
"""
)


@dataclass
class Rehearsal:
    """What came out of a guest."""

    folder: Path
    states: dict[str, dict]
    loaded: dict[str, bool]
    codes: dict[str, int]

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def errors(self, name: str) -> list[str]:
        return [line for line in self.text(f"{name}.err").splitlines() if not line.startswith("[")]

    def records(self, name: str, variant: str) -> list[dict]:
        return without_controls(
            map(json.loads, self.text(f"{name}/{variant}/boot-01/micro.jsonl").splitlines())
        )


@pytest.fixture(scope="module")
def rehearse(kernel, state_module, tmp_path_factory):
    """Boots a guest that runs a job in Debian's userland."""

    def boot(job: str, **changes) -> Rehearsal:
        scratch = tmp_path_factory.mktemp("rehearsal")
        events = []
        machine = userland.machine(
            kernel, LOOK + job, scratch, {"kmapbench_state.ko": state_module}, **changes
        )
        outcome = qemu.boot(machine, scratch, lambda line: events.append(line.event))
        assert outcome.problem is None, (scratch / "console.log").read_text(errors="replace")[
            -2000:
        ]
        (scratch / "out").mkdir()
        subprocesses.output(
            ["tar", "-x", "--ignore-zeros", "-f", outcome.files, "-C", scratch / "out"]
        )
        return Rehearsal(
            scratch / "out",
            {event["when"]: event["state"] for event in events if event["event"] == "state"},
            {event["when"]: event["is"] for event in events if event["event"] == "loaded"},
            {event["step"]: event["code"] for event in events if event["event"] == "end"},
        )

    return boot


@pytest.fixture(scope="module")
def warm(kernel, cache) -> Path:
    """The cache, with the module for the kernel that the guest will run in it already."""
    module_build.build(
        running_kernel.RunningKernel(kernel.release, kernel.headers), MODULE_SOURCE, cache, quiet
    )
    return cache


def run_here(name: str, cache: Path, *arguments: str, **how) -> str:
    """A job's lines: run --here as step NAME, its campaign in a folder of that name."""
    return userland.kmapbench(
        name,
        ["run", "--here", "--label", "lab", "--out", f"{userland.SCRATCH}/{name}", *arguments],
        cache,
        **how,
    )


def assert_good_campaign(rehearsal: Rehearsal, name: str) -> None:
    """It validates, and nothing is left behind."""
    folder = rehearsal.folder / name
    validation.validate("campaign", json.loads((folder / "campaign.json").read_text()))
    for boot in ("lab", "host"):
        environment = json.loads((folder / boot / "boot-01" / "environment.json").read_text())
        validation.validate("environment", environment)
        for record in rehearsal.records(name, boot):
            validation.validate("record", record)
            assert record["clock"] == "tsc" and record["unit"] == "ticks"
    assert {record["launch"] for record in rehearsal.records(name, "lab")} == {1}
    assert_nothing_left(rehearsal, name)


def assert_nothing_left(rehearsal: Rehearsal, when: str) -> None:
    assert not rehearsal.loaded[when]
    assert rehearsal.states[when] == rehearsal.states["before"]


def assert_no_pmu_counted(records: list[dict]) -> None:
    """An emulator has none: each kernel case says so of its windows, and others have none."""
    for record in records:
        windows = record.get("counted_windows", {})
        in_module = not record["case"].startswith("user/") and record["case"] not in FROM_USER_SPACE
        if in_module and record["samples"]:
            assert windows == {
                event: {"unavailable": f"no PMU here counts {event}"}
                for event in ("cycles", "instructions")
            }
        else:
            assert windows == {}


@pytest.fixture(scope="module", params=["default", pytest.param("all", marks=pytest.mark.all)])
def with_pks(request, rehearse, warm) -> Rehearsal:
    """The telling dozen; all cases take minutes, since time needs many samples where counts need
    few.
    """
    job = run_here(CAMPAIGN, warm, "--cases", request.param, *SMOKE) + f"look {CAMPAIGN}\n"
    return rehearse(
        job + userland.send(CAMPAIGN, f"{CAMPAIGN}.out", f"{CAMPAIGN}.err"),
        limit_seconds=LONG_SECONDS,
    )


def test_the_rehearsal_gives_a_whole_campaign_and_leaves_nothing(with_pks):
    assert with_pks.codes[CAMPAIGN] == 0, with_pks.errors(CAMPAIGN)
    assert_good_campaign(with_pks, CAMPAIGN)
    records = with_pks.records(CAMPAIGN, "lab")
    assert_no_pmu_counted(records)
    header = json.loads(with_pks.text(f"{CAMPAIGN}/campaign.json"))
    assert sorted(record["case"] for record in records) == sorted(
        DEFAULT_CASES if header["asked"]["cases"] == "default" else CASES
    )
    assert {
        record["oracle"]
        for record in records
        if "/protected" in record["case"] and record["status"] == "ok"
    } == {"held"}
    assert [step["variant"] for step in header["order"]] == [
        "lab",
        "host",
    ]  # user models when the kernel cases are done


def test_its_costs_are_the_labs_own(with_pks, three_boots):
    """The guest's TSC counts instructions, so what run --here takes for time has to be what the lab
    counts.
    """
    lab = of_cases(three_boots / "stock" / "boot-01" / "micro.jsonl")
    counted = {record["case"]: record["cost"] for record in lab}
    measured = [record for record in with_pks.records(CAMPAIGN, "lab") if record["status"] == "ok"]
    # What needs a device page, or more memory than the one or the other has, is measured by one of
    # them only. What is outside of the path runs through code of the kernel's whose length hangs on
    # what else the machine does.
    both = [
        record
        for record in measured
        if counted[record["case"]] is not None and not record["case"].startswith("elsewhere/")
    ]
    path = {case for case in DEFAULT_CASES if not case.startswith("elsewhere/")}
    devmap = {"kernel/kmap_local/devmap", "kernel/kmap_local/devmap_nested"}
    assert path - devmap - set(SKIPPED) <= {record["case"] for record in both}
    assert {record["case"]: record["cost"] for record in both} == {
        record["case"]: counted[record["case"]] for record in both
    }
    assert {record["chain"] for record in measured} == {1}


def test_its_report_says_on_what_and_how_often_it_was_measured(with_pks):
    text = with_pks.text(f"{CAMPAIGN}/details.txt")
    assert "lab: time of an operation on this machine's running kernel,\nthis boot only" in text
    assert "emulated" not in text  # it was, but the guest cannot know
    assert "User models on this machine" in text


@pytest.mark.all
def test_the_module_is_built_in_the_guest(rehearse):
    """As on a machine that has never seen it; the compiler takes minutes there."""
    cold = userland.SCRATCH / "cache"
    rehearsal = rehearse(
        run_here(CAMPAIGN, cold, "--only", "micro")
        + f"look {CAMPAIGN}\n"
        + userland.send(CAMPAIGN, f"{CAMPAIGN}.err"),
        limit_seconds=LONG_SECONDS,
    )
    assert rehearsal.codes[CAMPAIGN] == 0, rehearsal.errors(CAMPAIGN)
    assert "building kmapbench.ko" in rehearsal.text(f"{CAMPAIGN}.err")
    assert_nothing_left(rehearsal, CAMPAIGN)
    assert rehearsal.records(CAMPAIGN, "lab")


@pytest.fixture(scope="module")
def poor(rehearse, warm, kernel) -> Rehearsal:
    """One guest without PKS, where one thing after the other is missing; what is done to it is not
    undone.
    """
    anywhere = userland.SCRATCH / "cache"
    running = running_kernel.RunningKernel(kernel.release, kernel.headers)
    module = module_build.build(running, MODULE_SOURCE, warm, quiet)
    # Two models: a report on all of them takes a minute in an emulator.
    models = ["--only", "user", "--cases", "user/kmap_local/d*/alone", *SMOKE]
    ordinary = ["run", "--out", f"{userland.SCRATCH}/user", *models]
    job = "".join(
        [
            userland.kmapbench("check", ["check"], warm),
            run_here("not_root", anywhere, user=USER),
            userland.kmapbench("user", ordinary, anywhere, user=USER),
            run_here(CAMPAIGN, warm, *SMOKE),
            f"look {CAMPAIGN}\n",
            f"insmod /new{module}\n",
            run_here("loaded", warm),
            "rmmod kmapbench\n",
            "echo integrity > /new/sys/kernel/security/lockdown\n",
            run_here("locked_down", warm),
            "echo 1 > /sys/module/module/parameters/sig_enforce\n",
            run_here("unsigned", warm),
            f"umount /new/usr/lib/modules/{kernel.release}\n",
            run_here("no_headers", warm),
            "look end\n",
            userland.send("check.out", "user", CAMPAIGN, f"{CAMPAIGN}.err"),
            *(
                userland.send(f"{name}.err")
                for name in ("not_root", "user", "loaded", "locked_down", "unsigned", "no_headers")
            ),
        ]
    )
    return rehearse(job, cpu="max,-pks", cmdline="memmap=64M!1G")


def test_without_pks_it_says_so_in_one_line_and_measures_the_rest(poor):
    assert poor.codes[CAMPAIGN] == 0, poor.errors(CAMPAIGN)
    assert_good_campaign(poor, CAMPAIGN)
    records = poor.records(CAMPAIGN, "lab")
    lacking = [
        record["case"] for record in records if record.get("reason") == "this CPU has no PKS"
    ]
    measured = [record["case"] for record in records if record["status"] == "ok"]
    assert "model/kmap_local/protected" in lacking and "msr/wrpkrs/toggle" in lacking
    assert "kernel/kmap_local/dram" in measured and "model/kmap_local/devmap" in measured
    (line,) = [line for line in poor.text(f"{CAMPAIGN}.err").splitlines() if "PKS" in line]
    assert (
        f"{len(lacking)} of {len(records)} kernel cases skipped, {len(measured)} measured here"
        in line
    )
    assert "./kmapbench run" in line


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("not_root", ["root", "sudo", "--only user"]),
        ("no_headers", ["no headers", "apt-get install linux-headers-", "--only user"]),
        ("loaded", ["kmapbench.ko is loaded already"]),
        ("locked_down", ["lockdown is on (integrity", "sign the module", "--only user"]),
        ("unsigned", ["module.sig_enforce", "sign the module", "--only user"]),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_can_be_done(poor, step, words):
    assert poor.codes[step] == 2
    (line,) = poor.errors(step)
    for word in words:
        assert word in line


def test_what_can_still_be_done_as_an_ordinary_user_is_done(poor):
    assert poor.codes["user"] == 0, poor.errors("user")
    assert {record["status"] for record in poor.records("user", "host")} <= {"ok", "skipped"}
    assert_nothing_left(poor, "end")


def test_check_sees_what_the_guest_is(poor, kernel):
    findings, _, summary = poor.text("check.out").partition("\n\n")
    found = {
        line.split()[1]: line
        for line in findings.splitlines()
        if not line.lstrip().startswith("->")
    }
    assert found["PKS"].startswith("note") and found["hypervisor"].startswith("note")
    assert found["headers"].startswith("ok") and kernel.release in found["headers"]
    assert found["lockdown"].startswith("ok") and found["signatures"].startswith("ok")
    assert found["CR4.PKS"].startswith("ok")
    assert found["pmem"].startswith("ok") and "namespace0.0: fsdax" in found["pmem"]
    assert "time in the kernel    yes: sudo ./kmapbench run --here, but PKS: " in summary


@pytest.fixture(scope="module", name="bare")
def boot_bare(rehearse, warm) -> Rehearsal:
    """A guest without persistent memory, laid out as RHEL does: no apt, headers in
    /usr/src/kernels. Then its root is read-only.
    """
    release = 'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n'
    job = "".join(
        [
            "rm -f /new/usr/bin/apt* /new/usr/bin/dpkg* /new/etc/os-release\n",
            f"printf '{release}' >/new/etc/os-release\n",
            "mkdir -p /new/usr/src/kernels\n",
            'mv "/new/usr/lib/modules/$RELEASE/build" /new/usr/src/kernels/link\n',
            'ln -s "/usr/src/kernels/link" "/new/usr/lib/modules/$RELEASE/build"\n',
            userland.kmapbench("check", ["check"], warm),
            run_here(CAMPAIGN, warm),
            f"look {CAMPAIGN}\n",
            "mount -t tmpfs tmp /new/tmp && mkdir -m 1777 /new/tmp/guest\n",
            "mount -o remount,ro /new\n",
            run_here("read_only", warm, "--only", "micro"),
            run_here("no_cache", Path("/root/cache"), "--only", "micro"),
            "look end\n",
            userland.send("read_only", "read_only.err", "no_cache.err"),
        ]
    )
    kept = userland.send("check.out", CAMPAIGN, f"{CAMPAIGN}.err")
    return rehearse(job.replace("mount -t tmpfs tmp", f"{kept}mount -t tmpfs tmp"))


@pytest.mark.all
def test_without_pmem_apt_and_headers_in_their_usual_place_all_is_measured(bare, kernel):
    assert bare.codes[CAMPAIGN] == 0, bare.errors(CAMPAIGN)
    assert_good_campaign(bare, CAMPAIGN)
    measured = {one["case"] for one in bare.records(CAMPAIGN, "lab") if one["status"] == "ok"}
    assert {"kernel/kmap_local/dram", "model/kmap_local/protected"} <= measured
    findings = bare.text("check.out").partition("\n\n")[0]
    (headers,) = [line for line in findings.splitlines() if line.split()[1:2] == ["headers"]]
    (pmem,) = [line for line in findings.splitlines() if line.split()[1:2] == ["pmem"]]
    assert headers.startswith("ok") and kernel.release in headers
    assert pmem.startswith("note")
    assert "apt" not in bare.text("check.out")


@pytest.mark.all
def test_with_a_read_only_root_what_has_a_folder_to_write_to_is_measured(bare):
    assert bare.codes["read_only"] == 0, bare.errors("read_only")
    assert {one["status"] for one in bare.records("read_only", "lab")} <= {"ok", "skipped"}
    assert bare.codes["no_cache"] == 2
    (line,) = bare.errors("no_cache")
    assert "KMAPBENCH_CACHE" in line
    assert_nothing_left(bare, "end")


@pytest.mark.all
@pytest.mark.parametrize(
    ("who", "signal_name", "code", "said"),
    [
        ("lab run", "INT", 130, "ended by Ctrl-C; what was measured is kept"),
        ("lab run", "TERM", 143, "ended by SIGTERM; what was measured is kept"),
        ("lab run", "KILL", 137, None),
        ("bench/kmap_bench", "KILL", 1, "kmap_bench was ended by SIGKILL"),
        ("lab.host.module_loader", "KILL", 0, None),
    ],
)
def test_the_module_goes_whoever_is_killed(rehearse, warm, who, signal_name, code, said):
    rehearsal = rehearse(
        run_here(CAMPAIGN, warm, "--only", "micro", background=True)
        + f"""
while ! [ -s /new{userland.SCRATCH}/{CAMPAIGN}/lab/boot-01/micro.jsonl ]; do sleep 0.1; done
look during
for one in /proc/[0-9]*; do
	tr '\\0' ' ' < $one/cmdline | grep -q '{who}' && kill -{signal_name} "${{one#/proc/}}"
done
wait
tries=0
while [ -d /sys/module/kmapbench ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
look {CAMPAIGN}
"""
        + userland.send(CAMPAIGN, f"{CAMPAIGN}.err")
    )
    assert rehearsal.loaded["during"]
    assert_nothing_left(rehearsal, CAMPAIGN)
    assert rehearsal.codes[CAMPAIGN] == code
    assert said is None or said in rehearsal.errors(CAMPAIGN)[-1]
    first, *_ = rehearsal.records(CAMPAIGN, "lab")
    validation.validate("record", first)
