# SPDX-License-Identifier: Apache-2.0
"""A machine in a folder, with GRUB, systemd and three kernels, that can be started, killed and left
without power; what is measured in a boot is a stand-in.

    python3 -m lab.tests.support.stand_in_reboots ROOT start|go-on|cancel|resume ...

is kmapbench on that machine; class Machine is its hardware, firmware and boot loader.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from lab import cli
from lab.campaign import bare_record, safe_files, store
from lab.core import bench_command
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.host import running_kernel
from lab.kernels import module_build
from lab.reboots import campaign_command, crash_evidence, reboot_plan, reboot_preflight, reboot_unit
from lab.reboots.boot_loader import ADDED
from lab.reboots.real_machine import RealMachine
from lab.run import host_steps, manifest, option, runner
from lab.tests.support.machine import CONFIGURED, tree

FIRST = "6.1.0-distribution"
KERNELS = {"plain": "6.12.1-plain", "off": "6.12.1-off", "protected": "6.12.1-protected"}
CASES = ("kernel/one", "kernel/two", "user/three")
# Of a boot's own making: the first kernel has these parameters, and each other one too.
USUAL = "root=UUID=1234 ro quiet"

_ENTRY = """menuentry 'Linux {release}' --class debian $menuentry_id_option 'x-{release}' {{
\tload_video
\tinsmod ext2
\techo\t'Loading Linux {release} ...'
\tlinux\t/boot/vmlinuz-{release} {usual} {more}
\tinitrd\t/boot/initrd.img-{release}
}}
"""
_HEAD = """if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
fi
set timeout=5
"""
_TAIL = (
    "if [ -f  ${config_directory}/custom.cfg ]; then\n  source ${config_directory}/custom.cfg\nfi\n"
)

_SYSTEMCTL = """#!/bin/sh
echo "$@" >>"{root}/systemctl.log"
if [ "$1" = reboot ] && [ -e "{root}/inhibited" ]; then
	echo "Operation inhibited by package manager" >&2
	exit 1
