# SPDX-License-Identifier: Apache-2.0
"""What campaign.json says of a campaign before its first boot: what was asked, and with what it is
measured.
"""

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from formats.campaign_format import LOOKS, PAIRS
from lab.campaign.schedule import Step
from lab.core import program_code, subprocesses
from lab.core.dirs import ROOT
from lab.kernels import debian_kernels
from lab.run.plan import Plan
from lab.run.targets import Target


def describe(
    plan: Plan, targets: Sequence[Target], planned: Sequence[Step], kmap_bench: Path
) -> dict:
    """The fields of campaign.json that stay as they are."""
    in_lab = any(not plan.here and target.manifest() for target in targets)
    refusals = [refusal for target in targets for refusal in target.refusals]
    variants: dict[str, dict] = {}
    for target in targets:
        variants |= target.manifest()
    tools = {
        "qemu": _first_line("qemu-system-x86_64", "qemu-system-x86") if in_lab else None,
        **({"not_observed": refusals[0]} if refusals else {}),
        **tools_of_host(has_fio=plan.only == "dax"),
    }
    looks = [{"pairs": pairs, "share": share} for pairs, share in LOOKS.items()]
    return {
        "asked": plan.asked(),
        "seed": plan.seed,
        "variants": variants,
        "tools": tools,
        "kmapbench": program(kmap_bench),
        **schedule_fields(planned),
        **({"looks": looks} if plan.until_resolved else {}),
    }


def tools_of_host(has_fio: bool) -> dict[str, str]:
    """Versions of what measures on this machine, by name."""
    return {
        **({"fio": _first_line("fio", "fio")} if has_fio else {}),
        "gcc": _first_line("gcc", "gcc"),
        "python": platform.python_version(),
        "system": debian_kernels.system(),
    }


def program(kmap_bench: Path) -> dict[str, Any]:
    """Which kmapbench measures: its commit, and kmap_bench by its bytes and by its code."""
    return _checkout() | {
        "kmap_bench": hashlib.sha256(kmap_bench.read_bytes()).hexdigest(),
        "kmap_bench_code": program_code.code_hash(kmap_bench),
    }


def schedule_fields(planned: Sequence[Step]) -> dict[str, Any]:
    """The order of boots, and how it came about."""
    steps = [
        {"variant": step.variant, "boot": step.boot}
        | ({"half": step.half} if step.half else {})
        | ({"round": step.round} if step.round else {})
        for step in planned
    ]
    in_rounds = any(step.round for step in planned)
    return {"planned": steps, **({"design": PAIRS, "coins": []} if in_rounds else {})}


def _checkout() -> dict:
    """Commit and local changes; of an unpacked archive, and without git, nobody knows."""
    if not shutil.which("git"):
        return {"commit": "unknown", "dirty": False}
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True
    )
    changes = subprocess.run(
        ["git", "-C", ROOT, "status", "--porcelain"], capture_output=True, text=True
    )
    dirty = any(not _is_result(line[3:]) for line in changes.stdout.splitlines())
    return {"commit": commit.stdout.strip() or "unknown", "dirty": dirty}


def _is_result(path: str) -> bool:
    """What was measured before is no change to what measures."""
    return path.startswith("results/") and not path.startswith("results/schema/")


def _first_line(program: str, package: str) -> str:
    return subprocesses.output([subprocesses.find(program, package), "--version"]).splitlines()[0]
