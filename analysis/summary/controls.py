# SPDX-License-Identifier: Apache-2.0
"""Whether a campaign's figures can be trusted: by cases whose length is known, and by the
observer's count.
"""

from fractions import Fraction

from analysis.data.load import Campaign, CountedPath
from analysis.data.records import Record
from formats.campaign_format import CONTROL_REASON

# How kmap_bench's reason begins where a straight line has parts (bench/record/record.cc).
_PARTS = "no whole number of instructions"
_CLOCK = "icount"
_USER_CASES = "user/"


def problems(campaign: Campaign) -> list[str]:
    """Why no figure of a campaign can be trusted, a line for each cause; none where nothing is
    wrong.

    A campaign made by a kmapbench that measured no controls has none that are off.
    """
    known = {record.case: record.known for record in campaign.controls}
    places: dict[str, list[str]] = {}
    for record in [*campaign.controls, *campaign.records]:
        if cause := _cause(record):
            places.setdefault(cause, []).append(f"{record.variant}, boot {record.boot}")
    if not places:  # else the observer has counted what was wrong
        for path in campaign.control_paths:
            counted = _per_operation(path)
            if counted != known[path.case]:
                cause = (
                    f"the observer counts {float(counted):g} instructions in {path.case}, which has"
                    f" {known[path.case]}"
                )
                places.setdefault(cause, []).append(f"{path.variant}, boot {path.boot}")
    if not places:
        places = {cause: [where] for cause, where in _disagreements(campaign).items()}
    return [f"{cause} ({_places(where)})" for cause, where in places.items()]


def _cause(record: Record) -> str | None:
    is_counted = record.exact or record.clock == _CLOCK
    if record.status == "ok" and is_counted and record.known not in (None, record.cost):
        return f"{record.case} was measured as {record.cost:g} and has {record.known} instructions"
    if record.status != "flagged":
        return None
    if record.reason.startswith(CONTROL_REASON):
        return record.reason.removeprefix(CONTROL_REASON)
    return f"{record.case}: {record.reason}" if record.reason.startswith(_PARTS) else None


def _disagreements(campaign: Campaign) -> dict[str, str]:
    """The first exact figure of the clock that the observer did not count: cause -> where."""
    costs = {
        (record.case, record.variant, record.boot): record.cost
        for record in campaign.records
        if record.exact and record.status == "ok" and record.cost is not None
    }
    for path in campaign.paths:
        cost = costs.get((path.case, path.variant, path.boot))
        if cost is not None and (counted := _per_operation(path)) != Fraction(cost):
            cause = (
                f"{path.case}: the clock says {cost:g} instructions and the observer"
                f" {float(counted):g}"
            )
            return {cause: f"{path.variant}, boot {path.boot}"}
    return {}


def _per_operation(path: CountedPath) -> Fraction:
    return Fraction(path.instructions - path.empty_instructions, path.ops)


def _places(where: list[str]) -> str:
    first, *others = dict.fromkeys(where)
    return f"{first} and {len(others)} more" if others else first


def sentence(campaign: Campaign) -> str:
    """What the controls say where they are right; empty where there are none."""
    lengths = sorted(
        {
            record.known
            for record in campaign.controls
            if record.clock == _CLOCK and record.known is not None
        }
    )
    if not lengths:
        return ""
    places = ", ".join(
        f"{name} in {_boots(campaign, is_of_user)}"
        for name, is_of_user in (("in the kernel", False), ("in user space", True))
        if _measured(campaign, is_of_user)
    )
    return (
        f"Controls: loops of {', '.join(map(str, lengths))} instructions were measured as such"
        f" {places}."
    )


def _measured(campaign: Campaign, is_of_user: bool) -> set[tuple[str, int]]:
    """Boots whose instructions were counted in the kernel, or by programs in user space."""
    return {
        (record.variant, record.boot)
        for record in [*campaign.records, *campaign.controls]
        if record.clock == _CLOCK and record.case.startswith(_USER_CASES) is is_of_user
    }


def _boots(campaign: Campaign, is_of_user: bool) -> str:
    """In how many of them each control is right, and there is one."""
    right: dict[tuple[str, int], bool] = {}
    for record in campaign.controls:
        if record.case.startswith(_USER_CASES) is is_of_user:
            place = record.variant, record.boot
            is_right = record.status == "ok" and record.cost == record.known
            right[place] = right.get(place, True) and is_right
    boots = _measured(campaign, is_of_user)
    controlled = sum(right.get(boot, False) for boot in boots)
    if controlled == len(boots):
        return "every boot"
    return f"{controlled or 'none'} of {len(boots)} boot{'s' if len(boots) > 1 else ''}"