fi
case "$1" in
reboot | kexec) touch "{root}/restarting" ;;
enable) mkdir -p "{wants}" && ln -sf "{unit}" "{wants}/" ;;
disable) rm -f "{wants}/{name}" ;;
esac
"""
# Behind what a kernel dies of come its registers, its stack and its modules.
_TRACE = "".join(f"<4> function_{number}+0x1/0x2\n" for number in range(60))

_EDITENV = """#!/bin/sh
sed -i '/^next_entry=/d' "$1"
case "$2" in set) echo "$3" >>"$1" ;; esac
"""


class Machine:
    """Its hardware. What it measures badly is told by `troubles`: by NAME:BOOT:TRY, panic, power,
    hang (in the measurement), killed (of kmapbench alone), odd (a mistake of ours), or absent (the
    kernel does not come up).
    """

    def __init__(self, root: Path, troubles: dict[str, str] | None = None):
        self.root = root
        self.programs = root / "programs"
        self.boots: list[str] = []  # releases, in the order in which they came up
        files = {
            "boot/grub/grub.cfg": _HEAD
            + "".join(
                _ENTRY.format(release=release, usual=USUAL, more=more)
                for release in (FIRST, *KERNELS.values())
                for more in ("", "single")
            )
            + _TAIL,
            "boot/grub/grubenv": "# GRUB Environment Block\n",
            "proc/self/mountinfo": "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
            "proc/modules": "",
            "proc/uptime": "100.0 100.0\n",
            "proc/stat": "cpu 1 0 1 1000 0 0 0 0 0 0\n",
            "run/systemd/system/any": "",
            "troubles": json.dumps(troubles or {}),
        }
        for release in (FIRST, *KERNELS.values()):
            build = f"lib/modules/{release}/build"
            files[f"boot/vmlinuz-{release}"] = "an image"
            files[f"boot/config-{release}"] = ""
            files[f"{build}/Makefile"] = ""
            files[f"{build}/.config"] = CONFIGURED
        for name in ("off", "protected"):
            files[f"boot/config-{KERNELS[name]}"] = "# CONFIG_DEVMAP_ACCESS_PROTECTION is not set\n"
        tree(root, files)
        unit = reboot_unit.path(root)
        unit.parent.mkdir(parents=True)
        wants = unit.parent / "multi-user.target.wants"
        self._program(
            "systemctl",
            _SYSTEMCTL.format(root=root, wants=wants, unit=unit, name=reboot_unit.NAME),
        )
        self._program("grub-editenv", _EDITENV)
        self._program("journalctl", "#!/bin/sh\n")
        self._enabled = wants / reboot_unit.NAME
        self._come_up(FIRST, USUAL)

    def _program(self, name: str, text: str) -> None:
        self.programs.mkdir(exist_ok=True)
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def _come_up(self, release: str, command_line: str) -> None:
        tree(
            self.root,
            {
                "proc/sys/kernel/random/boot_id": f"{uuid.uuid4()}\n",
                "proc/sys/kernel/osrelease": f"{release}\n",
                "proc/cmdline": f"BOOT_IMAGE=/boot/vmlinuz-{release} {command_line}\n",
            },
        )
        for mark in ("restarting", "down"):
            (self.root / mark).unlink(missing_ok=True)
        self.boots.append(release)

    def power_on(self) -> None:
        """Firmware, GRUB, and the kernel that it chooses; a kernel that is absent panics, and the
        machine starts again.
        """
        environment = self.root / "boot/grub/grubenv"
        found = re.search(r"^next_entry=(\S+)$", environment.read_text(), re.MULTILINE)
        if found:  # GRUB takes it back so
            environment.write_text("# GRUB Environment Block\nnext_entry=\n")
        custom = self.root / "boot/grub/custom.cfg"
        entries = custom.read_text() if custom.exists() else ""
        default = "kmapbench-first" if "set default=kmapbench-first" in entries else None
        chosen = found[1] if found else default
        if chosen is None:
            self._come_up(FIRST, USUAL)
            return
        entry = re.search(
            rf"^menuentry .* --id {re.escape(chosen)} {{\n(.*?)\n}}$", entries, re.M | re.S
        )
        assert entry, f"GRUB has no entry {chosen}"
        line = re.search(r"linux\s+/boot/vmlinuz-(\S+) (.*)$", entry[1], re.MULTILINE)
        assert line and "single" not in line[2].split(), entry[1]
        name = chosen.removeprefix("kmapbench-kernel-")
        if self._trouble(name) == "absent":
            assert ADDED in line[2], "the machine would stay in its panic"
            self.power_on()
        else:
            self._come_up(line[1], line[2])

    def _trouble(self, name: str) -> str:
        """Of the boot that is asked for now."""
        try:
            folder = reboot_unit.campaign_folder(self.root)
            state = json.loads((folder / "reboots.json").read_text()) if folder else {}
        except FileNotFoundError:
            return ""
        coming = state.get("next_boot") or {}
        key = f"{name}:{coming.get('boot')}:{coming.get('tries', 0) + 1}"
        troubles = json.loads((self.root / "troubles").read_text())
        return troubles.get(key, troubles.get(f"{name}:*", ""))

    @property
    def has_unit(self) -> bool:
        """Whether systemd starts our unit in a boot."""
        return self._enabled.exists()

    def run(self, *words: str) -> subprocess.Popen:
        """kmapbench on this machine."""
        variables = os.environ | {"PATH": f"{self.programs}:{os.environ['PATH']}"}
        return subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(self.root), *words],
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run_unit(self) -> subprocess.Popen:
        """What systemd starts: the unit's own command."""
        text = reboot_unit.path(self.root).read_text()
        folder = re.search(r"^ExecStart=.* campaign --go-on (\S+) --no-install$", text, re.M)
        assert folder
        return self.run("go-on", folder[1])

    def live(self, most: int = 200) -> str:
        """Goes on from boot to boot until nothing goes on any more; all that was said."""
        said = []
        for _ in range(most):
            if self.has_unit:
                process = self.run_unit()
                said.append(process.communicate(timeout=60)[0])
                if process.returncode == -signal.SIGKILL and not self.is_down:
                    continue  # as Restart=on-abnormal has it
            if not (self.root / "restarting").exists() and not self.is_down:
                return "".join(said)
            self.power_on()
        raise AssertionError("it goes on for ever")

    @property
    def is_down(self) -> bool:
        """Whether it has died in the middle of a boot."""
        return (self.root / "down").exists()

    def leftovers(self) -> list[str]:
        """What a campaign has written outside of its folder and is still there."""
        custom = self.root / "boot/grub/custom.cfg"
        places = [reboot_unit.path(self.root), self._enabled, custom]
        left = [str(place) for place in places if place.is_symlink() or place.exists()]
        environment = self.root / "boot/grub/grubenv"
        return left + ["next_entry"] * ("next_entry" in environment.read_text())


