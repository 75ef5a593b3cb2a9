# SPDX-License-Identifier: Apache-2.0
"""The launcher in a Debian of nothing but Python: what it says at once installs nothing and builds
nothing.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.core import subprocesses
from lab.tests.support.wrong_uses import COMMANDS, WRONG, checkout, make_there, tree

pytestmark = pytest.mark.all  # debootstrap takes minutes


class Debian:
    """A minbase Debian in a folder, with a checkout in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = checkout(folder / "opt" / "checkout of Jürgen's")
        self.there = make_there(folder / "there")

    def call(self, *command: str) -> subprocess.CompletedProcess:
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
        }
        return subprocess.run(
            ["chroot", self.folder, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def kmapbench(self, *arguments: str) -> subprocess.CompletedProcess:
        return self.call(f"/{self.root.relative_to(self.folder)}/kmapbench", *arguments)

    def state(self) -> tuple[str, set[str]]:
        """Its packages, and what is in the checkout and in root's home."""
        packages = self.call("dpkg-query", "-W").stdout
        assert packages
        return packages, tree(self.root) | tree(self.folder / "root")


@pytest.fixture(scope="module")
def debian(tmp_path_factory):
    """As this machine's own package sources have it."""
    if os.geteuid() != 0:
        pytest.skip("debootstrap takes root")
    targets = subprocesses.output(
        ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Created-By: Packages"]
    )
    codename = next(
        line.partition("=")[2]
        for line in Path("/etc/os-release").read_text().splitlines()
        if line.startswith("VERSION_CODENAME=")
    )
    site = next(
        (line.split()[0] for line in targets.splitlines() if line.split()[1] == codename), None
    )
    if site is None:
        pytest.skip(f"no package source of {codename}")
    folder = tmp_path_factory.mktemp("debian") / "root"
    command = [
        subprocesses.find("debootstrap", "debootstrap"),
        "--variant=minbase",
        "--include=python3",
        codename,
        str(folder),
        site,
    ]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-2000:]
    proc = folder / "proc"
    subprocess.run(["mount", "-t", "proc", "proc", proc], check=True)
    try:
        yield Debian(folder)
    finally:
        subprocess.run(
            ["umount", proc], check=True
        )  # else what follows would not be of this folder alone
        shutil.rmtree(folder)


def test_wrong_uses_and_help_leave_a_fresh_debian_as_it_was(debian):
    before = debian.state()
    for arguments, words in WRONG:
        ended = debian.kmapbench(*(one.format(there="/there") for one in arguments))
        assert ended.returncode == 2 and ended.stdout == "", arguments
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert all(word.format(there="/there") in ended.stderr for word in words), ended.stderr
    for arguments in ([], *(command.split() for command in COMMANDS)):
        ended = debian.kmapbench(*arguments, "--help")
        assert ended.returncode == 0 and ended.stdout.startswith("usage: kmapbench"), ended.stderr
    assert debian.kmapbench("--version").returncode == 0
    assert debian.kmapbench("run", "--dry-run", "--seed", "7").stdout.count("\nstock, boot ") == 2
    listed = debian.kmapbench("run", "--no-install")
    assert (
        listed.returncode == 2
        and "qemu-system-x86" in listed.stderr
        and listed.stderr.count("\n") == 1
    )
    assert debian.kmapbench("kernels").returncode == 0
    assert debian.state() == before


def test_without_python_the_launcher_says_so(debian):
    python, hidden = (debian.folder / "usr" / "bin" / name for name in ("python3", "hidden"))
    before = debian.state()
    python.rename(hidden)
    try:
        for arguments in (
            ["kernels"],
            ["run", "--help"],
            ["test", "--no-install"],
            ["--version"],
            ["report", "/there"],
        ):
            ended = debian.kmapbench(*arguments)
            assert ended.returncode == 2 and ended.stdout == ""
            assert (
                ended.stderr.count("\n") == 1 and "install the package python3" in ended.stderr
            ), ended.stderr
    finally:
        hidden.rename(python)
    assert debian.state() == before
