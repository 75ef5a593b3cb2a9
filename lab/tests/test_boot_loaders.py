# SPDX-License-Identifier: Apache-2.0
"""What starts a kernel once: what is written for GRUB, systemd-boot and kexec, and taken back."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.core.errors import KmapbenchError
from lab.reboots import boot_loader, reboot_unit, systemd_boot
from lab.reboots.boot_loader import ADDED
from lab.reboots.kernel_choice import InstalledKernel
from lab.reboots.real_machine import RealMachine
from lab.tests.support.machine import tree
from lab.tests.support.stand_in_reboots import FIRST, KERNELS, USUAL, Machine

CHOSEN = [InstalledKernel(name, release) for name, release in KERNELS.items()]
ENTRIES = "boot/loader/entries"
ENTRY = """# by kernel-install
title      Debian GNU/Linux
version    {release}
options    {usual}
linux      /{release}/linux
initrd     /{release}/initrd.img
"""


@pytest.fixture(name="calls")
def record_calls(tmp_path, monkeypatch):
    """Lines of what programs were called with, which do nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    log = tmp_path / "calls"
    log.touch()
    for name in ("bootctl", "kexec", "systemctl"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\n')
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr("lab.core.subprocesses._SEARCH", path)
    return lambda: log.read_text().splitlines()


def with_systemd_boot(tmp_path: Path) -> RealMachine:
    files = {
        f"{ENTRIES}/1234-{release}.conf": ENTRY.format(release=release, usual=USUAL)
        for release in (FIRST, *KERNELS.values())
    }
    return RealMachine(tree(tmp_path / "machine", files))


def test_systemd_boot_gets_copies_of_its_own_entries_which_go_again(tmp_path, calls):
    machine = with_systemd_boot(tmp_path)
    folder = machine.root / ENTRIES
    before = {path.name: path.read_text() for path in folder.iterdir()}
    loader = boot_loader.loader(None, CHOSEN, FIRST, machine)
    assert loader.name == "systemd-boot" and loader.problems() == []
    loader.install()
    loader.install()  # as after a kill
    for kernel in CHOSEN:
        own = (folder / f"kmapbench-{kernel.name}.conf").read_text().splitlines()
        assert f"options    {USUAL} {ADDED}" in own
        assert f"linux      /{kernel.release}/linux" in own
    loader.choose("off")
    loader.choose(None)
    loader.remove()
    loader.remove()
    assert calls() == [
        *[f"bootctl set-default 1234-{FIRST}.conf"] * 2,
        "bootctl set-oneshot kmapbench-off.conf",
        f"bootctl set-oneshot 1234-{FIRST}.conf",
        "bootctl set-oneshot ",
        "bootctl set-default ",
    ]
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_the_default_of_systemd_boot_is_the_first_kernel_for_a_while(tmp_path, calls):
    """One of ours may sort before all others: it would be booted again and again."""
    machine = with_systemd_boot(tmp_path)
    folder = machine.root / ENTRIES
    # an entry whose boots are counted
    (folder / f"1234-{FIRST}.conf").rename(folder / f"1234-{FIRST}+2-1.conf")
    chosen = "mine-*.conf"
    variable = machine.root / systemd_boot._DEFAULT
    variable.parent.mkdir(parents=True)
    variable.write_bytes(b"\7\0\0\0" + f"{chosen}\0".encode("utf-16-le"))
    loader = boot_loader.loader(None, CHOSEN, FIRST, machine)
    assert any(f"bootctl set-default 1234-{FIRST}.conf" in line for line in loader.describe())
    loader.install()
    variable.write_bytes(b"\7\0\0\0" + f"1234-{FIRST}.conf\0".encode("utf-16-le"))
    boot_loader.loader(None, CHOSEN, FIRST, machine).install()  # as after a kill
    boot_loader.loader(None, [], FIRST, machine).remove()
    defaults = [call for call in calls() if "set-default" in call]
    first = f"bootctl set-default 1234-{FIRST}.conf"
    assert defaults == [first, first, f"bootctl set-default {chosen}"]


def test_an_entry_without_options_gets_some(tmp_path, calls):
    machine = with_systemd_boot(tmp_path)
    entry = machine.root / ENTRIES / f"1234-{KERNELS['off']}.conf"
    entry.write_text(f"title x\nversion {KERNELS['off']}\nlinux /x/linux")
    boot_loader.loader(None, CHOSEN, FIRST, machine).install()
    own = (entry.parent / "kmapbench-off.conf").read_text()
    assert f"\noptions {ADDED}\n" in own and "title kmapbench campaign: off" in own


def test_a_unified_kernel_image_takes_no_parameters_and_is_refused(tmp_path, calls):
    machine = with_systemd_boot(tmp_path)
    entry = machine.root / ENTRIES / f"1234-{KERNELS['off']}.conf"
    entry.write_text(f"version {KERNELS['off']}\nefi /EFI/Linux/x.efi\n")
    (problem,) = boot_loader.loader(None, CHOSEN, FIRST, machine).problems()
    assert KERNELS["off"] in problem and "--loader kexec" in problem
    assert calls() == []


def test_kexec_gives_each_kernel_the_running_ones_parameters(tmp_path, calls):
    machine = RealMachine(Machine(tmp_path / "machine").root)
    (machine.root / f"boot/initrd.img-{KERNELS['off']}").touch()
    loader = boot_loader.loader("kexec", CHOSEN, FIRST, machine)
    assert loader.problems() == [] and loader.with_kexec
    loader.install()
    loader.choose("off")
    # the next one is loaded in a boot that was added to
    tree(machine.root, {"proc/cmdline": f"BOOT_IMAGE=/x {USUAL} {ADDED}\n"})
    loader.choose("plain")
    loader.choose(None)
    loader.remove()
    boot = machine.root / "boot"
    assert calls() == [
        f"kexec -a -l {boot}/vmlinuz-{KERNELS['off']} --initrd={boot}/initrd.img-{KERNELS['off']}"
        f" --command-line={USUAL} {ADDED}",
        f"kexec -a -l {boot}/vmlinuz-{KERNELS['plain']} --command-line={USUAL} {ADDED}",
        f"kexec -a -l {boot}/vmlinuz-{FIRST} --command-line={USUAL}",
    ]
    machine.start_again(with_kexec=True)
    assert calls()[-1] == "systemctl kexec"


def test_without_a_loader_kexec_is_named(tmp_path):
    with pytest.raises(KmapbenchError, match="give --loader kexec"):
        boot_loader.loader(None, CHOSEN, FIRST, RealMachine(tmp_path))


def test_what_grub_gets_is_the_usual_entry_with_parameters_and_never_the_rescue_one(tmp_path):
    machine = RealMachine(Machine(tmp_path / "machine").root)
    loader = boot_loader.loader("grub", CHOSEN, FIRST, machine)
    loader.install()
    text = (machine.root / "boot/grub/custom.cfg").read_text()
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("linux")]
    assert lines == [f"linux\t/boot/vmlinuz-{FIRST} {USUAL}"] + [
        f"linux\t/boot/vmlinuz-{kernel.release} {USUAL} {ADDED}" for kernel in CHOSEN
    ]
    assert text.count("insmod ext2") == 4 and "single" not in text
    loader.remove()
    assert not (machine.root / "boot/grub/custom.cfg").exists()


