# SPDX-License-Identifier: Apache-2.0
"""A disk with a Debian that starts from it: systemd, GRUB for BIOS, kernels from our packages, no
network. Root makes it. debian_machine.py switches a machine with it on.

    disk = debian_disk.make("trixie", packages, cache_dir(), log)        # kept; a minute or two
    mine = debian_disk.copy(disk, tmp_path / "disk.img")                 # to be written to
    debian_disk.run_in(mine, "cp /somewhere/file root/")                 # before or after a boot

The only partition is /dev/vda1, ext4, mounted as /. GRUB starts the newest kernel, unless
grub-set-default or grub-reboot says another one (GRUB_DEFAULT=saved), and says what it does on the
first serial port, as the kernel does. The journal is kept on the disk. On the second serial port a
shell of root's waits for commands (debian_machine.Machine.run).
"""

import hashlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.core import package_archive, subprocesses
from lab.distributions.debootstrap import ROOT_USER, Debian
from lab.kernels import deb_kernel

# Beside what debootstrap's smallest variant has: systemd as init, GRUB, what kmapbench takes to
# build its module and to measure and report, and what looks after persistent memory.
PACKAGES = (
    *("systemd-sysv", "udev", "kmod", "grub-pc", "kexec-tools", "make", "gcc", "binutils"),
    "libelf1",
    *("python3-jsonschema", "python3-rich", "python3-numpy", "python3-scipy", "python3-matplotlib"),
    *("python3-jinja2", "python3-tomli-w", "libpfm4", "fio", "ndctl", "e2fsprogs", "procps"),
)

# Of the guest's memory, 256 MiB from 1.5 GiB on are persistent memory (/dev/pmem0), 2 MiB behind
# them the module's device page, 1 MiB behind these keeps the log of a crash until after the reset.
CMDLINE = (
    "console=ttyS0 panic=10 memmap=256M!1536M memmap=2M$1792M memmap=1M$1794M"
    " ramoops.mem_address=0x70200000 ramoops.mem_size=0x100000 ramoops.ecc=1"
)
DEVICE_MEMORY = 0x70000000  # what the module's parameter device_memory is to be

SIZE_MIB = 4096  # of the disk; blocks that were never written take no room

_SECTOR = 512
_FIRST_SECTOR = 2048  # of the partition: before it is room for GRUB

