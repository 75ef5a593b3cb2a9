# SPDX-License-Identifier: Apache-2.0
"""One boot of one kernel under QEMU's TCG emulator, from start to power-off."""

import fcntl
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab.core import subprocesses
from lab.core.event_stream import Line, Parser
from lab.kernels.variant import BOOT_LIMIT_SECONDS, MEMORY_MIB
from lab.vm import console

# A guest is hung after its limit in seconds of QEMU's own CPU time, since wall time depends on the
# load of this machine, or after IDLE_FACTOR times as much wall time if it is idle.
IDLE_FACTOR = 4

POLL_SECONDS = 0.2

# One instruction is one nanosecond of guest time, and so one tick of its TSC; the clock
# starts at the same moment in each boot.
_ICOUNT = ["-icount", "shift=0,align=off,sleep=off", "-rtc", "clock=vm,base=2026-01-01"]

# The host's time: slow, but the alarm clock goes on while the guest sleeps.
_REAL_TIME = ["-rtc", "clock=host,base=2026-01-01"]


# QEMU does not wait for a reader: a guest that powers off while the pipe is full loses its last
# lines. So the pipe holds all that a boot says (600 KB with all cases) while we are busy with
# another guest; more than this only root may ask for.
_STREAM_BYTES = 1 << 20


COMPLAINED = "the kernel complained"  # how the problem of a boot with splats begins


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
    # CPUs take turns in one thread of the host, as they do under icount: then each of them executes
    # at once what another one has patched.
    interleaved: bool = False
    share: Path | None = None  # a folder that the guest can read, by 9p under the tag "share"
    monitor: int | None = None  # a connected socket, through which QEMU speaks QMP
    nvdimm: Path | None = (
        None  # a file that is the guest's persistent memory, in raw mode, and outlives it
    )


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


def _cmdline(machine: Machine) -> str:
    """The kernel's. By the host's time Linux gives its timer ten ticks to show that it works, else
    it panics: too few where the host has other work.
    """
    timer = None if machine.icount else "no_timer_check"
    return " ".join(filter(None, ("console=ttyS0 panic=-1", timer, machine.cmdline)))


