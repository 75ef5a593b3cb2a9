# SPDX-License-Identifier: Apache-2.0
"""Hosts on this machine: each has namespaces of its own for network, mounts, processes and name,
its own /root, and an sshd with a key of its own. Takes root.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_NETWORK = "10.77.31"  # in a network namespace that has no way out
_HOME = "kbf-home"
_SSHD_CONFIG = """\
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
PasswordAuthentication no
StrictModes no
Subsystem sftp internal-sftp
"""
# In namespaces of its own: a /root of its own, what is hidden from it, and sshd.
_INIT = """\
set -e
hostname {name}
mount --make-rprivate /
mount --bind {folder}/root /root
for hidden in {hidden}; do mount --bind {folder}/nothing "$hidden"; done
export HOME=/root
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config
"""


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)


@dataclass
class NamespaceHost:
    """One host. hidden: programs that it does not have."""

    name: str
    number: int
    folder: Path
    hidden: list[Path] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Of its sshd."""
        return f"{_NETWORK}.{self.number}"

    @property
    def root_home(self) -> Path:
        """What it has as /root."""
        return self.folder / "root"

    def make(self, public_key: str) -> None:
        """Its folder, its keys and its network."""
        self.root_home.mkdir(parents=True)
        (self.folder / "nothing").touch(mode=0o600)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "host_key")
        (self.folder / "authorized_keys").write_text(public_key)
        config = _SSHD_CONFIG.format(address=self.address, folder=self.folder)
        (self.folder / "sshd_config").write_text(config)
        space = f"kbf-{self.number}"
        _run("ip", "netns", "add", space)
        ends = ["type", "veth", "peer", "name", "eth0", "netns", space]
        _run("ip", "-n", _HOME, "link", "add", self._link, *ends)
        _run("ip", "-n", _HOME, "link", "set", self._link, "master", "bridge", "up")
        _run("ip", "-n", space, "address", "add", f"{self.address}/24", "dev", "eth0")
        _run("ip", "-n", space, "link", "set", "eth0", "up")
        _run("ip", "-n", space, "link", "set", "lo", "up")

    @property
    def _link(self) -> str:
        return f"to-{self.number}"

    def start(self) -> None:
        """Boots it, as far as that goes."""
        init = _INIT.format(
            name=self.name,
            folder=self.folder,
            hidden=" ".join(str(path.resolve()) for path in self.hidden),
        )
        spaces = ["--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", f"kbf-{self.number}", "unshare", *spaces, "sh", "-c", init],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "sshd.log").open("ab"),
        )
        while b"Server listening" not in (self.folder / "sshd.log").read_bytes():
            assert self._process.poll() is None, (self.folder / "sshd.log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends all its processes at once, as a power loss does."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)  # the first of its processes goes with it
        self._process.wait()
        (self.folder / "sshd.log").unlink()

    def set_link(self, is_up: bool) -> None:
        """Takes its connection away, or gives it back."""
        _run("ip", "-n", _HOME, "link", "set", self._link, "up" if is_up else "down")

    def remove(self) -> None:
        """All that is not in its folder."""
        if self._process and self._process.poll() is None:
            self.kill()
        subprocess.run(["ip", "netns", "delete", f"kbf-{self.number}"], capture_output=True)

    def known_host(self) -> str:
        """The line of known_hosts for it."""
        kind, key, _ = (self.folder / "host_key.pub").read_text().split(maxsplit=2)
        return f"{self.address} {kind} {key}\n"


@contextmanager
def network() -> Iterator[list[str]]:
    """The network that hosts are on; gives what goes before a command that is to be in it."""
    subprocess.run(["ip", "netns", "delete", _HOME], capture_output=True)
    _run("ip", "netns", "add", _HOME)
    try:
        _run("ip", "-n", _HOME, "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", _HOME, "address", "add", f"{_NETWORK}.254/24", "dev", "bridge")
        _run("ip", "-n", _HOME, "link", "set", "bridge", "up")
        _run("ip", "-n", _HOME, "link", "set", "lo", "up")
        yield ["ip", "netns", "exec", _HOME]
    finally:
        subprocess.run(["ip", "netns", "delete", _HOME], capture_output=True)


@contextmanager
def hosts(names: list[str], folder: Path) -> Iterator[tuple[list[NamespaceHost], Path]]:
    """Hosts that are not started, and the key that logs in as root. Theirs are in known_hosts."""
    os.makedirs("/run/sshd", exist_ok=True)
    key = folder / "key"
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    made = [NamespaceHost(name, at, folder / name) for at, name in enumerate(names, start=1)]
    try:
        for host in made:
            subprocess.run(["ip", "netns", "delete", f"kbf-{host.number}"], capture_output=True)
            host.make(key.with_suffix(".pub").read_text())
        (folder / "known_hosts").write_text("".join(host.known_host() for host in made))
        yield made, key
    finally:
        for host in made:
            host.remove()


def unfit(host: NamespaceHost, program: str) -> None:
    """Takes a program away from a host that is not started."""
    found = shutil.which(program)
    assert found
    host.hidden.append(Path(found))
