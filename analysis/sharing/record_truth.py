# SPDX-License-Identifier: Apache-2.0
"""Whether the records of a campaign can be believed: by oracle and controls, worked out anew."""

import re
from collections.abc import Iterator

from analysis.data.load import Campaign
from analysis.data.records import Record
from analysis.summary import controls

# Cases whose page is closed by its protection key, so that the oracle can see it.
_PROTECTED = re.compile(r"(kernel|model|elsewhere)/.*protected.*")
# By how much core cycles of a control may be off, as bench/record/record.cc allows it.
_SHARE, _CYCLES = 0.1, 3.0


def untrue_records(campaign: Campaign) -> Iterator[str]:
    """What is wrong, a line each."""
    for record in campaign.records:
        yield from _of_oracle(record)
    yield from _of_controls(campaign)


def _where(record: Record) -> str:
    return f"{record.variant}, boot {record.boot}: {record.case}"


def _of_oracle(record: Record) -> Iterator[str]:
    if record.oracle == "failed":
        yield f"{_where(record)}: the oracle failed: protection did not hold"
    elif record.status == "ok" and _PROTECTED.fullmatch(record.case) and record.oracle != "held":
        yield f"{_where(record)}: a protected page, and no oracle that held"


def _of_controls(campaign: Campaign) -> Iterator[str]:
    """Controls that are off, and boots whose own loops were measured without any."""
    yield from (f"controls: {one}" for one in controls.problems(campaign))
    controlled = set()
    for control in campaign.controls:
        controlled.add((control.variant, control.boot))
        if not _is_right(control):
            yield f"{_where(control)}: a loop of known length, and measured as another"
    timed = (record for record in campaign.records if record.clock != "wall")
    in_loops = (record for record in timed if not record.case.startswith("dax/"))
    for variant, boot in dict.fromkeys((record.variant, record.boot) for record in in_loops):
        if (variant, boot) not in controlled:
            yield f"{variant}, boot {boot}: no control case: measure again with this kmapbench"


def _is_right(control: Record) -> bool:
    if control.status != "ok" or control.cost is None:
        return False
    if control.clock == "icount":
        return control.cost == control.known
    adds = control.known_adds
    if control.cost_core_cycles is None or adds is None:
        return True
    return abs(control.cost_core_cycles - adds) <= max(_SHARE * adds, _CYCLES)