def command(machine: Machine, folder: Path, stream_fd: int) -> list[str]:
    """QEMU's command line: console, stream and files as channels of their own."""
    words = [
        subprocesses.find("qemu-system-x86_64", "qemu-system-x86"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-accel", "tcg,thread=single" if machine.interleaved else "tcg"),
        *("-cpu", machine.cpu, "-smp", f"{machine.cpus}"),
        *_memory(machine),
        *(_ICOUNT if machine.icount else _REAL_TIME),
        *("-kernel", str(machine.kernel), "-initrd", str(machine.initrd)),
        # panic=-1 resets at once, and -no-reboot makes a reset the end of QEMU
        *("-append", _cmdline(machine)),
        *(
            "-chardev",
            f"file,id=console,path={_escaped(folder / 'console.log')}",
            "-serial",
            "chardev:console",
        ),
        *("-add-fd", f"fd={stream_fd},set=1"),
        *("-device", "virtio-serial-pci"),
        *("-chardev", "file,id=stream,path=/dev/fdset/1,append=on"),
        *("-device", "virtserialport,chardev=stream,name=stream"),
        *("-chardev", f"file,id=files,path={_escaped(folder / 'files.tar')}"),
        *("-device", "virtserialport,chardev=files,name=files"),
    ]
    if machine.observer:
        words += [
            "-plugin",
            f"{_escaped(machine.observer)},out={_escaped(folder / 'windows.jsonl')}",
        ]
    if machine.monitor is not None:
        words += ["-chardev", f"socket,id=monitor,fd={machine.monitor}"]
        words += ["-mon", "chardev=monitor,mode=control"]
    if machine.share:
        # remap: the folder may hold mounts of several devices, whose inode numbers would clash
        words += [
            "-virtfs",
            f"local,path={_escaped(machine.share)},mount_tag=share,security_model=none,readonly=on,"
            "multidevs=remap",
        ]
    return words


def _memory(machine: Machine) -> list[str]:
    """Of what kind, and how much of which."""
    if not machine.nvdimm:
        return ["-machine", "q35", "-m", f"{machine.memory_mib}"]
    size = machine.nvdimm.stat().st_size
    return [
        *(
            "-machine",
            "q35,nvdimm=on",
            "-m",
            f"{machine.memory_mib},slots=1,maxmem={machine.memory_mib + (size >> 20)}M",
        ),
        *(
            "-object",
            f"memory-backend-file,id=nvdimm,share=on,size={size},"
            f"mem-path={_escaped(machine.nvdimm)}",
        ),
        *("-device", "nvdimm,memdev=nvdimm"),
    ]


class Guest:
    """A guest from QEMU's start until it is gone. Several can run side by side: fileno() is for a
    selector.

    folder gets console.log and, until the caller has taken them, files.tar and windows.jsonl.
    Whoever makes one calls finish() or kill(), so that no QEMU is left behind.
    """

    def __init__(self, machine: Machine, folder: Path, on_line: Callable[[Line], None]):
        """Starts QEMU; on_line is called for each line that read() takes in."""
        self._machine, self._folder, self._on_line = machine, folder, on_line
        self.files = folder / "files.tar"  # what the guest has handed out so far
        self._parser = Parser()
        self._done = self._hung = False
        self._started = time.monotonic()
        self._stream, write_fd = os.pipe()
        fcntl.fcntl(self._stream, fcntl.F_SETPIPE_SZ, _STREAM_BYTES)
        try:
            self._process = subprocess.Popen(
                subprocesses.ended_with_us(command(machine, folder, write_fd)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[write_fd] if machine.monitor is None else [write_fd, machine.monitor],
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        except BaseException:
            os.close(self._stream)
            raise
        finally:
            os.close(write_fd)

    def fileno(self) -> int:
        """Readable when there is something for read()."""
        return self._stream

    def read(self) -> bool:
        """Takes in what has come, and waits where nothing has; False once QEMU has closed
        its end.
        """
        data = os.read(self._stream, 1 << 16)
        for line in self._parser.feed(data):
            self._done |= bool(line.event and line.event["event"] == "done")
            self._on_line(line)
        return bool(data)

    def end_if_hung(self) -> None:
        """Kills a guest that has had more time than any job takes."""
        limit = self._machine.limit_seconds
        waited = time.monotonic() - self._started
        if not self._hung and (
            _cpu_seconds(self._process.pid) > limit or waited > limit * IDLE_FACTOR
        ):
            self._hung = True
            self._process.kill()

    def finish(self) -> Outcome:
        """Waits for a QEMU that is leaving (it closes its channels first), and says how it
        ended.
        """
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()
        log = _text(self._folder / "console.log")
        outcome = Outcome(
            unread=self._parser.broken,
            files=_existing(self.files),
            windows=_existing(self._folder / "windows.jsonl"),
        )
        if self._hung:
            outcome.problem = f"hung: no end after {self._machine.limit_seconds:.0f} s"
        elif not self._done:
            outcome.problem = _why_ended(self._process.returncode, self._said, log)
        elif console.unexpected_splats(log):
            outcome.problem = f"{COMPLAINED}: {console.unexpected_splats(log)[0]}"
        return outcome

    def kill(self) -> None:
        """Ends QEMU, if it is still there."""
        self._process.kill()
        self._said = self._process.communicate()[1].decode(errors="replace")
        os.close(self._stream)


def boot(machine: Machine, folder: Path, on_line: Callable[[Line], None]) -> Outcome:
    """Boots one guest, calls on_line for each line as it comes, and returns when the
    guest is gone.
    """
    guest = Guest(machine, folder, on_line)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(guest, selectors.EVENT_READ)
            while not selector.select(POLL_SECONDS) or guest.read():
                guest.end_if_hung()
    except BaseException:
        guest.kill()
        raise
    return guest.finish()


def _cpu_seconds(pid: int) -> float:
    """What a process has used so far, its threads and system calls included (proc(5): fields 14 and
    15 of stat).
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _why_ended(code: int, said: str, log: str) -> str:
    panic = console.panic(log)
    if panic:
        return f"kernel panic: {panic}"
    if code < 0:
        return f"QEMU was ended by {signal.Signals(-code).name}"
    if code > 0:
        return f"QEMU: {(said.strip().splitlines() or ['no message'])[-1]}"
    return "the guest reset or powered off before its job was done"


def _escaped(path: Path) -> str:
    """For QEMU's option syntax, in which a comma ends a value."""
    return str(path).replace(",", ",,")


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None
