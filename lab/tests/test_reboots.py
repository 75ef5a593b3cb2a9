# SPDX-License-Identifier: Apache-2.0
"""`campaign` on a stand-in for a machine: boots in the planned order, panics, power cuts, kernels
that do not come up, kills at any moment; what is measured stays, and nothing else is left.
"""

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from lab import cli
from lab.campaign import validation
from lab.reboots import boot_order, campaign_text, reboot_plan
from lab.tests.support.stand_in_reboots import CASES, FIRST, KERNELS, Machine

pytestmark = pytest.mark.program


def begin(tmp_path: Path, boots: int, troubles: dict[str, str] | None = None):
    """A machine on which a campaign has asked for its first boot, and the campaign."""
    machine = Machine(tmp_path / "machine", troubles)
    folder = tmp_path / "campaign"
    process = machine.run("start", "--boots", str(boots), "--seed", "7", "--out", str(folder))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return machine, folder


def header_of(folder: Path) -> dict:
    header = json.loads((folder / "campaign.json").read_text())
    validation.validate("campaign", header)
    return header


def good_boots(header: dict) -> list[tuple[str, int]]:
    """In the order in which they were made; of a boot that was made again the last."""
    last = {(entry["variant"], entry["boot"]): place for place, entry in enumerate(header["order"])}
    return [
        (entry["variant"], entry["boot"])
        for place, entry in enumerate(header["order"])
        if entry["status"] == "ok" and last[entry["variant"], entry["boot"]] == place
    ]


def planned(header: dict) -> list[tuple[str, int]]:
    return [(step["variant"], step["boot"]) for step in header["planned"]]


def records(folder: Path, variant: str, boot: int) -> list[str]:
    path = folder / variant / f"boot-{boot:02d}" / "micro.jsonl"
    return [json.loads(line)["case"] for line in path.read_text().splitlines()]


def assert_all_there(machine: Machine, folder: Path, left_out: tuple[str, ...] = ()) -> None:
    """Each boot of each kernel has all its records, and the machine is as it was."""
    header = header_of(folder)
    assert header["ended"] and "stopped" not in header["reboots"]
    assert set(header["reboots"]["left_out"]) == set(left_out)
    for variant, boot in planned(header):
        if variant not in left_out:
            assert records(folder, variant, boot) == list(CASES)
    assert machine.leftovers() == [] and not (folder / "reboots.json").exists()
    assert (machine.root / "proc/sys/kernel/osrelease").read_text().strip() == FIRST


def test_all_boots_are_made_in_the_planned_order_and_nothing_is_left(tmp_path):
    machine, folder = begin(tmp_path, boots=3)
    machine.live()
    header = header_of(folder)
    assert good_boots(header) == planned(header) and len(header["order"]) == 9
    names = {release: name for name, release in KERNELS.items()}
    assert [names[release] for release in machine.boots[1:-1]] == [
        variant for variant, _ in planned(header)
    ]
    assert [coin["order"] for coin in header["coins"]] == [
        [variant for variant, boot in planned(header) if boot == number] for number in (1, 2, 3)
    ]
    assert [described["patched"] for described in header["variants"].values()] == [
        False,
        True,
        True,
    ]
    assert_all_there(machine, folder)


@pytest.mark.parametrize("how", ["panic", "power"])
def test_a_boot_in_which_the_machine_goes_down_is_made_again_with_its_round(tmp_path, how):
    machine, folder = begin(tmp_path, boots=3, troubles={"off:2:1": how})
    machine.live()
    header = header_of(folder)
    (lost,) = [entry for entry in header["order"] if entry["status"] != "ok"]
    assert (lost["variant"], lost["boot"], lost["status"]) == ("off", 2, "crashed")
    place = header["order"].index(lost)
    after = header["order"][place + 1 : place + 4]
    assert Counter(entry["variant"] for entry in after) == Counter(list(KERNELS))
    assert {entry["boot"] for entry in after} == {2}
    assert {coin["attempt"] for coin in header["coins"] if coin["round"] == 2} == {1, 2}
    first_try = folder / "off" / "boot-02.try-1"
    crashed = [json.loads(line) for line in (first_try / "micro.jsonl").read_text().splitlines()]
    assert [record["case"] for record in crashed] == list(CASES[:2])
    assert crashed[-1]["status"] == "crashed"
    if how == "panic":
        assert "Kernel panic - not syncing: planted" in lost["reason"]
        assert "planted" in (first_try / "crash" / "dmesg-0").read_text()
    else:
        assert "without a word" in lost["reason"]
    assert_all_there(machine, folder)


