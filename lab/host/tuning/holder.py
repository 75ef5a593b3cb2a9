# SPDX-License-Identifier: Apache-2.0
"""Makes settings, and holds them for as long as its standard input is open.

    python3 -m lab.host.tuning.holder ROOT STATE OWNER [--no-isolation]

A process of its own, so that settings are put back whatever becomes of the one that needs them: the
pipe closes when that one ends, by Ctrl-C, by an error or by SIGKILL alike. Says one line of JSON
when the settings are made, and another one when they are back.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path

from lab.core.errors import KmapbenchError
from lab.host.tuning import journal, left_over, settings
from lab.host.tuning.journal import Journal
from lab.host.tuning.left_over import Restored
from lab.host.tuning.machine import Machine, process_start
from lab.host.tuning.restoration import Outcome, put_back
from lab.host.tuning.settings import Setting
from lab.host.tuning.tuning_plan import Refusal, effects, plan_tuning

NO_ISOLATION = "--no-isolation"


def main(arguments: Sequence[str], machine: Machine | None = None) -> int:
    """Runs until standard input ends. machine: in place of the one at ROOT."""
    # Only the end of the one who needs the settings is a reason to put them back.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    root, state, owner, *options = arguments
    try:
        hold(
            machine or Machine(Path(root)),
            Path(state),
            int(owner),
            isolate=NO_ISOLATION not in options,
        )
    except KmapbenchError as error:
        _say({"error": [str(error)]})
    except OSError as error:
        _say({"error": [f"{error.filename or 'system'}: {error.strerror}"]})
    return 0


def hold(machine: Machine, state: Path, owner: int, isolate: bool) -> None:
    """Makes settings, waits, and puts them back."""
    with journal.locked(state):
        before = Restored()
        left_over.restore_locked(machine, state, before)
        if before.problems:
            raise KmapbenchError(
                f"{before.problems[0]}: an earlier run has left it, and it cannot be put back: set"
                " it by hand, or restart the machine"
            )
        plan = plan_tuning(machine, isolate)
        path = journal.path_of(state, machine.boot_id())
        kept = Journal(
            path,
            owner,
            process_start(owner),
            [setting for setting in plan.settings if setting.kind != settings.HELD],
        )
        journal.write_journal(kept)
        try:
            refused, undone = make_settings(machine, plan.settings)
            if undone:
                kept = replace(kept, touched=tuple(sorted(undone)))
                journal.write_journal(kept)
            _say(
                {
                    "said": before.said,
                    "refusals": [asdict(one) for one in (*plan.refusals, *refused)],
                    "missing": plan.missing,
                    "effects": effects(plan, refused),
                    "cpu": plan.topology.measuring,
                }
            )
            _wait()
        finally:
            outcome = release(machine, plan.settings, kept)
            _say({"back": outcome.back, "not_back": outcome.not_back, "changed": outcome.changed})


def make_settings(machine: Machine, planned: Sequence[Setting]) -> tuple[list[Refusal], set[str]]:
    """Makes settings in their order; which ones the machine refuses, by an error or by having
    another value then. Those are as they were before, but what follows them need not be: the second
    value has the knobs of which that is so.
    """
    refused: list[Refusal] = []
    undone: set[str] = set()
    for _, of_knob in groupby(
        (setting for setting in planned if setting.is_set), key=lambda setting: setting.knob
    ):
        written: list[Setting] = []
        for setting in of_knob:
            try:
                settings.write(machine, setting, setting.wanted or "")
                written.append(setting)
            except OSError as error:
                undone |= _undo(machine, setting)
                refused.append(_refusal(setting, error.strerror or repr(error)))
        deadline = settings.patience()
        for setting in written:
            now = settings.settle(machine, setting, setting.wanted, deadline)
            if not settings.is_same(setting, now, setting.wanted):
                undone |= {setting.knob} | _undo(machine, setting)
                refused.append(_refusal(setting, f"takes {setting.wanted}, and then is {now}"))
    return refused, undone


def _refusal(setting: Setting, reason: str) -> Refusal:
    return Refusal(setting.knob, setting.path, reason)


def _undo(machine: Machine, setting: Setting) -> set[str]:
    """Puts back what was not made as it should be, so that nobody takes it for somebody else's; its
    knob, if there was something to put back.
    """
    if not settings.is_same(setting, settings.current(machine, setting), setting.before):
        try:
            settings.write(machine, setting, setting.before)
        except OSError:
            pass  # it is looked at again at the end
        return {setting.knob}
    return set()


def release(machine: Machine, made: Sequence[Setting], kept: Journal) -> Outcome:
    """Puts everything back: what ends with this process, then what is in the journal."""
    held = [setting for setting in made if setting.kind == settings.HELD]
    outcome = put_back(machine, held)
    rest = left_over.finish(machine, kept)
    return Outcome(
        outcome.back + rest.back,
        outcome.not_back + rest.not_back,
        outcome.changed + rest.changed,
        rest.unresolved,
    )


def _wait() -> None:
    """Until nobody needs the settings any more."""
    while os.read(sys.stdin.fileno(), 1 << 12):
        pass


def _say(content: dict) -> None:
    try:
        print(json.dumps(content), flush=True)
    except OSError:
        pass  # nobody is there to be told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
