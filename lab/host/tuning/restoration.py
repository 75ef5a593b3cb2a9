# SPDX-License-Identifier: Apache-2.0
"""Settings put back as they were, and each looked at afterwards."""

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lab.host.tuning import cpu_sets, settings
from lab.host.tuning.machine import Machine
from lab.host.tuning.settings import Setting

# Settings that may vanish with what they belong to, and are then nobody's concern.
_VANISHING = ("interrupts", "affinity")


@dataclass
class Outcome:
    """What came of putting settings back."""

    back: int = 0  # settings that are as they were
    not_back: list[str] = field(default_factory=list)  # a line each
    changed: list[str] = field(default_factory=list)  # by somebody else, and left so; a line each
    unresolved: list[Setting] = field(default_factory=list)  # those of not_back


def put_back(machine: Machine, made: Sequence[Setting], touched: Iterable[str] = ()) -> Outcome:
    """Puts settings back in reverse order, unless somebody else has changed them since, and looks
    at each at the end. touched: knobs that an earlier call found changed.
    """
    knobs = {*touched, *touched_knobs(machine, made)}
    refused: dict[Setting, OSError] = {}
    for setting in reversed(made):
        now = settings.current(machine, setting)
        if now is None or now == setting.before or not _is_ours(setting, now, knobs):
            continue
        try:
            settings.write(machine, setting, setting.before)
        except OSError as error:
            refused[setting] = error
            continue
        # those that follow it are looked at when it has arrived
        settings.settle(machine, setting, setting.before, settings.patience())
    return _look(machine, made, knobs, refused)


def touched_knobs(machine: Machine, made: Iterable[Setting]) -> set[str]:
    """Knobs of which a setting is as the run wanted it."""
    return {
        setting.knob
        for setting in made
        if setting.is_set and _is_made(setting, settings.current(machine, setting))
    }


def _is_made(setting: Setting, now: str | None) -> bool:
    """Whether a setting is what the run makes of it."""
    if setting.kind == settings.PARTITION:  # in whatever state: its name is ours
        return now not in (None, settings.ABSENT)
    return settings.is_same(setting, now, setting.wanted)


def _is_ours(setting: Setting, now: str, touched: set[str]) -> bool:
    """Whether a value other than the one before comes from the run."""
    if not setting.follows:
        return _is_made(setting, now)
    if setting.follows not in touched and not (setting.follows == settings.ANY and touched):
        return False
    if setting.kind == settings.TASK:  # the kernel gives it more CPUs, and never others
        return cpu_sets.parse_list(now) > cpu_sets.parse_list(setting.before)
    return setting.wanted is None or settings.is_same(setting, now, setting.wanted)


def _look(
    machine: Machine,
    made: Sequence[Setting],
    touched: set[str],
    refused: dict[Setting, OSError],
) -> Outcome:
    """Reads each setting once more."""
    outcome = Outcome()
    for setting in made:
        now = settings.current(machine, setting)
        error = refused.get(setting)
        name = f"{setting.knob}: /{setting.path}"
        if settings.is_same(setting, now, setting.before):
            outcome.back += 1
        elif now is None:
            if setting.knob not in _VANISHING:
                outcome.not_back.append(f"{name}: cannot be read any more; was {setting.before}")
                outcome.unresolved.append(setting)
        elif _is_ours(setting, now, touched) and not _is_used_by_others(setting, error):
            why = f" ({error.strerror})" if error else ""
            outcome.not_back.append(f"{name}: is {now}, was {setting.before}{why}")
            outcome.unresolved.append(setting)
        elif setting.path not in {one.path for one in outcome.unresolved}:
            ours = f", {setting.wanted} in the run" if setting.is_set else ""
            outcome.changed.append(
                f"{name}: was {setting.before}{ours}; somebody else has made it {now}, which stays"
            )
    return outcome


def _is_used_by_others(setting: Setting, error: OSError | None) -> bool:
    """Whether others need by now what we have switched on."""
    is_busy = error is not None and error.errno == errno.EBUSY
    return setting.kind == settings.CONTROLLER and is_busy