def test_a_kernel_that_does_not_come_up_twice_is_left_out(tmp_path):
    machine, folder = begin(tmp_path, boots=3, troubles={"protected:*": "absent"})
    said = machine.live()
    header = header_of(folder)
    lost = [entry for entry in header["order"] if entry["status"] != "ok"]
    assert [entry["variant"] for entry in lost] == ["protected", "protected"]
    assert all(entry["came_up"] is False for entry in lost)
    assert "protected: left out from here on: did not come up 2 times in a row" in said
    assert_all_there(machine, folder, left_out=("protected",))
    left_out = boot_order.left_out(header)
    said = campaign_text.describe_progress(folder, header, left_out, None)
    assert "6 of 6 boots made\n" in said and "protected: 0 of 3, 2 lost, left out: " in said


def test_a_kernel_that_does_not_come_up_once_is_not_left_out(tmp_path):
    machine, folder = begin(tmp_path, boots=2, troubles={"protected:1:1": "absent"})
    machine.live()
    header = header_of(folder)
    assert [entry["variant"] for entry in header["order"] if entry["status"] != "ok"] == [
        "protected"
    ]
    assert_all_there(machine, folder)


def test_a_panic_and_a_power_cut_of_one_kernel_are_no_reason_to_leave_it_out(tmp_path):
    troubles = {"protected:1:1": "panic", "protected:1:2": "power"}
    machine, folder = begin(tmp_path, boots=2, troubles=troubles)
    machine.live()
    assert_all_there(machine, folder)


def test_a_kernel_that_always_takes_the_machine_down_is_left_out(tmp_path):
    troubles = {f"off:1:{number}": "panic" for number in (1, 2, 3)}
    machine, folder = begin(tmp_path, boots=2, troubles=troubles)
    machine.live()
    assert_all_there(machine, folder, left_out=("off",))


def test_cancelled_and_resumed_it_has_all_boots(tmp_path):
    machine, folder = begin(tmp_path, boots=2)
    machine.power_on()
    machine.run_unit().communicate(timeout=60)
    process = machine.run("cancel")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "what was measured is kept" in said, said
    assert machine.leftovers() == []
    header = header_of(folder)
    assert header["reboots"]["stopped"] == "cancelled" and header["ended"]
    machine.power_on()
    assert machine.live() == "" and machine.boots[-1] == FIRST  # nothing goes on by itself
    process = machine.run("resume", str(folder))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    machine.live()
    assert good_boots(header_of(folder))[0] == planned(header)[0]
    assert_all_there(machine, folder)


def test_a_kernel_in_whose_boots_kmapbench_is_killed_is_left_out(tmp_path):
    machine, folder = begin(tmp_path, boots=2, troubles={"off:*": "killed"})
    machine.live()
    assert_all_there(machine, folder, left_out=("off",))
    left_out = header_of(folder)["reboots"]["left_out"]["off"]
    assert left_out == "10 boots in a row: kmapbench was ended in the middle of it"


def is_as_before(machine: Machine) -> bool:
    """Nothing is left outside of the campaign's folder, and the machine is where it began."""
    assert machine.leftovers() == []
    return (machine.root / "proc/sys/kernel/osrelease").read_text().strip() == FIRST


def test_a_full_disk_keeps_nothing_from_being_cancelled(tmp_path):
    machine, folder = begin(tmp_path, boots=2)
    (machine.root / "full").touch()
    process = machine.run("cancel")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "No space left" in said
    assert is_as_before(machine)


@pytest.mark.parametrize("boots_before", [1, 3])
def test_a_disk_that_fills_up_ends_the_campaign_and_leaves_nothing(tmp_path, boots_before):
    machine, folder = begin(tmp_path, boots=2)
    for _ in range(boots_before):
        machine.power_on()
        machine.run_unit().communicate(timeout=60)
    (machine.root / "full").touch()
    assert "No space left" in machine.live()
    assert is_as_before(machine)