def _measure(machine: RealMachine, boot: store.Boot, note_cases) -> str | None:
    """A stand-in for BootMeasurement."""
    making: list[str] = []
    troubles = json.loads((machine.root / "troubles").read_text())
    tries = boot._step["try"]
    any_try = troubles.get(f"{boot.variant}:*", "")
    trouble = troubles.get(f"{boot.variant}:{boot.number}:{tries}", any_try)

    def measure() -> None:
        note_cases(list(CASES))
        for number, case in enumerate(CASES):
            making[:] = [case]
            if number == 1 and trouble in ("panic", "power"):
                _go_down(machine.root, trouble)
            if trouble == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if trouble == "odd":
                raise ValueError("planted")
            time.sleep(0.002)
            boot.append(
                bare_record.record_without_samples(
                    case, boot.variant, boot.number, "tsc", status="ok", ops=1, cost=1.0 + number
                )
            )
            making.clear()

    return host_steps.run_step(boot, boot.variant, making, measure)


def _fail(path: Path, _: object) -> None:
    raise KmapbenchError(f"{path}: No space left on device")


def _go_down(root: Path, how: str) -> None:
    if how == "panic":
        tree(root, {"sys/fs/pstore/dmesg-0": "<0>Kernel panic - not syncing: planted\n" + _TRACE})
    (root / "down").touch()
    os.kill(os.getpid(), signal.SIGKILL)


def main(root: Path, command: str, arguments: list[str]) -> int:
    """A command on the machine below a root folder."""
    machine = RealMachine(root)
    os.geteuid = lambda: 0  # whoever runs the test: it is root of this machine
    running_kernel.needs = lambda *_: None
    module_build.build = lambda *_: None
    manifest.program = lambda _: {"commit": "x", "dirty": False, "kmap_bench": "x"}
    manifest.tools_of_host = lambda has_fio: {}
    runner.write_report = lambda *_, **__: subprocess.CompletedProcess([], 0, "", "")
    bench_command.built = lambda: root / "kmap_bench"
    campaign_command.BootMeasurement = lambda *_: lambda boot, note: _measure(machine, boot, note)
    crash_evidence._JOURNAL_LINES = 3
    if (root / "full").exists():
        safe_files.write_json = _fail

    def work() -> int:
        if command in ("start", "check"):
            words = ["--kernels", ",".join(KERNELS), *arguments]
            given = cli.parser().parse_args(["campaign", *words])
            given.given = words
            plan = reboot_plan.from_arguments(given)
            reboot_preflight.check_machine(plan, machine)
            return 0 if command == "check" else campaign_command.start(plan, machine)
        if command == "go-on":
            return campaign_command.go_on(Path(arguments[0]), root, machine)
        if command == "resume":
            folder = Path(arguments[0])
            said = option.read_plan_file(folder / "plan.toml", reboot_plan.PLANNED)
            return campaign_command.resume(folder, reboot_plan.from_said(said), machine)
        return campaign_command.cancel(machine)

    return cli.guarded(work)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
