# SPDX-License-Identifier: Apache-2.0
"""A Debian made of nothing in a folder, from this machine's package sources, and commands in it.

Each command has mount and process namespaces of its own, which end with it however it ends.
"""

import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.core import subprocesses
from lab.core.errors import CommandFailed, KmapbenchError
from lab.core.package_archive import Archive

# What an ordinary user gets from a login, and root beside it.
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
_ROOTS_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# $1: folder, $2: where packages are kept; then the command. What is left in /dev/shm goes with it.
# The system is the namespace's own root, since in a chroot nobody has user namespaces. The shell
# stays root and the namespace's first process: who becomes another user is not ended with us.
_ENTER = """
set -eu
root=$1 packages=$2
shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
[ ! -d "$root/dev/shm" ] || mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mkdir -p "$root/var/cache/apt/archives"
mount --bind "$packages" "$root/var/cache/apt/archives"
cd "$root"
pivot_root . .
umount -l .
chroot . "$@" || exit $?
"""


@dataclass(frozen=True)
class User:
    """Who runs a command."""

    name: str
    home: str

    @property
    def variables(self) -> dict[str, str]:
        return {
            "PATH": _ROOTS_PATH if self.name == "root" else _PATH,
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": "/bin/sh",
        }


ROOT_USER = User("root", "/root")


def sources(suite: str, archive: Archive) -> str:
    """sources.list of a suite: main, updates and security."""
    lines = [f"deb {archive.main} {suite} main", f"deb {archive.main} {suite}-updates main"]
    if archive.security:
        lines.append(f"deb {archive.security} {suite}-security main")
    return "".join(f"{line}\n" for line in lines)


class Debian:
    """One in a folder, of which `root` is the system. packages: where apt keeps what it fetched."""

    def __init__(self, folder: Path, packages: Path):
        self.root = folder / "root"
        self._packages = packages

    def make(self, suite: str, archive: Archive, log: Path) -> None:
        """Of nothing: what was there is deleted."""
        self.remove()
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self._packages.mkdir(parents=True, exist_ok=True)
        bootstrap = [subprocesses.find("debootstrap", "debootstrap"), "--variant=minbase"]
        bootstrap.append(f"--cache-dir={self._packages}")
        if "https://" in f"{archive.main} {archive.security}":
            bootstrap.append("--include=ca-certificates")
        names = ("http_proxy", "https_proxy")
        variables = {name: archive.proxy for name in names if archive.proxy}
        words = [*_namespaces(), *bootstrap, suite, str(self.root), archive.main]
        self._logged(words, log, f"making a {suite}", variables)
        apt = self.root / "etc" / "apt"
        (apt / "sources.list").write_text(sources(suite, archive))
        (apt / "apt.conf.d" / "90kmapbench").write_text(archive.settings)
        # Whoever pulls the plug makes it anew: nothing is gained by waiting for a disk.
        (self.root / "etc" / "dpkg" / "dpkg.cfg.d" / "90kmapbench").write_text("force-unsafe-io\n")
        for name in ("resolv.conf", "hosts"):
            if (text := subprocesses.value(Path("/etc") / name)) is not None:
                (self.root / "etc" / name).write_text(f"{text}\n")
        no_daemons = self.root / "usr" / "sbin" / "policy-rc.d"
        no_daemons.write_text("#!/bin/sh\nexit 101\n")
        no_daemons.chmod(0o755)
        for words in (["apt-get", "-q", "update"], ["apt-get", "-q", "-y", "upgrade"]):
            self._logged(self.command(ROOT_USER, words), log, f"making a {suite}", {})

    def remove(self) -> None:
        """Deletes it, and nothing that is mounted in it."""
        if not self.root.exists():
            return
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        places = [line.split()[4] for line in mounts]
        inside = [place for place in places if f"{place}/".startswith(f"{self.root.resolve()}/")]
        if inside:
            raise KmapbenchError(f"{inside[0]}: mounted in what is to be deleted: unmount it first")
        subprocesses.output(["rm", "-rf", "--one-file-system", self.root])

    def command(self, user: User, words: Sequence[str], folder: str = "/") -> list[str]:
        """What runs a command inside, as a user, in a folder."""
        become = []
        if user.name != "root":
            become = ["setpriv", f"--reuid={user.name}", f"--regid={user.name}", "--init-groups"]
        variables = [f"{name}={value}" for name, value in user.variables.items()]
        script = f"cd {shlex.quote(folder)} && exec {shlex.join(words)}"
        inside = ["/usr/bin/env", "-i", *variables, *become, "/bin/sh", "-c", script]
        enter = ["sh", "-c", _ENTER, "sh", str(self.root), str(self._packages)]
        return [*_namespaces(), *enter, *inside]

    def output(self, words: Sequence[str]) -> str:
        """What a command of root's prints, which has to succeed."""
        return subprocesses.output(self.command(ROOT_USER, words))

    def run(self, user: User, words: Sequence[str], folder: str, log: Path) -> tuple[int, float]:
        """Runs a command with nobody at a terminal; its exit code and how long it took."""
        begun = time.monotonic()
        with log.open("wb") as out:
            result = subprocess.run(
                subprocesses.ended_with_us(self.command(user, words, folder)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return result.returncode, time.monotonic() - begun

    def add_user(self, user: User) -> None:
        """An ordinary one, who cannot become root."""
        home = ["--create-home", "--home-dir", user.home]
        self.output(["useradd", *home, "--shell", "/bin/sh", user.name])

    def installed(self) -> dict[str, str]:
        """Version of each package."""
        form = "${db:Status-Abbrev}\t${binary:Package}\t${Version}\n"
        listing = self.output(["dpkg-query", "-W", "-f", form])
        rows = (line.split("\t") for line in listing.splitlines())
        return {name: version for state, name, version in rows if state.startswith("ii")}

    def bytes_of(self, packages: dict[str, str]) -> int:
        """What it takes to download these."""
        if not packages:
            return 0
        wanted = [f"{name}={version}" for name, version in packages.items()]
        told = self.output(["apt-cache", "show", *wanted])
        return sum(map(int, re.findall(r"^Size: (\d+)$", told, re.MULTILINE)))

    @staticmethod
    def _logged(words: list[str], log: Path, doing: str, variables: dict[str, str]) -> None:
        with log.open("ab") as out:
            result = subprocess.run(
                subprocesses.ended_with_us(words),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=subprocesses.plain_environment()
                | {"DEBIAN_FRONTEND": "noninteractive"}
                | variables,
            )
        if result.returncode != 0:
            raise CommandFailed(f"{doing} failed: see {log}")


def _namespaces() -> list[str]:
    """Of mounts, which nobody else sees, and of processes, which all end with the first."""
    return [
        subprocesses.find("unshare", "util-linux"),
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]
