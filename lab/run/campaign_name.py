# SPDX-License-Identifier: Apache-2.0
"""What a campaign's folder is called where nobody has said. Standard library only."""

import time
from pathlib import Path

from formats.campaign_format import USER_SPACE
from lab.run.plan import Plan


def new_folder(parent: Path, name: str) -> Path:
    """A name nobody has yet: the minute, what is measured, and a number where that is taken."""
    stem = f"{time.strftime('%Y-%m-%dT%H%M')}-{name}"
    candidate, number = parent / stem, 1
    while candidate.exists():
        number += 1
        candidate = parent / f"{stem}-{number}"
    return candidate


def name_of(plan: Plan) -> str:
    """What the folder of a campaign is called after the time."""
    if plan.only == "user":
        return USER_SPACE
    return plan.label if plan.here else "-".join(variant.name for variant in plan.variants)
