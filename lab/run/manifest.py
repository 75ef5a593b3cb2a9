# SPDX-License-Identifier: Apache-2.0
"""What campaign.json says of a campaign before its first boot: what was asked, and with what it is
measured.
"""

import hashlib
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

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
    return {
        "asked": plan.asked(),
        "seed": plan.seed,
        "variants": variants,
        "tools": {
            "qemu": _first_line("qemu-system-x86_64", "qemu-system-x86") if in_lab else None,
            **({"fio": _first_line("fio", "fio")} if plan.only == "dax" else {}),
            **({"not_observed": refusals[0]} if refusals else {}),
            "gcc": _first_line("gcc", "gcc"),
            "python": platform.python_version(),
            "system": debian_kernels.system(),
        },
        "kmapbench": _checkout()
        | {
            "kmap_bench": hashlib.sha256(kmap_bench.read_bytes()).hexdigest(),
            "kmap_bench_code": program_code.code_hash(kmap_bench),
        },
        "planned": [
            {"variant": step.variant, "boot": step.boot}
            | ({"half": step.half} if step.half else {})
            | ({"round": step.round} if step.round else {})
            for step in planned
        ],
        **({"design": PAIRS, "coins": []} if any(step.round for step in planned) else {}),
        **(
            {"looks": [{"pairs": pairs, "share": share} for pairs, share in LOOKS.items()]}
            if plan.until_resolved
            else {}
        ),
    }


def _checkout() -> dict:
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
