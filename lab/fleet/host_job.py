# SPDX-License-Identifier: Apache-2.0
"""A measurement that outlives the connection it was begun over: `python3 -m lab.fleet.host_job`.

Each subcommand prints one JSON object. A job has a folder of its own: plan.toml, the campaign,
`log` (what kmapbench printed), `ended` (its exit code), and `lock`, which is held while it runs.
"""

import argparse
import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats import exit_codes
from formats.conditions import MET
from lab.campaign import safe_files, store
from lab.core import requirements
from lab.core.dirs import ROOT
from lab.fleet import fleet_plan, one_answer
from lab.fleet.fleet_plan import CAMPAIGN, RUN
from lab.reboots import reboot_unit

# States of a job. STOPPED: something ended it, and it can go on.
NEW, RUNNING, STOPPED, ENDED = "new", "running", "stopped", "ended"


@dataclass(frozen=True)
class Job:
    """One plan that is measured on this host."""

    kind: str  # RUN or CAMPAIGN
    folder: Path
    name: str  # of the campaign's folder in it
    program: Path  # kmapbench

    @property
    def plan(self) -> Path:
        """The plan file."""
        return self.folder / "plan.toml"

    @property
    def campaign(self) -> Path:
        """The campaign's folder."""
        return self.folder / self.name


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the answer of a subcommand, or one line that says what is wrong; an exit code."""
    parsed = _parser().parse_args(arguments)
    return one_answer.give(lambda: _answer(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab.fleet.host_job", description=__doc__)
    parser.add_argument("what", choices=tuple(_ANSWERS))
    parser.add_argument("--kind", choices=(RUN, CAMPAIGN), default=RUN)
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="of the job")
    parser.add_argument("--name", default=CAMPAIGN, help="of the campaign's folder")
    parser.add_argument("--program", type=Path, default=ROOT / "kmapbench", help="kmapbench")
    parser.add_argument(
        "--check-option", action="append", default=[], help="of fit: one more for kmapbench check"
    )
    parser.add_argument("--lock", type=int, help=argparse.SUPPRESS)  # of work: an open file
    return parser


def _answer(parsed: argparse.Namespace) -> dict[str, Any]:
    job = Job(parsed.kind, parsed.folder.absolute(), parsed.name, parsed.program.absolute())
    return _ANSWERS[parsed.what](job, parsed)


def missing_packages(job: Job) -> list[str]:
    """Packages that the plan needs and this host lacks, by its distribution's names."""
    from lab.setup import interpreter

    system = requirements.distribution()
    wanted = requirements.needs(fleet_plan.read(job.kind, job.plan).packages, system)
    return requirements.names(requirements.missing(wanted, interpreter.has_module(wanted)))


def obstacles(job: Job, check_options: Sequence[str]) -> Iterator[str]:
    """Why the plan cannot be measured here, a line each; none: this host is fit for it.

    While it is measured nobody looks, which would disturb it.
    """
    if status(job)["state"] == RUNNING:
        return
    needed = fleet_plan.read(job.kind, job.plan).purposes
    look = [str(job.program), "check", "--no-install", "--format", "json", *check_options]
    looked = _run(look)
    if not looked.stdout:
        yield _last_line(looked.stderr) or f"kmapbench check ended with {looked.returncode}"
        return
    found = json.loads(looked.stdout)
    if looked.returncode:
        lacking = [one["short"] for one in found["conditions"] if one["state"] != MET]
        yield f"not publishable: {', '.join(lacking)}"
    for purpose in found["purposes"]:
        if purpose["what"] in needed and purpose["obstacle"]:
            yield purpose["obstacle"]
    planned = _run([str(job.program), job.kind, "--plan", str(job.plan), "--dry-run"])
    if planned.returncode:
        said = [line for line in planned.stdout.splitlines() if line.startswith("not met: ")]
        lines = [line.removeprefix("not met: ") for line in said] or planned.stderr.splitlines()
        yield from [_plain(line) for line in lines] or [f"its dry run ended: {planned.returncode}"]


