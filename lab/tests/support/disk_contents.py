# SPDX-License-Identifier: Apache-2.0
"""What is on a disk with a Debian (debian_disk.py), changed while no machine is on with it.

    disk_contents.add_kmapbench(disk)        # machine.run(f"{disk_contents.COMMAND} check")
    disk_contents.start_with(disk, "6.12.117-plain")
"""

import re
import shlex
from pathlib import Path

from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir
from lab.tests.support import userland
from lab.tests.support.debian_disk import run_in

# What a command line in the machine begins with that starts kmapbench.
COMMAND = (
    "cd /root/kmapbench && env PYTHONPATH=/root/kmapbench-site:/root/kmapbench"
    " KMAPBENCH_BUILD=/root/kmapbench-build KMAPBENCH_CACHE=/root/kmapbench-cache python3 -m lab"
)


def add_kmapbench(disk: Path) -> None:
    """Puts this checkout, its programs and the libraries that they need on a disk: COMMAND starts
    it there. It draws no charts, which takes minutes in an emulator.
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
    site = "cat >root/kmapbench-site/sitecustomize.py <<'END'\n"
    run_in(disk, f"{site}{userland.WITHOUT_CHARTS}END\n")


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