def test_a_campaign_whose_folder_is_gone_leaves_nothing(tmp_path):
    machine, folder = begin(tmp_path, boots=2)
    machine.power_on()
    shutil.rmtree(folder)
    said = machine.live()
    assert "the campaign cannot go on" in said and "goes back to its default" in said
    assert is_as_before(machine)


def test_a_first_reboot_that_is_refused_leaves_nothing_armed(tmp_path):
    machine, folder = Machine(tmp_path / "machine"), tmp_path / "campaign"
    (machine.root / "inhibited").touch()
    process = machine.run("start", "--boots", "2", "--out", str(folder))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2 and "Operation inhibited" in said
    assert is_as_before(machine)
    assert "Operation inhibited" in header_of(folder)["reboots"]["stopped"]
    (machine.root / "inhibited").unlink()
    process = machine.run("resume", str(folder))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    machine.live()
    assert_all_there(machine, folder)


def test_a_reboot_that_is_refused_later_ends_the_campaign(tmp_path):
    machine, folder = begin(tmp_path, boots=2)
    machine.power_on()
    (machine.root / "inhibited").touch()
    assert "Operation inhibited" in machine.live()
    assert machine.leftovers() == []  # and the machine waits on the kernel that was measured
    assert "Operation inhibited" in header_of(folder)["reboots"]["stopped"]


def test_a_mistake_of_ours_leaves_no_machine_behind(tmp_path):
    machine, folder = begin(tmp_path, boots=2, troubles={"off:*": "odd"})
    said = machine.live()
    assert "ValueError: planted" in said and "Traceback" in said
    assert is_as_before(machine)
    assert header_of(folder)["reboots"]["stopped"] == "planted"


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs"])
def test_a_folder_that_a_reboot_empties_is_refused(tmp_path, kind):
    machine, out = Machine(tmp_path / "machine"), tmp_path / "memory" / "out"
    mounts = machine.root / "proc/self/mountinfo"
    mounts.write_text(f"{mounts.read_text()}22 1 0:5 / {out.parent} rw - {kind} none rw\n")
    out.parent.mkdir()
    assert f"{out}: on {kind}, which a reboot empties" in refusal(machine, "--out", str(out))


def test_a_folder_whose_files_are_not_dax_is_refused(tmp_path):
    machine, target = Machine(tmp_path / "machine"), tmp_path / "target"
    target.mkdir()
    device = target.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = machine.root / "proc/self/mountinfo"
    mounts.write_text(f"{mounts.read_text()}22 1 {number} / {target} rw - ext4 /dev/pmem0 rw\n")
    assert "files there are not DAX" in refusal(machine, "--on", str(target))


def test_a_boot_has_some_time(tmp_path):
    for text in ("0", "-1", "86401"):
        process = Machine(tmp_path / f"machine{text}").run("check", "--limit", text)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 2 and "is not a number from 1 to 86400" in said


def test_the_first_kernel_is_no_boot_of_itself_that_did_not_come_up(tmp_path):
    machine = Machine(tmp_path / "machine", {"first:1:1": "absent"})
    folder = tmp_path / "campaign"
    words = ["start", "--kernels", f"first={FIRST},off", "--boots", "2", "--out", str(folder)]
    machine.run(*words).communicate(timeout=60)
    machine.live()
    header = header_of(folder)
    (lost,) = [entry for entry in header["order"] if entry["status"] != "ok"]
    assert (lost["variant"], lost["came_up"]) == ("first", False)
    assert_all_there(machine, folder)


def refusal(machine: Machine, *words: str) -> str:
    """The one line of a campaign that cannot be begun."""
    process = machine.run("check", *words)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2 and said.count("\n") == 1, said
    return said


def test_another_campaign_on_the_machine_is_refused(tmp_path):
    machine, _ = begin(tmp_path, boots=2)
    assert "a campaign is under way" in refusal(machine, "--out", str(tmp_path / "other"))


