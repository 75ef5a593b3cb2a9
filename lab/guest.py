# SPDX-License-Identifier: Apache-2.0
"""One boot of one kernel under QEMU's TCG emulator, from start to power-off."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab import console, tools
from lab.stream import Line, Parser

# Seconds of wall clock until a guest counts as hung; a boot takes under ten.
BOOT_LIMIT_SECONDS = 180
MEMORY_MIB = 640

# One instruction is one nanosecond of guest time, and so one tick of its TSC; the clock
# starts at the same moment in each boot.
_ICOUNT = ["-icount", "shift=0,align=off,sleep=off", "-rtc", "clock=vm,base=2026-01-01"]

# The host's time: slow, but the alarm clock goes on while the guest sleeps.
_REAL_TIME = ["-rtc", "clock=host,base=2026-01-01"]


@dataclass(frozen=True)
class Machine:
    """What to boot. Paths are on the host."""

    kernel: Path
    initrd: Path
    cpu: str
    cmdline: str
    memory_mib: int = MEMORY_MIB
    cpus: int = 1
    observer: Path | None = None  # the TCG plugin that counts from outside
    limit_seconds: float = BOOT_LIMIT_SECONDS
    icount: bool = True  # else time is the host's, which goes on while a guest sleeps
    share: Path | None = None  # a folder that the guest can read, by 9p under the tag "share"


@dataclass
class Outcome:
    """How a boot ended, and what came out of it beside the lines."""

    problem: str | None = None  # why it is no good boot, in one line
    files: Path | None = None  # tar archives, one behind the other
    windows: Path | None = None  # what the observer saw
    unread: list[str] = field(default_factory=list)  # lines that were neither record nor event


def takes_plugins(qemu_help: str) -> bool:
    """Whether a QEMU was built with TCG plugins, by what its -help prints."""
    return "-plugin" in qemu_help


def command(machine: Machine, folder: Path, stream_fd: int) -> list[str]:
    """QEMU's command line: console, stream and files as channels of their own."""
    words = [
        tools.find("qemu-system-x86_64", "qemu-system-x86"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", "q35", "-accel", "tcg", "-cpu", machine.cpu, "-smp", f"{machine.cpus}"),
        *("-m", f"{machine.memory_mib}", *(_ICOUNT if machine.icount else _REAL_TIME)),
        *("-kernel", str(machine.kernel), "-initrd", str(machine.initrd)),
        # panic=-1 resets at once, and -no-reboot makes a reset the end of QEMU
        *("-append", f"console=ttyS0 panic=-1 {machine.cmdline}".strip()),
        *("-chardev", f"file,id=console,path={_escaped(folder / 'console.log')}", "-serial", "chardev:console"),
        *("-add-fd", f"fd={stream_fd},set=1"),
        *("-device", "virtio-serial-pci"),
        *("-chardev", "file,id=stream,path=/dev/fdset/1,append=on"),
        *("-device", "virtserialport,chardev=stream,name=stream"),
        *("-chardev", f"file,id=files,path={_escaped(folder / 'files.tar')}"),
        *("-device", "virtserialport,chardev=files,name=files"),
    ]
    if machine.observer:
        words += ["-plugin", f"{_escaped(machine.observer)},out={_escaped(folder / 'windows.jsonl')}"]
    if machine.share:
        # remap: the folder may hold mounts of several devices, whose inode numbers would clash
        words += ["-virtfs", f"local,path={_escaped(machine.share)},mount_tag=share,security_model=none,readonly=on,multidevs=remap"]
    return words


def boot(machine: Machine, folder: Path, on_line: Callable[[Line], None]) -> Outcome:
    """Boots, calls on_line for each line as it comes, and returns when the guest is gone.

    folder gets console.log and, until the caller has taken them, files.tar and windows.jsonl.
    Whatever happens, no QEMU is left behind.
    """
    parser = Parser()
    done = timed_out = False
    read_fd, write_fd = os.pipe()
    process = None
    try:
        process = subprocess.Popen(
            command(machine, folder, write_fd),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[write_fd],
            start_new_session=True,  # Ctrl-C is ours to handle
            preexec_fn=tools.die_with_parent,
        )
        os.close(write_fd)
        write_fd = -1
        for data in _chunks(read_fd, process, machine.limit_seconds):
            if data is None:
                timed_out = True
                process.kill()
                break
            for line in parser.feed(data):
                done |= bool(line.event and line.event["event"] == "done")
                on_line(line)
    finally:
        if process is not None:
            _end(process)
        for fd in (read_fd, write_fd):
            if fd >= 0:
                os.close(fd)

    log = _text(folder / "console.log")
    outcome = Outcome(unread=parser.broken, files=_existing(folder / "files.tar"), windows=_existing(folder / "windows.jsonl"))
    if timed_out:
        outcome.problem = f"hung: no end after {machine.limit_seconds:.0f} s"
    elif not done:
        outcome.problem = _why_ended(process, log)
    elif console.unexpected_splats(log):
        outcome.problem = f"the kernel complained: {console.unexpected_splats(log)[0]}"
    return outcome


def _chunks(fd: int, process: subprocess.Popen, limit_seconds: float):
    """Data from the stream until QEMU closes it; None once the time is up."""
    deadline = time.monotonic() + limit_seconds
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if time.monotonic() > deadline:
                yield None
                return
            if selector.select(timeout=0.2):
                data = os.read(fd, 1 << 16)
                if not data:
                    return
                yield data


def _end(process: subprocess.Popen) -> None:
    """Waits for a QEMU that is leaving (it closes its channels first), and kills one that is not."""
    leaving = sys.exc_info()[0] is None
    try:
        process.wait(timeout=5 if leaving else 0)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


def _why_ended(process: subprocess.Popen, log: str) -> str:
    panic = console.panic(log)
    if panic:
        return f"kernel panic: {panic}"
    if process.returncode < 0:
        return f"QEMU was ended by {signal.Signals(-process.returncode).name}"
    if process.returncode > 0:
        said = (process.stderr.read().decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        return f"QEMU: {said}"
    return "the guest reset or powered off before its job was done"


def _escaped(path: Path) -> str:
    """For QEMU's option syntax, in which a comma ends a value."""
    return str(path).replace(",", ",,")


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None
