# SPDX-License-Identifier: Apache-2.0
"""Campaigns killed at random moments, QEMU, kmapbench or both, until they are whole: what is lost?

    PYTHONPATH=. python3 -m lab.tests.support.kills COUNT SEED

Boots are stand-ins (stand_in_lab.py), so that a thousand take minutes.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab.campaign import rounds, validation
from lab.core.dirs import ROOT
from lab.tests.support import stand_in_qemu

VARIANTS = ("stock", "plain")
BOOTS = 2
ASKED = [
    "run",
    "--only",
    "micro",
    "--variants",
    ",".join(VARIANTS),
    "--boots",
    str(BOOTS),
    "--seed",
    "1",
]
VICTIMS = ("qemu", "kmapbench", "both")
RECORDS = len(VARIANTS) * BOOTS * len(stand_in_qemu.CASES)
LONGEST_SECONDS = 0.02  # from the record that was waited for until the kill comes: two records


def start(arguments: list[str], **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "lab.tests.support.stand_in_lab", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def guests(pid: int) -> list[int]:
    """The stand-ins for QEMU that a process boots; it also asks QEMU for its version."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
            lines = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
            found += [
                child
                for child, line in lines.items()
                if b"stand_in_qemu" in line and b".initrd" in line
            ]
        except OSError:  # gone meanwhile
            continue
    return found


def wait_for_records(process: subprocess.Popen, folder: Path, count: int) -> None:
    """By progress and not by the clock, so that a loaded machine is hit at the same moments; a run
    that ends is waited for no longer.
    """
    begun = False
    while process.poll() is None and (not begun or recorded(folder) < count):
        begun = begun or bool(guests(process.pid))
        time.sleep(0.002)


def recorded(folder: Path) -> int:
    return sum(path.read_text().count("\n") for path in folder.glob("*/boot-*/micro.jsonl"))


def kill(process: subprocess.Popen, victims: str) -> bool:
    """Whether there was anybody to kill."""
    pids = guests(process.pid) if victims in ("qemu", "both") else []
    pids += [process.pid] if victims in ("kmapbench", "both") and process.poll() is None else []
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return bool(pids)


def kept(folder: Path) -> dict[str, list[dict]]:
    """Whole records of every try, by the folder that they will be in once that boot is
    made again.
    """
    found: dict[str, list[dict]] = {}
    header = json.loads((folder / "campaign.json").read_text())
    tries = {(step["variant"], step["boot"]): step["try"] for step in header["order"]}
    for boot in folder.glob("*/boot-*"):
        name, _, number = boot.name.partition(".try-")
        variant, count = (
            boot.parent.name,
            number or tries[boot.parent.name, int(name.removeprefix("boot-"))],
        )
        path = boot / "micro.jsonl"
        *lines, _torn = path.read_text().split("\n") if path.exists() else [""]
        found[f"{variant}/{name}/{count}"] = [json.loads(line) for line in lines]
    return found


def assert_nothing_lost(before: dict[str, list[dict]], after: dict[str, list[dict]]) -> None:
    """What had been kept is still there; each try is a beginning of what its boot measures, without
    a gap.
    """
    for name, records in before.items():
        assert after[name][: len(records)] == records, f"{name} has lost records"
    for name, records in after.items():
        variant, boot, _ = name.split("/")
        number = int(boot.removeprefix("boot-"))
        measured = [record for record in records if record["status"] != "crashed"]
        whole = [stand_in_qemu.record(case, variant, number) for case in stand_in_qemu.CASES]
        assert measured == whole[: len(measured)], f"{name} has a gap"


def assert_whole(folder: Path) -> None:
    """The campaign is what an undisturbed one is, in every figure."""
    header = json.loads((folder / "campaign.json").read_text())
    validation.validate("campaign", header)
    assert rounds.left(header) == []
    for variant in VARIANTS:
        for boot in range(1, BOOTS + 1):
            made = folder / variant / f"boot-{boot:02d}"
            lines = (made / "micro.jsonl").read_text().splitlines()
            assert [json.loads(line) for line in lines] == [
                stand_in_qemu.record(case, variant, boot) for case in stand_in_qemu.CASES
            ]
            assert json.loads((made / "environment.json").read_text())["emulator"]


def killed_campaigns(count: int, seed: int, scratch: Path) -> str:
    """Kills so often, each time at a random moment; says how often it hit what, and how many
    campaigns became whole.
    """
    chooser = random.Random(seed)
    hits = dict.fromkeys(VICTIMS, 0)
    campaigns = 0
    while sum(hits.values()) < count:
        campaigns += 1
        folder = scratch / f"campaign-{campaigns}"
        while not whole(folder):
            process = start(
                ["run", "--resume", str(folder)]
                if folder.exists()
                else [*ASKED, "--out", str(folder)]
            )
            before = kept(folder) if folder.exists() else {}
            victims = chooser.choice(VICTIMS)
            if sum(hits.values()) < count:
                wait_for_records(process, folder, chooser.randint(0, RECORDS))
                time.sleep(chooser.uniform(0, LONGEST_SECONDS))
                hits[victims] += kill(process, victims)
            _, said = process.communicate(timeout=120)
            assert "Traceback" not in said and process.returncode in (0, 1, -signal.SIGKILL), said
            if folder.exists():
                assert_nothing_lost(before, kept(folder))
        assert_whole(folder)
    return (
        f"{sum(hits.values())} kills"
        f" ({', '.join(f'{hit} of {victims}' for victims, hit in hits.items())}),"
        f" {campaigns} campaigns whole"
    )


def whole(folder: Path) -> bool:
    path = folder / "campaign.json"
    return (
        path.exists()
        and json.loads(path.read_text())["ended"] is not None
        and not rounds.left(json.loads(path.read_text()))
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(killed_campaigns(int(sys.argv[1]), int(sys.argv[2]), Path(name)))
