# SPDX-License-Identifier: Apache-2.0
"""Our packages on a Debian that starts from a disk: installed, booted, measured, removed."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from lab.core.dirs import cache_dir
from lab.kernels import bases, config_choice, source_build, variants
from lab.tests.conftest import quiet
from lab.tests.support import debian_disk, debian_machine, disk_contents

pytestmark = [
    pytest.mark.all,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes disks"),
]

NAMES = ("plain", "off", "protected")

# Builds the module as on any machine, and measures a page of memory and one of a DAX file.
MODULE = "/root/kmapbench/kernel-bench-module"
MEASURE = f"""set -e
make -C {MODULE} KDIR=/lib/modules/$(uname -r)/build OUT=/root/module >/root/make.log 2>&1
insmod /root/module/kmapbench.ko
mkfs.ext4 -q -F -b 4096 /dev/pmem0
mount -o dax=always /dev/pmem0 /mnt
truncate -s 4M /mnt/page
/root/kmapbench-build/bench/kmap_bench --kmapbench_dax_file=/mnt/page --kmapbench_only=kernel \\
    --kmapbench_clock=tsc --kmapbench_records=/root/records.jsonl \\
    --benchmark_filter='^kernel/kmap_local/(dram|devmap|protected)/iterations:' >/root/measured 2>&1
"""


@pytest.fixture(scope="module")
def packages() -> list[Path]:
    """Image and headers of each kernel, built or from the cache."""
    images = [
        config_choice.as_packages(variant.image, "systemd", bases.find(None))
        for variant in map(variants.find, NAMES)
        if variant.image
    ]
    built = [source_build.fetch_packages(image, cache_dir(), quiet) for image in images]
    return [package for packages in built for package in packages]


@pytest.fixture(scope="module")
def disk(packages, tmp_path_factory) -> Path:
    """A disk with all three, and kmapbench."""
    folder = tmp_path_factory.mktemp("disk")
    made = debian_disk.make("trixie", packages, cache_dir(), folder / "log")
    own = debian_disk.copy(made, folder / "disk.img")
    disk_contents.add_kmapbench(own)
    debian_disk.run_in(own, f"cat >root/measure <<'END'\n{MEASURE}END\n")
    return own


def listed(package: Path) -> set[str]:
    told = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True)
    names = subprocess.run(["tar", "-t"], input=told.stdout, capture_output=True, check=True)
    return set(names.stdout.decode().split("\n"))


def test_packages_have_what_a_boot_and_a_module_take(packages):
    assert [release.rpartition("-")[2] for release in debian_disk.releases(packages)] == [
        *sorted(NAMES)
    ]
    for image, headers in zip(packages[::2], packages[1::2], strict=True):
        (release,) = debian_disk.releases([image])
        files = {f"./boot/{name}-{release}" for name in ("vmlinuz", "config", "System.map")}
        assert files <= listed(image)
        assert f"./lib/modules/{release}/modules.builtin" in listed(image)
        source = f"./usr/src/linux-headers-{release}"
        files = {
            f"{source}/{name}"
            for name in ("Makefile", "include/config/auto.conf", "Module.symvers")
        }
        assert files | {f"./lib/modules/{release}/build"} <= listed(headers)
        assert f"./lib/modules/{release}/build" not in listed(image)


@pytest.mark.parametrize("name", NAMES)
def test_a_debian_starts_with_each_and_its_path_is_measured(name, disk, packages, tmp_path):
    (release,) = [one for one in debian_disk.releases(packages) if one.endswith(f"-{name}")]
    own = debian_disk.copy(disk, tmp_path / "disk.img")
    disk_contents.start_with(own, release)
    with debian_machine.Machine(own, tmp_path) as machine:
        machine.wait_until_up()
        assert machine.run("uname -r") == release
        machine.run("systemctl is-system-running --wait; true")
        failed = machine.run("systemctl --failed --plain --no-legend; true")
        machine.run("sh /root/measure", 1800)
        # In the log of the kernel the oracle's fault is none that a kernel without PKS knows.
        splats = machine.run("dmesg | grep -c 'Oops\\|BUG:\\|soft lockup'; true")
        machine.power_off()
    # it wants tracepoints of CXL, which our fragment has not
    assert failed.split()[:1] in ([], ["cxl-monitor.service"]) and failed.count("\n") == 0, failed
    assert machine.kernels() == [release] and splats == "0"
    lines = debian_disk.run_in(own, "cat root/records.jsonl").splitlines()
    status = {record["case"]: record["status"] for record in map(json.loads, lines)}
    oracle = {record["case"]: record["oracle"] for record in map(json.loads, lines)}
    protected = "kernel/kmap_local/protected"
    if name == "protected":
        assert status[protected] != "skipped" and oracle[protected] == "held"
        assert status["kernel/kmap_local/devmap"] == "skipped"
    else:
        assert status[protected] == "skipped"
        assert status["kernel/kmap_local/devmap"] != "skipped"
    assert status["kernel/kmap_local/dram"] != "skipped"


def test_a_kernel_is_started_once_and_removed_by_one_command(disk, packages, tmp_path):
    own = debian_disk.copy(disk, tmp_path / "disk.img")
    stays, goes, *others = debian_disk.releases(packages)
    disk_contents.start_with(own, stays)
    entry = shlex.quote(disk_contents.menu_entry(own, goes))
    with debian_machine.Machine(own, tmp_path) as machine:
        machine.wait_until_up()
        machine.run(f"grub-reboot {entry}")
        for _ in range(2):
            machine.send("systemctl reboot")
            machine.wait_until_up()
        assert machine.kernels() == [stays, goes, stays]
        names = f"linux-image-{goes} linux-headers-{goes}"
        machine.run(f"DEBIAN_FRONTEND=noninteractive apt-get -q -y purge {names}")
        left = machine.run(f"ls /boot /lib/modules /usr/src; cat /boot/grub/grub.cfg; ls {MODULE}")
        machine.send("systemctl reboot")
        machine.wait_until_up()
        # update-grub has given the entries other names than the default that was chosen
        assert machine.run("uname -r") in (stays, *others)
    assert goes not in left and stays in left


def test_a_panic_leaves_its_log_and_the_machine_comes_back(disk, tmp_path):
    own = debian_disk.copy(disk, tmp_path / "disk.img")
    with debian_machine.Machine(own, tmp_path) as machine:
        machine.wait_until_up()
        machine.send("echo c >/proc/sysrq-trigger")
        machine.wait_until_up()
        # systemd-pstore moves them, to a folder or not
        log = machine.run("find /sys/fs/pstore /var/lib/systemd/pstore -type f -exec cat {} +")
        assert machine.run("cat /proc/sys/kernel/panic") == "10"
    assert "sysrq triggered crash" in log and len(machine.kernels()) == 2