@pytest.mark.parametrize(
    ("kernels", "why"),
    [
        ("plain,none", "no such kernel in /boot"),
        ("plain,n=6.12.1", "no such kernel in /boot"),
        ("plain", "name two or more"),
        ("plain,plain", "plain is there twice"),
        ("plain,same=6.12.1-plain", "6.12.1-plain is there twice"),
        ("plain,host=6.12.1-off", "'host' is no name"),
        ("plain,a b=6.12.1-off", "'a b' is no name"),
    ],
)
def test_kernels_that_are_none_are_refused(tmp_path, kernels, why):
    assert why in refusal(Machine(tmp_path / "machine"), "--kernels", kernels)


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        (f"lib/modules/{KERNELS['off']}/build/.config", "CONFIG_X86_64=y\n", "module refuses"),
        ("proc/self/mountinfo", "21 1 8:1 / / rw - btrfs /dev/sda1 rw\n", "GRUB cannot write"),
        ("boot/grub/grub.cfg", "set timeout=5\n", "does not read custom.cfg"),
        (f"lib/modules/{KERNELS['off']}/build/Makefile", None, "no headers"),
        (f"lib/modules/{KERNELS['off']}", None, "install the package of this kernel again"),
        ("run/systemd/system", None, "does not run systemd"),
        ("boot/grub", None, "give --loader kexec"),
    ],
)
def test_a_machine_that_cannot_do_it_is_told_why(tmp_path, file, text, why):
    machine = Machine(tmp_path / "machine")
    path = machine.root / file
    if text is not None:
        path.write_text(text)
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert why in refusal(machine)


def test_what_others_have_in_custom_cfg_stays(tmp_path):
    machine = Machine(tmp_path / "machine")
    custom = machine.root / "boot/grub/custom.cfg"
    custom.write_text("set theme=mine\n")
    machine.run("start", "--boots", "1", "--out", str(tmp_path / "campaign")).communicate()
    assert "set theme=mine" in custom.read_text() and "kmapbench" in custom.read_text()
    machine.live()
    assert custom.read_text() == "set theme=mine\n"


def needed(*words: str) -> set[str]:
    """Groups of packages that a campaign needs."""
    parsed = cli.parser().parse_args(["campaign", *words])
    parsed.given = list(words)
    parsed.planned = reboot_plan.from_arguments(parsed)
    return set(parsed.groups(parsed))


def test_fio_is_needed_where_the_plan_has_a_target_for_it(tmp_path):
    kernels = ["--kernels", "plain,off"]
    assert needed(*kernels) == {"python", "build", "module"}
    assert needed(*kernels, "--on", "/dev/pmem0") == {"python", "build", "module", "fio"}
    (tmp_path / "plan.toml").write_text('on = "/mnt/pmem"\n')
    assert "fio" in needed(*kernels, "--plan", str(tmp_path / "plan.toml"))


def killed_until_whole(tmp_path: Path, kills: int, seed: int) -> None:
    """Ends kmapbench at random moments, alone or with the machine."""
    chooser = random.Random(seed)
    machine, folder = begin(tmp_path, boots=4)
    hits = 0
    while machine.has_unit or (machine.root / "restarting").exists():
        if (machine.root / "restarting").exists() or machine.is_down:
            machine.power_on()
        if not machine.has_unit:
            break
        before = kept(folder)
        process = machine.run_unit()
        if hits < kills:
            time.sleep(chooser.uniform(0, 0.6))
            process.send_signal(signal.SIGKILL)
            hits += 1
            if chooser.random() < 0.5:
                (machine.root / "down").touch()
        said, _ = process.communicate(timeout=60)
        assert "Traceback" not in said, said
        assert_kept(before, kept(folder))
    header = header_of(folder)
    left_out = boot_order.left_out(header)
    assert_all_there(machine, folder, tuple(left_out))


def kept(folder: Path) -> Counter:
    """Whole records of all tries."""
    return Counter(
        line
        for path in folder.glob("*/boot-*/micro.jsonl")
        for line in path.read_text().split("\n")[:-1]
    )


def assert_kept(before: Counter, after: Counter) -> None:
    assert before <= after, "records were lost"


def test_killed_at_random_moments_nothing_is_lost_but_what_was_being_made(tmp_path):
    killed_until_whole(tmp_path, kills=12, seed=1)


@pytest.mark.all
@pytest.mark.parametrize("seed", range(40))
def test_a_thousand_kills_lose_nothing_but_what_was_being_made(tmp_path, seed):
    killed_until_whole(tmp_path, kills=25, seed=100 + seed)
