# SPDX-License-Identifier: Apache-2.0
"""Hosts that are folders here, with a stand-in for kmapbench, and the playbooks run on them.

`python3 -m lab.tests.support.stand_in_fleet 10 20 40` prints what so many hosts take, the first
time and when nothing is left to be done.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.tests.support.shared_build import home_checkout
from lab.tests.support.stand_in_kmapbench import write_stand_in


class StandInFleet:
    """A clone of this checkout, whose playbooks are run on hosts below a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.home = folder / "home"
        self.program = write_stand_in(folder / "program")
        commit = home_checkout(folder / "checkout")
        (folder / "plan.toml").write_text('only = "user"\n')
        # One checkout for all of them: the clone itself.
        (folder / "checkouts").mkdir()
        (folder / "checkouts" / commit[:12]).symlink_to(folder / "checkout")

    def play(
        self, hosts: Mapping[str, Mapping[str, Any]], *words: str, inside: Sequence[str] = ()
    ) -> tuple[int, str]:
        """Runs measure.yml on hosts, with variables of each; the exit code and what it printed.

        inside: a command that runs it.
        """
        for name in hosts:
            (self.folder / name).mkdir(exist_ok=True)
            if not (self.folder / name / "checkouts").exists():
                (self.folder / name / "checkouts").symlink_to(self.folder / "checkouts")
        of_each = {
            name: {
                "ansible_connection": "local",
                "kmapbench_work": str(self.folder / name),
                **variables,
            }
            for name, variables in hosts.items()
        }
        inventory = self.folder / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"kmapbench": {"hosts": of_each}}))
        settings = {
            "kmapbench_plan": str(self.folder / "plan.toml"),
            "kmapbench_home": str(self.home),
            "kmapbench_program": str(self.program),
            "kmapbench_program_at_home": str(self.program),
            "kmapbench_interval": 0.2,
            "kmapbench_patience": 1,
        }
        command = [*inside, "ansible-playbook", "-i", str(inventory), "measure.yml"]
        said = subprocess.run(
            [*command, "-e", json.dumps(settings), *words],
            cwd=self.folder / "checkout" / "fleet",
            capture_output=True,
            text=True,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )
        return said.returncode, said.stdout + said.stderr

    def states(self) -> dict[str, str]:
        """What became of each host that anything is known of."""
        return {
            path.parent.name: json.loads(path.read_text())["state"]
            for path in self.home.glob("archives/*/*/state.json")
        }


def main(counts: Sequence[int]) -> None:
    """Prints a line for each number of hosts."""
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            fleet = StandInFleet(Path(folder))
            hosts: dict[str, dict[str, Any]] = {f"h{number}": {} for number in range(count)}
            took, used = [], []
            for _ in range(2):
                begun, before = time.monotonic(), sum(os.times()[2:4])
                code, out = fleet.play(hosts)
                assert code == 0 and len(fleet.states()) == count, out
                took.append(time.monotonic() - begun)
                used.append(sum(os.times()[2:4]) - before)
                assert took[1:] == [] or not re.search(r"changed=[1-9]", out)
            print(
                f"{count} hosts: {took[0]:.0f} s ({used[0]:.0f} s of CPU), then"
                f" {took[1]:.0f} s ({used[1]:.0f} s of CPU)",
                flush=True,
            )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
