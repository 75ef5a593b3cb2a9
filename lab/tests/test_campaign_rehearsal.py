# SPDX-License-Identifier: Apache-2.0
"""`campaign` rehearsed: a Debian on a disk, with GRUB, systemd, persistent memory and PKS, whose
kernels are ours, from our packages. The machine reboots by itself, panics once, loses its power
once, and has a kernel that does not come up. An hour: part of `./kmapbench test --all`.
"""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from formats import exit_codes
from lab.campaign import validation
from lab.core.dirs import ROOT
from lab.kernels import config_choice, source_build, variants
from lab.kernels.bases import find
from lab.reboots import boot_order
from lab.tests.conftest import quiet
from lab.tests.support import debian_disk, debian_machine, disk_contents

pytestmark = [
    pytest.mark.all,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes and mounts disks: takes root"),
]

NAMES = ("plain", "off", "protected")
BROKEN = "6.12.0-broken"  # a file in /boot that is no kernel
CAMPAIGN = "root/campaign"
CASE = "kernel/kmap_local/dram"
# For the whole campaign, and for one answer of a guest that may be restarting.
LIMIT_SECONDS, ANSWER_SECONDS = 4 * 3600.0, 300.0
START_SECONDS = 3600.0  # a module is built for each kernel


@pytest.fixture(name="packages", scope="module")
def make_packages(cache):
    """Our three kernels, configured for a Debian with systemd, as packages."""
    base = find(None)
    images = [
        config_choice.as_packages(variants.load()[name].image, "systemd", base) for name in NAMES
    ]
    built = [source_build.fetch_packages(image, cache, quiet) for image in images]
    return [package for packages in built for package in packages]


@pytest.fixture(name="disk")
def make_disk(packages, cache, tmp_path, request):
    """A Debian of a suite with these kernels, kmapbench, and a broken kernel with an entry."""
    suite = request.param
    made = debian_disk.make(suite, packages, cache, tmp_path / "disk.log")
    disk = debian_disk.copy(made, tmp_path / "disk.img")
    release = debian_disk.releases(packages)[0]
    script = f"""
head -c 100000 /dev/urandom >boot/vmlinuz-{BROKEN}
cp boot/config-{release} boot/config-{BROKEN}
mkdir -p lib/modules/{BROKEN}
ln -s ../{release}/build lib/modules/{BROKEN}/build
cp boot/grub/grub.cfg root/grub.cfg.before
sed 's/{release}/{BROKEN}/g' boot/grub/grub.cfg >root/broken.cfg
awk '/^submenu/{{take=1}} take' root/broken.cfg >>boot/grub/grub.cfg
echo kernel.unknown_nmi_panic=1 >etc/sysctl.d/nmi.conf
"""
    disk_contents.add_kmapbench(disk)
    debian_disk.run_in(disk, script)
    return disk


def command(*words: str) -> str:
    """kmapbench in the guest, as a line of its shell."""
    return f"{disk_contents.COMMAND} {shlex.join(words)}"


STATUS = command("campaign", "--status")


def ask(machine: debian_machine.Machine, line: str) -> str:
    """What a line of shell prints, in this boot or, if the machine restarts meanwhile, in a later
    one.
    """
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        try:
            return machine.run(line, seconds=ANSWER_SECONDS)
        except debian_machine.Ended:
            assert machine.is_on
            with suppress(debian_machine.Ended):
                machine.wait_until_up(ANSWER_SECONDS)
    raise AssertionError(f"{line}: no answer")


def wait_for(machine: debian_machine.Machine, line: str, words: str, pause: float) -> None:
    """Asks again and again until the answer has these words, over as many boots as it takes."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while words not in ask(machine, line):
        assert time.monotonic() < deadline, f"{line}: never says {words}"
        time.sleep(pause)


def wait_until_measured(machine: debian_machine.Machine, variant: str) -> None:
    """Until a boot of a kernel is being measured. Looked at by the shell, which is quick: a boot
    that waits until its machine is quiet and then measures one case takes half a minute.
    """
    wanted = f'"variant":"{variant}"[^}}]*"status":"running"'
    look = f"tr -d '[:space:]' </{CAMPAIGN}/campaign.json | grep -o '{wanted}'; true"
    wait_for(machine, look, "running", 1)


def inject_nmi(monitor: Path) -> None:
    """The button of a server that stops it, through QEMU's own protocol."""
    with socket.socket(socket.AF_UNIX) as qmp:
        qmp.connect(str(monitor))
        for name in ("qmp_capabilities", "inject-nmi"):
            qmp.sendall(json.dumps({"execute": name}).encode() + b"\n")
            time.sleep(1)