def start(job: Job) -> dict[str, Any]:
    """Begins or goes on with a job that neither runs nor has ended well; its state after that."""
    with (job.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return {"state": RUNNING, "started": False}
        before = _state(job)
        if before["state"] == RUNNING or before == {"state": ENDED, "code": exit_codes.OK}:
            return {**before, "started": False}
        (job.folder / "ended").unlink(missing_ok=True)
        with (job.folder / "log").open("ab") as log:
            subprocess.Popen(
                _worker(job, lock.fileno()),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
    return {"state": RUNNING, "started": True}


def _worker(job: Job, lock: int) -> list[str]:
    options = {"kind": job.kind, "folder": job.folder, "name": job.name, "program": job.program}
    words = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "lab.fleet.host_job", "work", *words, f"--lock={lock}"]


def work(job: Job, lock: int) -> dict[str, Any]:
    """Runs kmapbench to its end, and keeps its exit code, which is returned."""
    if (job.campaign / "campaign.json").exists():
        words = ["--resume", str(job.campaign)]
    else:
        words = ["--plan", str(job.plan), "--out", str(job.campaign), "--anonymize"]
    # kmapbench holds the lock, too: it may outlive us.
    command = [str(job.program), job.kind, "--no-install", *words]
    code = subprocess.run(command, pass_fds=[lock]).returncode
    safe_files.write_json(job.folder / "ended", {"code": code})
    return {"code": code}


def status(job: Job) -> dict[str, Any]:
    """How far a job is: its state, and of one that has ended the exit code, with the reason."""
    try:
        with (job.folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return _state(job)
    except FileNotFoundError:
        return {"state": NEW}
    except BlockingIOError:
        return {"state": RUNNING}


def _state(job: Job) -> dict[str, Any]:
    """Of a job that no process of ours works at."""
    header = store.peek(job.campaign) if (job.campaign / "campaign.json").exists() else None
    if job.kind == CAMPAIGN and header:
        return _state_over_reboots(job, header)
    try:
        code = json.loads((job.folder / "ended").read_text())["code"]
    except FileNotFoundError:
        return {"state": STOPPED if header else NEW}
    return _ended(job, code)


def _state_over_reboots(job: Job, header: Mapping[str, Any]) -> dict[str, Any]:
    """The campaign itself says how far it is: what began it ended with the first reboot."""
    if header["ended"] is None:
        is_under_way = reboot_unit.campaign_folder(Path("/")) == job.campaign
        return {"state": RUNNING if is_under_way else STOPPED}
    if stopped := header["reboots"].get("stopped"):
        return {"state": ENDED, "code": exit_codes.FAILED, "reason": f"stopped: {stopped}"}
    return {"state": ENDED, "code": exit_codes.OK}


def _ended(job: Job, code: int) -> dict[str, Any]:
    if code == exit_codes.OK:
        return {"state": ENDED, "code": code}
    log = job.folder / "log"
    said = _last_line(log.read_text(errors="replace")) or "it printed nothing"
    return {"state": ENDED, "code": code, "reason": f"{said} (exit code {code}, see {log})"}


def _last_line(text: str) -> str:
    """The last line that kmapbench itself has printed, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("kmapbench: ")]
    return _plain((ours or lines or [""])[-1])


def _plain(line: str) -> str:
    return line.removeprefix("kmapbench: ")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


# Subcommands that answer, by name.
_ANSWERS = {
    "packages": lambda job, _: {"missing": missing_packages(job)},
    "fit": lambda job, parsed: {"obstacles": list(obstacles(job, parsed.check_option))},
    "start": lambda job, _: start(job),
    "status": lambda job, _: status(job),
    "work": lambda job, parsed: work(job, parsed.lock),
}


if __name__ == "__main__":
    sys.exit(main())
