# SPDX-License-Identifier: Apache-2.0
"""Files of a disk with a Debian (debian_disk.py), while no machine is on with it: read, added,
changed. Root does it.

    start = disk_contents.add_kmapbench(disk)
    disk_contents.run_in(disk, "echo words >root/file")
    disk_contents.start_with(disk, "6.12.117-plain")
"""

import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir
from lab.tests.support import userland

SECTOR = 512
FIRST_SECTOR = 2048  # of the partition: before it is room for GRUB

# $1: a disk, $2: a folder to mount it on, then a command. What it wrote is on the disk at the end.
_MOUNTED = f"""
set -eu
disk=$1 root=$2
shift 2
mount -o loop,offset={FIRST_SECTOR * SECTOR} "$disk" "$root"
code=0
"$@" || code=$?
umount "$root"
exit $code
"""


def run_in(disk: Path, script: str) -> str:
    """What a shell script of this machine prints, whose current folder is the disk's / meanwhile.
    It has to succeed. No machine may be on with this disk.
    """
    with tempfile.TemporaryDirectory() as root:
        return run_mounted(disk, Path(root), ["sh", "-euc", f"cd {root}\n{script}"])


def add_kmapbench(disk: Path, charts: bool = False) -> str:
    """Puts this checkout, its programs and the libraries that they need on a disk. Returns what a
    command line there begins with that starts it: f"{prefix} check".

    charts: whether it draws them, which takes minutes in an emulator.
    """
    build = build_dir().absolute()
    linked = subprocesses.output(["ldd", build / "bench" / "kmap_bench"])
    # A Debian has a libbenchmark of another name than the one before.
    libraries = re.findall(r"=> (\S*/lib(?:benchmark|pfm)\.\S+)", linked)
    script = f"""mkdir -p root/kmapbench root/kmapbench-build root/kmapbench-site usr/local/lib
git -C {ROOT} ls-files -z -- ':!results/reference' |
	tar -C {ROOT} -c --null -T - | tar -C root/kmapbench -x
tar -C {build} -c --exclude=CMakeFiles --exclude=tests --exclude='*.a' bench |
	tar -C root/kmapbench-build -x
cp -L {shlex.join(libraries)} usr/local/lib
chroot . ldconfig
"""
    run_in(disk, script)
    if not charts:
        site = "cat >root/kmapbench-site/sitecustomize.py <<'END'\n"
        run_in(disk, f"{site}{userland.WITHOUT_CHARTS}END\n")
    return (
        "cd /root/kmapbench && PYTHONPATH=/root/kmapbench-site:/root/kmapbench"
        " KMAPBENCH_BUILD=/root/kmapbench-build python3 -m lab"
    )


def menu_entry(disk: Path, release: str) -> str:
    """The name of a kernel in GRUB's menu, as grub-reboot and grub-set-default take it."""
    listing = run_in(disk, "cat boot/grub/grub.cfg")
    advanced, entry = "", ""
    for line in listing.splitlines():
        words = shlex.split(line, comments=True) if "menuentry" in line else []
        if words[:1] == ["submenu"]:
            advanced = f"{words[-2]}>"
        elif words[:1] == ["menuentry"] and f"-{release}-advanced-" in line:
            entry = words[-2]
    return f"{advanced}{entry}"


def start_with(disk: Path, release: str) -> None:
    """Makes a kernel the one that GRUB starts, until something else is said."""
    entry = shlex.quote(menu_entry(disk, release))
    run_in(disk, f"chroot . grub-editenv /boot/grub/grubenv set saved_entry={entry}")


def run_mounted(disk: Path, root: Path, words: list[str], log: Path | None = None) -> str:
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
