# SPDX-License-Identifier: Apache-2.0
"""One boot of a prepared variant into the campaign: records as they come, then the files it hands
out.
"""

import json
import tarfile
from pathlib import Path

from lab.campaign import store
from lab.core.errors import KmapbenchError, Refused
from lab.core.progress import Display
from lab.vm import build_id, console, image, qemu
from lab.vm.image import Prepared
from lab.workloads.micro import Work


class LabBoot:
    """Runs from when it is made until end() or interrupt()."""

    def __init__(
        self,
        kept: store.Boot,
        one: Prepared,
        work: Work,
        plugin: Path | None,
        scratch: Path,
        display: Display,
    ):
        self._kept, self._one, self._work, self._display = kept, one, work, display
        self._advanced = 0.0  # of the boot, as the display has it
        self._sections: dict[str, int] = {}
        self._making: str | None = None  # the case being measured, if any
        self._step_failures: list[str] = []
        self._load_failed = False
        self._other_kernel: str | None = None  # how it differs from the one that was to be booted
        self._no_case = False  # kmap_bench says that it has none of those that were asked for
        self.name = f"{kept.variant}, boot {kept.number}"
        self.console = kept.folder / "console.log"
        self.set_aside = kept.set_aside
        self.failed_oracles: list[str] = []
        self.failed_control: str | None = None
        self._initrd = image.initrd(
            one, work.text(kept), scratch / f"{kept.variant}-{kept.number}.initrd"
        )
        self._machine = image.machine(one, self._initrd, plugin if work.observed else None)
        self._look_for_kernel()
        display.say(f"{self.name}: starting")
        display.begin(kept.variant, self.name)
        self.guest = qemu.Guest(self._machine, kept.folder, self._on_line)

    def interrupt(self, reason: str) -> None:
        """Ends it before its time."""
        self.guest.kill()
        self._kept.interrupt(reason)

    def end(self) -> str | None:
        """Keeps what a guest that is gone has left; why that was no good boot, in one line, or
        None.
        """
        outcome = self.guest.finish()
        self._display.end(self._kept.variant, self.name, keep=outcome.problem is None)
        self._initrd.unlink()
        self._look_for_kernel()
        self.failed_oracles = self._kept.failed_oracles()
        self.failed_control = self._kept.failed_control()
        # kmap_bench ends with 1 for a failed oracle or control, too: then the records say more than
        # the step.
        said = self.failed_oracles or self.failed_control
        problem = outcome.problem or (
            self._step_failures[0] if self._step_failures and not said else None
        )
        if problem is None and outcome.unread:
            problem = f"the guest sent what is neither record nor event: {outcome.unread[0][:60]}"
        handed_out = {}
        if outcome.files:
            handed_out = read_archives(outcome.files)
            self._keep_files(handed_out)
            outcome.files.unlink()
        if self._other_kernel:
            raise self._other_kernel_ran(self._other_kernel)
        if self._load_failed:
            why = (
                console.module_refusal(self.console.read_text(errors="replace"))
                or "the kernel does not say why"
            )
            self._kept.end(f"the module was not loaded: {why}")
            raise Refused(f"{self.name}: the module was not loaded: {why}; see {self.console}")
        if self._no_case and (nothing := self._work.nothing()):
            self._kept.end(str(nothing))
            raise nothing
        if problem:
            self._crashed(problem)
        if outcome.windows:
            self._kept.append_paths(
                self._work.paths(self._kept, handed_out, outcome.windows, self._one, self._sections)
            )
            outcome.windows.unlink()
        self._kept.end(problem)
        self._advance(1)
        return problem

    def _other_kernel_ran(self, how: str) -> KmapbenchError:
        """What ends the run: no boot of this kernel will be another one."""
        self._kept.end(f"another kernel was booted: {how}")
        built, kept = self._one.variant.built, self._one.kernel.folder
        return KmapbenchError(
            f"{self.name}: the kernel that ran is not the one that was built: {how};"
            + (f" run make for {built}, to its end" if built else f" delete {kept} to get it anew")
        )

    def _crashed(self, problem: str) -> None:
        """Of the case being measured, if any."""
        if self._making:
            self._kept.append_crashed(self._making, "icount", problem, self._console_tail())
        self._making = None

    def _look_for_kernel(self) -> None:
        """Whatever else a boot says, without its kernel in the cache it cannot be read."""
        if not self._one.kernel.symbols.parent.is_dir():
            self._kept.interrupt("its kernel is gone from the cache")
            raise KmapbenchError(
                f"{self._one.kernel.folder}: gone from the cache while it was in use; run --resume"
                " gets it again and goes on"
            )

    def _console_tail(self) -> list[str]:
        return (
            console.tail(self.console.read_text(errors="replace")) if self.console.exists() else []
        )

    def _on_line(self, line) -> None:
        if line.record:
            self._kept.append(line.record)
            self._making = None
            return
        event = line.event
        if event["event"] == "kernel":
            self._other_kernel = build_id.difference(
                self._one.kernel.release,
                self._one.kernel.vmlinux,
                event["release"],
                bytes.fromhex(event["notes"]),
            )
        elif event["event"] == "case":
            self._making = event["name"]
            self._display.detail(f"{self.name}: {event['name']}")
        elif event["event"] == "begin":
            self._advance(self._work.share_done(event["step"]))
            if case := self._work.case_of(event["step"]):
                self._making = case
                self._display.detail(f"{self.name}: {case}")
        elif event["event"] == "sent":
            self._making = None
            self._work.keep(self._kept, read_archives(self.guest.files))
        elif event["event"] == "unfit":
            self._step_failures.append(f"{event['job']}: {event['reason']}")
        elif event["event"] == "no_case":
            self._no_case = True
        elif event["event"] == "section":
            self._sections[event["name"]] = int(event["address"], 16)
        elif event["event"] == "end" and event["code"] != 0:
            self._on_failure(event)

    def _on_failure(self, event: dict) -> None:
        """Of a step."""
        if event["step"] == "load":
            self._load_failed = True
        else:
            self._step_failures.append(f"step {event['step']} ended with {event['code']}")
            if self._work.case_of(event["step"]):
                self._crashed(self._step_failures[-1])

    def _advance(self, share: float) -> None:
        """Tells the display how much of the boot is done."""
        self._display.advance(max(0, share - self._advanced))
        self._advanced = max(share, self._advanced)

    def _keep_files(self, handed_out: dict[str, bytes]) -> None:
        """What the guest handed out: environment.json with the emulator's part, the rest as the
        work has it.
        """
        self._work.keep(self._kept, handed_out)
        if "environment.json" in handed_out:
            value = json.loads(handed_out["environment.json"])
            value["emulator"] = {
                "cpu": self._machine.cpu,
                "memory_mib": self._machine.memory_mib,
                "observed": self._machine.observer is not None,
            }
            self._kept.write_environment(value, self._one.kernel.config)


def read_archives(path: Path) -> dict[str, bytes]:
    """Regular files in tar archives that stand one behind the other, by name; a torn end is left
    out.
    """
    contents = {}
    try:
        with tarfile.open(path, ignore_zeros=True) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file:
                    contents[member.name] = file.read()
    except (tarfile.TarError, EOFError):
        pass
    return contents