@pytest.mark.parametrize(
    ("disk", "boots"), [("trixie", 6), ("bookworm", 2)], indirect=["disk"], ids=["13", "12"]
)
def test_kernels_of_our_packages_are_measured_through_everything(disk, boots, tmp_path):
    monitor = tmp_path / "qmp"
    more = ("-qmp", f"unix:{monitor},server=on,wait=off")
    with debian_machine.Machine(disk, tmp_path, more=more) as machine:
        machine.wait_until_up()
        first = machine.run("uname -r")
        kernels = ",".join([*NAMES, f"broken={BROKEN}"])
        asked = ["campaign", "--kernels", kernels, "--boots", str(boots), "--seed", "3"]
        asked += ["--settle", "20", "--out", f"/{CAMPAIGN}", "--cases", CASE]
        dry = machine.run(command(*asked, "--dry-run"))
        assert f"boots: {4 * boots}" in dry and "custom.cfg" in dry
        with suppress(debian_machine.Ended):  # it reboots the machine
            machine.run(command(*asked), START_SECONDS)
        wait_until_measured(machine, "off")
        inject_nmi(monitor)
        wait_until_measured(machine, "protected")
        machine.cut_power()
    with debian_machine.Machine(disk, tmp_path, more=more) as machine:
        machine.wait_until_up()
        wait_for(machine, STATUS, "no campaign is under way", 20)
        assert ask(machine, "uname -r") == first
        machine.power_off()
    look_at_what_is_left(disk)
    campaign = tmp_path / "campaign"
    debian_disk.run_in(disk, f"cp -a {CAMPAIGN} {campaign}")
    look_at_the_campaign(campaign, boots)
    look_at_the_verdict(campaign, boots)


def look_at_what_is_left(disk: Path) -> None:
    """Nothing of the campaign is, outside of its folder."""
    left = debian_disk.run_in(
        disk,
        "ls etc/systemd/system etc/systemd/system/multi-user.target.wants boot/grub;"
        " cat boot/grub/grubenv",
    )
    assert "kmapbench" not in left and "custom.cfg" not in left and "next_entry" not in left


def look_at_the_campaign(campaign: Path, boots: int) -> None:
    header = json.loads((campaign / "campaign.json").read_text())
    validation.validate("campaign", header)
    assert header["ended"] and set(header["reboots"]["left_out"]) == {"broken"}
    last = {(step["variant"], step["boot"]): step["status"] for step in header["order"]}
    for name in NAMES:
        assert [last[name, boot] for boot in range(1, boots + 1)] == ["ok"] * boots
    lost = [step for step in header["order"] if step["status"] != "ok"]
    assert Counter(step["variant"] for step in lost) == {"broken": 2, "off": 1, "protected": 1}
    reasons = {step["variant"]: step["reason"] for step in lost}
    assert "Kernel panic" in reasons["off"] and "without a word" in reasons["protected"]
    again = {"order": [], "seed": header["seed"], "planned": header["planned"]}
    for step in header["order"]:  # each boot is the one that the plan and those before it ask for
        left_out = boot_order.left_out(again | {"variants": header["variants"]})
        wanted = boot_order.next_step(again, left_out)
        assert (wanted.variant, wanted.boot) == (step["variant"], step["boot"])
        again["order"].append(step)


def look_at_the_verdict(campaign: Path, boots: int) -> None:
    """compare has one, with its power; of two boots it calls it exploratory. The guest's time is
    the emulator's own, in which the path of the patched kernel takes several times as long.
    """
    words = [sys.executable, "-m", "analysis", "compare", f"{campaign}:off,protected"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == exit_codes.OK, result.stderr
    text = result.stdout
    assert CASE in text and "PKRS" not in text
    if boots < 6:
        assert "exploratory: looks slower" in text, text
    else:
        assert re.search(r"^ +slower: ", text, re.MULTILINE), text
        assert "6 pairs of boots" in text and "of 100 campaigns" in text, text
