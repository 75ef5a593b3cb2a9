# SPDX-License-Identifier: Apache-2.0
import pytest

from formats import known_names, private_names

# A text with a name, what of it has to go, and what stays.
NAMED = [
    ("root=UUID=1b4e28ba-2fa1-11d2-883f-0016d3cca427 ro quiet", "1b4e28ba", "ro quiet"),
    ("root=/dev/mapper/spr--vg-root ro", "spr", "ro"),
    ("resume=PARTUUID=1234abcd-02 nopks", "1234abcd", "nopks"),
    ("rd.lvm.lv=spr/root nopks", "spr", "nopks"),
    ("systemd.machine_id=0123456789abcdef0123456789abcdef x", "0123456789abcdef", "x"),
    ("machine 0123456789abcdef0123456789abcdef.", "0123456789abcdef", "machine"),
    ("EXT4-fs: mounted 1B4E28BA-2FA1-11D2-883F-0016D3CCA427 r/w", "1B4E28BA", "r/w"),
    ("link/ether 52:54:00:ab:cd:ef brd", "52:54:00", "brd"),
    ("BOOTIF=01-52-54-00-ab-cd-ef x", "54-00-ab", "x"),
    ("enx525400abcdef: link up", "525400abcdef", "link up"),
    ("inet 192.0.2.17/24 up", "192.0.2.17", "up"),
    ("inet addr:192.0.2.17 up", "192.0.2.17", "up"),
    ("inet6 fe80::5054:ff:feab:cdef/64 up", "5054", "up"),
    ("Linux version 6.12 (alice@build1) (gcc", "alice", "Linux version 6.12"),
    ("mail alice.m@lab.example.com now", "example", "now"),
    ("git clone https://alice:x@git.acme.example/linux.git here", "acme", "here"),
    ("origin git@git.acme.example:linux x", "acme", "x"),
    ("/dev/disk/by-id/nvme-SAMSUNG_MZ_S4EVNX0N ok", "S4EVNX0N", "ok"),
    ("wwn-0x5002538e40a1b2c3 ok", "5002538e", "ok"),
    ("usb 1-1: SerialNumber: AB12CD34", "AB12CD34", "usb 1-1"),
    ("Serial Number: CZ2143X0QW", "CZ2143X0QW", "Serial Number"),
    ("DMI: Dell Inc. PowerEdge R750/0ABC, BIOS 1.2", "PowerEdge", "DMI:"),
    ("Hardware name: ACME X1/Y", "ACME", "Hardware name:"),
    ("Loaded X.509 cert 'alice Secure Boot key: 00ff'", "alice", "Loaded X.509 cert"),
    ("systemd[1]: Hostname set to <spr01>.", "spr01", "systemd[1]"),
    ("-I/home/alice/linux/include x", "alice", "x"),
    ("mine=/data/alice/linux,x", "alice", "x"),
    ("in ../../alice/linux x", "alice", "x"),
    ("/run/media/alice/disk x", "alice", "x"),
]
PLAIN = [
    "console=ttyS0 panic=-1 memmap=64M!256M memmap=2M$0x1c000000 crashkernel=64M@16M",
    "root=/dev/nvme0n1p2 ip=dhcp BOOT_IMAGE=/boot/vmlinuz-6.12.0 ro",
    "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)",
    "kernel/kmap_local/dram and/or I/O at 0x3f8 (irq = 4) 12:34:56 2026-11-29T05:59:01Z",
    "/lib/modules/6.12.0/build/.config /sys/devices/system/cpu /dev/pmem0 /proc/cmdline /usr/src/x",
    "(debian-kernel@lists.debian.org) getty@tty1.service https://www.kernel.org/doc kmapbench@lab",
    "sha256 60e404cf09a736beae8adb998f4b950089b087f23aafe998dfc2997b1c44cd95 commit 44445f1",
    "pci 0000:00:1f.2: [8086:2922] std::add 127.0.0.1 Serial: 8250/16550 driver SerialNumber=3",
    "Loaded X.509 cert 'Debian Secure Boot CA: 6cce' DMI: QEMU Standard PC (Q35)",
    "plain=PATH root=HIDDEN USER@HOST",
]


@pytest.mark.parametrize(("text", "gone", "left"), NAMED)
def test_a_name_of_each_kind_is_hidden_and_what_is_next_to_it_stays(text, gone, left):
    assert list(private_names.find_names(text, {}))
    hidden = private_names.hide_names(text, {})
    assert gone not in hidden and left in hidden
    assert not list(private_names.find_names(hidden, {}))


@pytest.mark.parametrize("text", PLAIN)
def test_what_names_nobody_stays(text):
    assert private_names.hide_names(text, {}) == text
    assert list(private_names.find_names(text, {})) == []


def test_known_names_go_as_whole_words_with_their_domain():
    words = {"spr": known_names.HOST, "alice": known_names.USER}
    text = "spr spr.lab.example SPR: spr_1 (alice) spread malice spr1"
    assert (
        private_names.hide_names(text, words) == "HOST HOST HOST: HOST_1 (USER) spread malice spr1"
    )


def test_in_json_identities_and_folders_go_whatever_they_say():
    value = {
        "identity": {"host_name": "x y", "serial": 7, "product": "R750"},
        "built": "linux of alice",
        "arguments": ["--out", "alice", "--variants", "a=alice/linux,stock", "--plan=alice.toml"],
        "case": "kernel/spr/dram",
        "samples": [1, 2],
        "path": "/data/with blank/x",
    }
    assert private_names.hide_in_json(value, {"spr": known_names.HOST}) == {
        "identity": {"host_name": None, "serial": None, "product": None},
        "built": "PATH",
        "arguments": ["--out", "PATH", "--variants", "a=PATH,stock", "--plan=PATH"],
        "case": "kernel/spr/dram",
        "samples": [1, 2],
        "path": "PATH",
    }


def machine(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_machine_tells_its_names_by_kind(tmp_path):
    root = machine(
        tmp_path,
        proc__sys__kernel__hostname="spr01.lab.example\n",
        sys__class__dmi__id__product_serial="CZ2143X0QW\n",
        sys__class__dmi__id__board_serial="To Be Filled By O.E.M.\n",
        sys__class__dmi__id__chassis_serial="0123456789\n",
        sys__class__net__eth0__address="52:54:00:ab:cd:ef\n",
        sys__class__net__lo__address="00:00:00:00:00:00\n",
        sys__block__nvme0n1__device__serial="S4EVNX0N\n",
    )
    found = known_names.machine_names(root, {"SUDO_USER": "alice", "USER": "root", "HOME": "/root"})
    assert found == {
        "spr01.lab.example": "host name",
        "spr01": "host name",
        "alice": "user",
        "CZ2143X0QW": "serial number",
        "S4EVNX0N": "serial number",
        "52:54:00:ab:cd:ef": "MAC address",
    }


def test_files_give_away_names():
    texts = ["Hostname set to <spr02>", '{"host_name": "spr03"}', "bob@build7 /home/carol/x vm"]
    assert known_names.told_names(texts) == {
        "build7": "host name",
        "carol": "user",
        "spr02": "host name",
        "spr03": "host name",
        "bob": "user",
    }


@pytest.mark.parametrize("name", ["vm", "localhost", "debian", "x", "7", "(none)", "protected"])
def test_a_host_that_is_called_like_many_names_nobody(name):
    assert not known_names.is_name(known_names.HOST, name)