def test_an_image_that_grub_refuses_starts_the_machine_again(tmp_path):
    """Its menu would wait for somebody. The first kernel's entry does not: there is nothing left to
    go back to.
    """
    machine = RealMachine(Machine(tmp_path / "machine").root)
    boot_loader.loader("grub", CHOSEN, FIRST, machine).install()
    text = (machine.root / "boot/grub/custom.cfg").read_text()
    first, *measured = text.split("menuentry ")[1:]
    assert len(measured) == len(CHOSEN) and "reboot" not in first
    for entry in measured:
        lines = [line.strip() for line in entry.splitlines()]
        loading = [at for at, line in enumerate(lines) if line.startswith(("linux", "initrd"))]
        assert len(loading) == 2
        for at in loading:
            assert lines[at + 1] == 'if [ "$?" != "0" ]; then reboot; fi'


def test_custom_cfg_keeps_its_mode_its_bytes_and_its_place(tmp_path):
    machine = RealMachine(Machine(tmp_path / "machine").root)
    elsewhere = tmp_path / "elsewhere.cfg"
    before = b"# caf\xe9: latin-1\npassword_pbkdf2 root grub.pbkdf2.sha512.x\n"
    elsewhere.write_bytes(before)
    elsewhere.chmod(0o640)
    custom = machine.root / "boot/grub/custom.cfg"
    custom.symlink_to(elsewhere)
    loader = boot_loader.loader("grub", CHOSEN, FIRST, machine)
    loader.install()
    assert before in elsewhere.read_bytes() and b"kmapbench" in elsewhere.read_bytes()
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    loader.remove()
    assert custom.is_symlink() and elsewhere.read_bytes() == before
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_a_custom_cfg_of_ours_is_roots_alone(tmp_path):
    machine = RealMachine(Machine(tmp_path / "machine").root)
    boot_loader.loader("grub", CHOSEN, FIRST, machine).install()
    assert (machine.root / "boot/grub/custom.cfg").stat().st_mode & 0o777 == 0o600


