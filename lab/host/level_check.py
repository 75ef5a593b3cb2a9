# SPDX-License-Identifier: Apache-2.0
"""Whether this machine is fit for times of a level, before a run and after it."""

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from formats import conditions
from formats.conditions import Condition
from lab.core.errors import KmapbenchError
from lab.host import machine_state

# For how long a machine is looked at before a run, in seconds: what else it does then.
WATCH_SECONDS = 1.0
# Conditions that `--tune` sees to.
TUNED = ("governor", "turbo", "c-states", "smt", "isolated-cpu")


def look(root: Path = machine_state.ROOT, seconds: float = WATCH_SECONDS) -> list[Condition]:
    """All conditions of this machine as it is now."""
    watch = machine_state.Watch(root=root)
    time.sleep(seconds)
    return judge(watch.look(), root)


def judge(said: Mapping[str, Any], root: Path = machine_state.ROOT) -> list[Condition]:
    """All conditions by what a watch has seen."""
    return conditions.judge({**said, "vulnerabilities": machine_state.vulnerabilities(root)})


def not_allowed(found: Sequence[Condition], allowed: Collection[str]) -> list[Condition]:
    """Conditions that are not met, and have to be."""
    return [one for one in found if one.state != conditions.MET and one.name not in allowed]


def check_publishable(allowed: Collection[str], is_tuned: bool) -> None:
    """A KmapbenchError where times that are measured here now would not be publishable.

    is_tuned: whether the run makes settings itself, which are looked at when it has ended.
    """
    later = TUNED if is_tuned else ()
    if lacking := not_allowed(look(), [*allowed, *later]):
        raise refusal(lacking)


def refusal(lacking: Sequence[Condition]) -> KmapbenchError:
    """What is said where a run of level publish may not begin."""
    reasons = "; ".join(map(sentence, lacking))
    names = ",".join(one.name for one in lacking)
    return KmapbenchError(
        f"not publishable: {lacking[0].short}: {reasons}; or --allow {names}, which the report says"
        " in its first line"
    )


def sentence(condition: Condition) -> str:
    """A condition that is not met, and the command against it."""
    return f"{condition.name}: {condition.found}" + (
        f" -> {condition.mend}" if condition.mend else ""
    )
