# SPDX-License-Identifier: Apache-2.0
"""`kmapbench fleet`: the playbooks of fleet/, with their settings as options."""

import argparse
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from analysis.parser import whole_number
from formats import exit_codes
from lab.core import subprocesses
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError

_FOLDER = ROOT / "fleet"


def add(commands, new_command: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds `fleet`. new_command: makes a command of a subparsers object, a name and a help."""
    fleet = new_command(
        commands, "fleet", help="measure a plan on many machines, and bring the archives home"
    )
    fleet.add_argument(
        "--inventory", type=Path, required=True, metavar="FILE", help="the hosts, for Ansible"
    )
    fleet.add_argument(
        "--plan", type=Path, required=True, metavar="FILE", help="what is measured on each"
    )
    fleet.add_argument(
        "--over-reboots",
        action="store_true",
        help="the plan is one of kmapbench campaign, which reboots the hosts",
    )
    fleet.add_argument("--hosts", metavar="A,B", help="only these (default: the group kmapbench)")
    fleet.add_argument(
        "--serial",
        type=whole_number(1, 10000),
        metavar="N",
        help="so many hosts at once (default: all)",
    )
    fleet.add_argument(
        "--home", type=Path, metavar="DIR", help="where archives go (default: results/fleet)"
    )
    fleet.add_argument(
        "--ask-become-pass", action="store_true", help="ask for the password of sudo on the hosts"
    )
    instead = fleet.add_mutually_exclusive_group()
    instead.add_argument(
        "--only-check", action="store_true", help="install, and say which hosts are fit"
    )
    instead.add_argument(
        "--dry-run", action="store_true", help="ask the hosts, and say what would be done"
    )
    fleet.set_defaults(function=_run, check=_check, groups=lambda _: ["python", "fleet"])


def _check(arguments: argparse.Namespace) -> None:
    for name in ("inventory", "plan"):
        path: Path = getattr(arguments, name)
        if not path.is_file() and not path.is_dir():  # Ansible takes a folder for an inventory
            raise KmapbenchError(f"--{name} {path}: no such file; docs/fleet.md has an example")


def _run(arguments: argparse.Namespace) -> int:
    """What the playbook prints is for the user; 1 where it failed, or hosts were lost."""
    settings = {
        "kmapbench_plan": str(arguments.plan.absolute()),
        "kmapbench_kind": "campaign" if arguments.over_reboots else "run",
        "kmapbench_hosts": arguments.hosts,
        "kmapbench_serial": arguments.serial,
        "kmapbench_home": str(arguments.home.absolute()) if arguments.home else None,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    program = subprocesses.find("ansible-playbook", "ansible-core")
    playbook = "check.yml" if arguments.only_check else "measure.yml"
    command = [program, "-i", str(arguments.inventory.absolute()), playbook]
    command += ["-e", json.dumps(given)]
    command += ["--check"] if arguments.dry_run else []
    command += ["--ask-become-pass"] if arguments.ask_become_pass else []
    variables = {**os.environ, "ANSIBLE_CONFIG": str(_FOLDER / "ansible.cfg")}
    code = subprocess.run(command, cwd=_FOLDER, env=variables).returncode
    return exit_codes.FAILED if code else exit_codes.OK