def test_no_entry_of_ours_becomes_the_default_that_grub_saves(tmp_path):
    """With GRUB_SAVEDEFAULT the first line of each entry makes it that."""
    machine = RealMachine(Machine(tmp_path / "machine").root)
    config = machine.root / "boot/grub/grub.cfg"
    config.write_text(config.read_text().replace("\tload_video\n", "\tsavedefault\n\tload_video\n"))
    boot_loader.loader("grub", CHOSEN, FIRST, machine).install()
    text = (machine.root / "boot/grub/custom.cfg").read_text()
    assert "savedefault" not in text and text.count("\tload_video\n") == 1 + len(CHOSEN)


@pytest.mark.skipif(not shutil.which("grub-script-check"), reason="needs the package grub-common")
def test_grub_itself_takes_what_is_written(tmp_path):
    machine = RealMachine(Machine(tmp_path / "machine").root)
    boot_loader.loader("grub", CHOSEN, FIRST, machine).install()
    for name in ("custom.cfg", "grub.cfg"):
        subprocess.run(["grub-script-check", machine.root / "boot/grub" / name], check=True)


@pytest.mark.parametrize(
    ("mount", "dm", "refused"),
    [
        ("ext4 /dev/sda1", False, False),
        ("xfs /dev/sda1", False, False),
        ("btrfs /dev/sda1", False, True),
        ("zfs rpool/boot", False, True),
        ("ext4 /dev/dm-0", True, True),
    ],
)
def test_grub_has_to_be_able_to_take_back_its_next_entry(tmp_path, mount, dm, refused):
    machine = RealMachine(Machine(tmp_path / "machine").root)
    kind, device = mount.split()
    mounts = ["9 1 8:1 / / rw - tmpfs x rw", f"8 1 8:1 / /boot rw - {kind} {device} rw"]
    files = {"proc/self/mountinfo": "\n".join([*mounts, ""])}
    if dm:
        files["sys/class/block/dm-0/dm/name"] = "vg-boot\n"
    tree(machine.root, files)
    problems = boot_loader.loader("grub", CHOSEN, FIRST, machine).problems()
    problems = [problem for problem in problems if "grub-editenv" not in problem]
    assert bool(problems) == refused
    assert all("GRUB cannot write" in problem for problem in problems)


def test_the_unit_names_its_campaign_whatever_the_folder_is_called(tmp_path, calls):
    machine = RealMachine(tmp_path)
    reboot_unit.path(tmp_path).parent.mkdir(parents=True)
    folder = tmp_path / 'a "b" 100 % $HOME \\ é'
    reboot_unit.install(folder, machine)
    assert reboot_unit.campaign_folder(tmp_path) == folder
    (command,) = [line for line in reboot_unit.text(folder).splitlines() if "ExecStart=" in line]
    assert f'{tmp_path}/a \\"b\\" 100 %% $$HOME \\\\ é" --no-install' in command
    assert calls() == ["systemctl daemon-reload", f"systemctl enable {reboot_unit.NAME}"]
    reboot_unit.remove(machine)
    assert reboot_unit.campaign_folder(tmp_path) is None
    assert calls()[2:] == [f"systemctl disable {reboot_unit.NAME}", "systemctl daemon-reload"]
    reboot_unit.remove(machine)
    assert len(calls()) == 4
