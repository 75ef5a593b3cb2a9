# SPDX-License-Identifier: Apache-2.0
"""A machine of the emulator with a disk (debian_disk.py): it starts from it by GRUB, reboots as
often as it is told to, has persistent memory, PKS and a hardware watchdog, and no network.

    with debian_machine.Machine(disk, tmp_path) as machine:
        machine.wait_until_up()
        assert machine.run("uname -r") == "6.12.117-plain"
        machine.send("systemctl reboot")
        machine.wait_until_up()          # of the next boot
        machine.cut_power()              # or power_off(), which shuts it down
    with debian_machine.Machine(disk, tmp_path) as machine:      # and on again

Emulated by TCG: a boot takes half a minute to two, and all that a guest does is some twenty times
slower than on this machine.
"""

import re
import select
import socket
import subprocess
import time
from pathlib import Path

from lab.core import subprocesses

BOOT_SECONDS = 600  # until a boot counts as hung, on a machine that has other work, too
COMMAND_SECONDS = 600

MEMORY_MIB = 2048  # debian_disk.CMDLINE names places in it

_ANSWER = r"\d+ ended with \d+"  # the last line of what a command says

_LEFT_SECONDS = 1.0  # between looks at a QEMU that is leaving


class Ended(Exception):
    """The machine is off, or does not answer."""


class Machine:
    """From being switched on until it is off. What its first serial port says, GRUB's and the
    kernel's messages, is appended to console.log in the folder.
    """

    def __init__(
        self,
        disk: Path,
        folder: Path,
        cpu: str = "max",
        cpus: int = 1,
        kernel: tuple[Path, str] | None = None,
        more: tuple[str, ...] = (),
    ):
        """disk: raw; it is written to. cpu: QEMU's -cpu, as max,-pks. kernel: is started in place
        of GRUB, each time: its bzImage and command line. more: options of QEMU.
        """
        self.console = folder / "console.log"
        self._seen = self.console.stat().st_size if self.console.exists() else 0
        ours, theirs = socket.socketpair()
        words = [
            subprocesses.find("qemu-system-x86_64", "qemu-system-x86"),
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *("-machine", "q35", "-accel", "tcg", "-cpu", cpu, "-smp", f"{cpus}"),
            *("-m", f"{MEMORY_MIB}", "-nic", "none"),
            *("-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"),
            *("-device", "i6300esb", "-action", "watchdog=reset"),
            *("-chardev", f"file,id=console,path={self.console},append=on"),
            *("-serial", "chardev:console"),
            *("-chardev", f"socket,id=shell,fd={theirs.fileno()}", "-serial", "chardev:shell"),
            *more,
        ]
        if kernel:
            words += ["-kernel", str(kernel[0]), "-append", f"root=/dev/vda1 {kernel[1]}"]
        self._shell = ours
        self._sent = 0  # lines
        self._text = b""  # of the shell, which nobody has asked for yet
        self._process = subprocess.Popen(
            subprocesses.ended_with_us(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_power()

    @property
    def is_on(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        """What the first serial port has said since this machine was switched on."""
        with self.console.open("rb") as file:
            file.seek(self._seen)
            return file.read().decode(errors="replace")

    def kernels(self) -> list[str]:
        """The release of each kernel that has started since then, in order."""
        return re.findall(r"Linux version (\S+) \(", self.said())

    def wait_until_up(self, seconds: float = BOOT_SECONDS) -> None:
        """Until the shell of the next boot waits for commands, which is when multi-user.target is
        reached. Ended: it does not come, or the machine is off.
        """
        self._read_until(rb"^ready\r?\n", seconds)

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> str:
        """What a line of shell prints, on either stream, without blanks around it. An
        AssertionError has that where it ends with another code than 0; Ended: the machine has
        started again meanwhile, and is up.
        """
        self.send(command)
        text = self._read_until(rb"^(%d ended with \d+|ready|again)\r?\n" % self._sent, seconds)
        *before, last = text.replace("\r", "").split("\n")
        if last == "again":
            return self.run(command, seconds)
        if last == "ready":
            self._text = b"ready\n" + self._text  # for wait_until_up()
            raise Ended(f"{command}: the machine has started again")
        # Answers to earlier lines, which were given up, come first.
        others = [at for at, line in enumerate(before, 1) if re.fullmatch(_ANSWER, line)]
        said = "\n".join(before[max(others, default=0) :]).strip()
        code = int(last.rpartition(" ")[2])
        assert code == 0, f"{command}: ended with {code}: {said}"
        return said

    def send(self, command: str) -> None:
        """The same without waiting for its end: what makes the machine reboot or crash."""
        assert "\n" not in command, "the shell takes lines"
        self._sent += 1
        self._shell.sendall(f"run {self._sent} {command}\n".encode())

    def power_off(self, seconds: float = BOOT_SECONDS) -> None:
        """Shuts it down, and waits until it is off."""
        self.send("systemctl poweroff")
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Ended(f"not off after {seconds:.0f} s; {self._last_words()}") from None

    def cut_power(self) -> None:
        """Off at once, if it is on: what the guest has not written to its disk is lost."""
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        self._shell.close()

    def _read_until(self, end: bytes, seconds: float) -> str:
        """What the shell says up to the end of a line that matches, without the line break."""
        pattern = re.compile(end, re.MULTILINE)
        until = time.monotonic() + seconds
        while not (match := pattern.search(self._text)):
            left = until - time.monotonic()
            if left <= 0:
                raise Ended(f"no answer in {seconds:.0f} s; {self._last_words()}")
            if not select.select([self._shell], [], [], min(left, _LEFT_SECONDS))[0]:
                continue
            data = self._shell.recv(1 << 16)
            if not data:
                raise Ended(f"the machine is off; {self._last_words()}")
            self._text += data
        text, self._text = self._text[: match.end()], self._text[match.end() :]
        return text.decode(errors="replace").rstrip()

    def _last_words(self) -> str:
        return f"its console ends with {self.said()[-500:]!r}"