# No login, no timers, nothing that asks or waits for what is not there.
_MASKED = (
    *("getty.target", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer"),
    *("e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "man-db.timer"),
    *("systemd-firstboot.service", "systemd-networkd.service", "systemd-timesyncd.service"),
    *("kexec.service", "kexec-load.service", "ndctl-monitor.service", "systemd-logind.service"),
)

_SHELL = """#!/bin/sh
# Executes what comes as "run NUMBER LINE", and says with which code NUMBER ended. A line may have
# waited in the machine's serial port for the next boot, with its first letters or without.
stty raw -echo
echo ready
while read -r word number line; do
	if [ "$word" != run ]; then
		echo again
		continue
	fi
	sh -c "$line" </dev/null 2>&1
	printf '\\n%s ended with %d\\n' "$number" $?
done
"""
_SHELL_UNIT = """[Unit]
Description=Commands on the second serial port
After=multi-user.target

[Service]
ExecStart=/usr/local/sbin/serial-shell
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS1
Environment=HOME=/root TERM=dumb SYSTEMD_PAGER=cat
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Restart=always
KillMode=process

[Install]
WantedBy=multi-user.target
"""
_GRUB = f"""GRUB_DEFAULT=saved
GRUB_TIMEOUT=0
GRUB_RECORDFAIL_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=
GRUB_CMDLINE_LINUX={shlex.quote(CMDLINE.replace("$", chr(92) + "$"))}
GRUB_DEVICE=/dev/vda1
GRUB_DISABLE_LINUX_UUID=true
GRUB_DISABLE_LINUX_PARTUUID=true
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND=serial
GRUB_DISABLE_OS_PROBER=true
"""
_FILES = {
    "etc/default/grub": _GRUB,
    "etc/fstab": "/dev/vda1 / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "debian\n",
    "etc/hosts": "127.0.0.1 localhost debian\n",
    "etc/resolv.conf": "",
    "etc/machine-id": f"{hashlib.md5(b'kmapbench').hexdigest()}\n",
    "etc/systemd/system/serial-shell.service": _SHELL_UNIT,
    "usr/local/sbin/serial-shell": _SHELL,
}

# In the disk's system: its settings, the kernels, by which update-grub is called, then GRUB itself.
_INSTALL = f"""set -eu
cp -r /ours/files/. /
chmod 755 /usr/local/sbin/serial-shell
systemctl mask {shlex.join(_MASKED)}
systemctl enable serial-shell
systemctl set-default multi-user
mkdir -p /boot/grub/i386-pc /var/log/journal
cp /usr/lib/grub/i386-pc/*.mod /usr/lib/grub/i386-pc/*.lst /boot/grub/i386-pc/
grub-editenv /boot/grub/grubenv create
touch /boot/grub/grub.cfg
dpkg -i /ours/*.deb
update-grub
grub-mkimage -O i386-pc -o /ours/core.img -p '(hd0,msdos1)/boot/grub' biosdisk part_msdos ext2
cp /usr/lib/grub/i386-pc/boot.img /ours/
# Else the first boot looks at all of /usr.
touch /usr
touch -d 'now + 1 minute' /etc/.updated /var/.updated
"""

# $1: a disk, $2: a folder to mount it on, then a command. What it wrote is on the disk at the end.
_MOUNTED = f"""
set -eu
disk=$1 root=$2
shift 2
mount -o loop,offset={_FIRST_SECTOR * _SECTOR} "$disk" "$root"
code=0
"$@" || code=$?
umount "$root"
exit $code
"""


def make(
    suite: str,
    packages: Sequence[Path],
    cache: Path,
    log: Path,
    names: Sequence[str] = PACKAGES,
) -> Path:
    """The disk of a Debian (bookworm, trixie) with kernels; kept in the cache by all that goes into
    it, and only to be read: see copy(). Made with this machine's package sources.

    packages: linux-image-*.deb and linux-headers-*.deb. names: of packages of Debian that are
    installed, too. log: a file that gets what is said meanwhile.
    """
    folder = cache / "disks"
    system = _system(suite, names, folder, log)
    digest = hashlib.sha256(f"{system.root.parent.name}{_INSTALL}{_FILES}{SIZE_MIB}".encode())
    for package in sorted(packages):
        digest.update(hashlib.sha256(package.read_bytes()).digest())
    final = folder / f"{suite}-{digest.hexdigest()[:16]}.img"
    if not final.exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as name:
            scratch = Path(name)
            _make_disk(system, packages, scratch, log)
            (scratch / "disk.img").rename(final)
    return final


def copy(disk: Path, target: Path) -> Path:
    """A copy of a disk, to be written to."""
    subprocesses.output(["cp", "--sparse=always", disk, target])
    return target


def run_in(disk: Path, script: str) -> str:
    """What a shell script of this machine prints, whose current folder is the disk's / meanwhile.
    It has to succeed. No machine may be on with this disk.
    """
    with tempfile.TemporaryDirectory() as root:
        return _run_mounted(disk, Path(root), ["sh", "-euc", f"cd {root}\n{script}"])


def releases(packages: Sequence[Path]) -> list[str]:
    """The kernel release of each image package among these, as `uname -r` will say it."""
    names = (package.name.partition("_")[0] for package in sorted(packages))
    return [release for name in names if (release := deb_kernel.release_of(name))]


def _system(suite: str, names: Sequence[str], folder: Path, log: Path) -> Debian:
    """A Debian in a folder of the cache, with packages, without kernels."""
    digest = hashlib.sha256("\0".join([suite, *names]).encode()).hexdigest()[:16]
    final = folder / f"{suite}-{digest}"
    system = Debian(final, folder / "packages" / suite)
    made = final / "made"
    if not made.exists():
        system.make(suite, package_archive.archive(), log)
        # Else GRUB asks for a disk.
        answer = "grub-pc grub-pc/install_devices_empty boolean true"
        script = f"""set -eu
export DEBIAN_FRONTEND=noninteractive
echo {answer} | debconf-set-selections
apt-get -q -y install --no-install-recommends {shlex.join(names)}
rm /usr/sbin/policy-rc.d
"""
        _logged(system, script, log)
        made.touch()
    return system


def _make_disk(system: Debian, packages: Sequence[Path], scratch: Path, log: Path) -> None:
    """Writes scratch/disk.img."""
    disk, root = scratch / "disk.img", scratch / "disk" / "root"
    root.mkdir(parents=True)
    sectors = SIZE_MIB * 2048 - _FIRST_SECTOR
    _partition(disk, sectors)
    subprocesses.output(
        [
            *(subprocesses.find("mkfs.ext4", "e2fsprogs"), "-q", "-F", "-d", system.root),
            *("-E", f"offset={_FIRST_SECTOR * _SECTOR}", disk, f"{sectors // 2}k"),
        ]
    )
    ours = scratch / "ours"
    for name, text in _FILES.items():
        path = ours / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for package in packages:
        shutil.copy(package, ours / package.name)
    mounted = Debian(root.parent, scratch / "archives")
    (scratch / "archives").mkdir()
    script = f"""cp -r {ours} {root}/ours
rm -f {root}/etc/resolv.conf
{shlex.join(mounted.command(ROOT_USER, ["sh", "-c", _INSTALL]))}
cp {root}/ours/*.img {scratch}
rm -r {root}/ours
"""
    _run_mounted(disk, root, ["sh", "-euc", script], log)
    with disk.open("r+b") as file:
        # The partition table is behind the first 440 bytes. GRUB's first sector loads the one
        # behind it, which knows how many follow.
        file.write((scratch / "boot.img").read_bytes()[:440])
        file.seek(_SECTOR)
        core = (scratch / "core.img").read_bytes()
        assert len(core) <= (_FIRST_SECTOR - 1) * _SECTOR, "no room for GRUB before the partition"
        file.write(core)


def _partition(disk: Path, sectors: int) -> None:
    """An empty disk with a partition table: a single Linux partition, to be started from."""
    entry = b"\x80\xfe\xff\xff\x83\xfe\xff\xff"  # active, Linux; its place is counted in sectors
    entry += _FIRST_SECTOR.to_bytes(4, "little") + sectors.to_bytes(4, "little")
    with disk.open("wb") as file:
        file.truncate(SIZE_MIB << 20)
        file.seek(446)
        file.write(entry.ljust(64, b"\0") + b"\x55\xaa")


def _run_mounted(disk: Path, root: Path, words: list[str], log: Path | None = None) -> str:
    """What a command prints that runs with the disk mounted at root, which nobody else sees. log: a
    file that gets it, too.
    """
    unshare = [subprocesses.find("unshare", "util-linux"), "--mount", "--propagation", "private"]
    command = [*unshare, "sh", "-c", _MOUNTED, "sh", str(disk), str(root), *words]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if log:
        with log.open("a") as out:
            out.write(result.stdout + result.stderr)
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    return result.stdout


def _logged(system: Debian, script: str, log: Path) -> None:
    said = log.with_name(f"{log.name}.step")
    code, _ = system.run(ROOT_USER, ["sh", "-c", script], "/", said)
    with log.open("a") as out:
        out.write(said.read_text(errors="replace"))
    said.unlink()
    assert code == 0, f"making a Debian failed: see {log}"
