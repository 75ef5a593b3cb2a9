# SPDX-License-Identifier: Apache-2.0
"""A record of what has no loop of ours: a run of fio, or a case that was cut off."""

from typing import Any

from formats.campaign_format import UNITS


def record_without_samples(
    case: str, variant: str, boot: int, clock: str, **fields: Any
) -> dict[str, Any]:
    """A record of what has no loop of ours. fields: status, ops, cost and what else there is to
    say.
    """
    return {
        "case": case,
        "variant": variant,
        "boot": boot,
        "launch": 1,
        "clock": clock,
        "unit": UNITS[clock],
        "better": "lower",
        "empty": None,
        "exact": False,
        "oracle": "none",
        "counters": {},
        "rejected": {},
        "samples": [],
        "empty_samples": [],
    } | fields
