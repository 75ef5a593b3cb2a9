# SPDX-License-Identifier: Apache-2.0
"""Settings that a run which was killed, or a power cut, has left: found, and put back."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.host.tuning import journal, settings
from lab.host.tuning.journal import STATE, Journal
from lab.host.tuning.machine import Machine
from lab.host.tuning.restoration import Outcome, put_back, touched_knobs

NOTICE = "settings of this machine are as a run with --tune has made them"
RESTORE = "sudo ./kmapbench tune --restore"


@dataclass
class Restored:
    """What came of settings that were left, a line for each thing that there is to say."""

    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def is_left(state: Path = STATE) -> bool:
    """Whether a run is at work, or has left settings; whoever asks, root or not."""
    return journal.folder_of(state).exists()


def restore_left_over(machine: Machine | None = None, state: Path = STATE) -> Restored:
    """Puts back what a run has left that is no longer there, and looks at it; nothing is said where
    nothing was left. A KmapbenchError where a run is at work, or a journal cannot be read.
    """
    restored = Restored()
    if is_left(state):
        with journal.locked(state):
            restore_locked(machine or Machine(), state, restored)
    return restored


def restore_locked(machine: Machine, state: Path, restored: Restored) -> None:
    """The same for who has the lock already."""
    boot_id = machine.boot_id()
    for path in journal.journals(state):
        if path == journal.path_of(state, boot_id):
            kept = journal.read_journal(path)
            if kept.is_owned and kept.owner != os.getpid():  # whose holder was killed
                raise KmapbenchError(journal.describe_owner(state))
            outcome = finish(machine, kept)
            restored.said.append(
                f"a run with --tune was killed: {outcome.back} of {len(kept.settings)} settings are"
                " as they were before it"
            )
            restored.said += outcome.changed
            restored.problems += outcome.not_back
        else:
            restored.said += _of_another_boot(machine, path)
            journal.remove_journal(path)


def finish(machine: Machine, kept: Journal) -> Outcome:
    """Puts the settings of a journal back, and removes it; what is not back stays in it."""
    knobs = {*kept.touched, *touched_knobs(machine, kept.settings)}
    marked = replace(kept, touched=tuple(sorted(knobs)))
    if marked != kept:
        try:
            journal.write_journal(marked)  # so that the next one knows what follows these
        except KmapbenchError:
            pass  # on a full disk settings are put back all the same
    outcome = put_back(machine, kept.settings, knobs)
    if outcome.unresolved:
        try:
            journal.write_journal(replace(marked, settings=outcome.unresolved))
        except KmapbenchError:
            pass  # the journal as it was has these, too
    else:
        journal.remove_journal(kept.path)
    return outcome


def _of_another_boot(machine: Machine, path: Path) -> list[str]:
    """What to say of a journal whose settings a restart has ended: sysfs and procfs keep none."""
    said = [
        f"{path}: the machine was restarted in a run with --tune; the kernel sets everything anew"
        " when it starts, so that nothing has to be put back"
    ]
    try:
        kept = journal.read_journal(path)
    except KmapbenchError:  # torn by the power cut
        return said
    for setting in kept.settings:
        now = settings.current(machine, setting)
        if setting.is_set and not settings.is_same(setting, now, setting.before):
            said.append(
                f"{setting.knob}: /{setting.path}: was {setting.before} before the run, is"
                f" {now or 'gone'} since the restart"
            )
    return said
