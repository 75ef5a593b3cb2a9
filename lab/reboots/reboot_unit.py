# SPDX-License-Identifier: Apache-2.0
"""The systemd unit that goes on with a campaign after each boot, and that names it meanwhile."""

import os
import re
from pathlib import Path

from formats.cache_folder import cache_path
from formats.known_names import USER_VARIABLES
from lab.campaign import safe_files
from lab.core import subprocesses
from lab.core.dirs import ROOT, build_dir
from lab.reboots.real_machine import RealMachine

NAME = "kmapbench-campaign.service"
# What runs it has so long to end when the machine goes down or the campaign is cancelled.
_STOP_SECONDS = 90

_PLAIN = re.compile(r"[\w./:=@+,-]+", re.ASCII)

_TEXT = """\
# Written by kmapbench campaign, which removes it at the end. To end it: kmapbench campaign --cancel
[Unit]
Description=kmapbench campaign over reboots
After=multi-user.target
RequiresMountsFor={mounts}

[Service]
Type=exec
{environment}
WorkingDirectory={checkout}
ExecStart={command}
StandardOutput=journal+console
StandardError=journal+console
Restart=on-abnormal
RestartSec=2
TimeoutStopSec={stop}
KillMode=mixed
OOMScoreAdjust=-500

[X-kmapbench]
Folder={folder}

[Install]
WantedBy=multi-user.target
"""


def path(root: Path) -> Path:
    """Where the unit is."""
    return root / "etc/systemd/system" / NAME


def campaign_folder(root: Path) -> Path | None:
    """The campaign that is under way on a machine; None: there is none."""
    for line in (subprocesses.value(path(root)) or "").splitlines():
        if line.startswith("Folder="):
            return Path(line.removeprefix("Folder="))
    return None


def text(folder: Path) -> str:
    """The unit of a campaign, which runs this checkout with the cache and the build of now."""
    variables = {
        "HOME": str(Path.home()),
        "PATH": os.environ.get("PATH", os.defpath),
        "KMAPBENCH_CACHE": str(cache_path()),
        "KMAPBENCH_BUILD": str(build_dir().absolute()),
        "PYTHONUNBUFFERED": "1",
    }
    # who ran it: a name that --anonymize hides
    variables |= {name: os.environ[name] for name in USER_VARIABLES if name in os.environ}
    command = [str(ROOT / "kmapbench"), "campaign", "--go-on", str(folder), "--no-install"]
    return _TEXT.format(
        mounts=" ".join(_quoted(str(one)) for one in (ROOT, folder, cache_path())),
        environment="\n".join(
            f"Environment={_quoted(f'{name}={value}')}" for name, value in variables.items()
        ),
        checkout=str(ROOT).replace("%", "%%"),
        # of a command's words it also takes $ for a variable
        command=" ".join(_quoted(word).replace("$", "$$") for word in command),
        stop=_STOP_SECONDS,
        folder=folder,
    )


def _quoted(word: str) -> str:
    """As systemd reads a word, of which it would take % for a specifier."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if _PLAIN.fullmatch(word) else f'"{escaped}"'


def install(folder: Path, machine: RealMachine) -> None:
    """Has each boot go on with a campaign."""
    safe_files.write_text(path(machine.root), text(folder))
    subprocesses.output(["systemctl", "daemon-reload"])
    subprocesses.output(["systemctl", "enable", NAME])
    safe_files.sync(path(machine.root).parent)


def remove(machine: RealMachine) -> None:
    """Takes it back; nothing happens where it is gone."""
    unit = path(machine.root)
    if unit.exists():
        subprocesses.output(["systemctl", "disable", NAME])
        unit.unlink()
        safe_files.sync(unit.parent)
        subprocesses.output(["systemctl", "daemon-reload"])


def stop() -> None:
    """Ends what runs it now, as by SIGTERM."""
    subprocesses.output(["systemctl", "stop", NAME])
