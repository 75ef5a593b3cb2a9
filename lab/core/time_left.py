# SPDX-License-Identifier: Apache-2.0
"""How long a run will still take, by what its steps took before. What was never measured is not
known, and then nothing is said.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

# A step that takes longer than it did has at least this share of it left.
_LEAST_SHARE = 0.05
# How much faster or slower than before the steps of this run may be.
_SLOWEST, _FASTEST = 2.0, 0.5
# Kinds of run that are remembered; the oldest goes first.
_REMEMBERED = 100


class TimeLeft:
    """Steps of a run, of several kinds. Seconds of each kind are kept in a file of the cache."""

    def __init__(self, file: Path, run: str, clock: Callable[[], float] = time.monotonic):
        """run: what runs of the same steps have in common."""
        self._file, self._run, self._clock = file, run, clock
        self._known = dict(_read(file).get(run, {}))
        self._waiting: Counter[str] = Counter()
        self._at_once = 1
        self._serial: frozenset[str] = frozenset()
        self._running: dict[tuple[str, str], float] = {}
        self._expected = self._took = 0.0  # of steps that have ended

    def plan(self, steps: Mapping[str, int], serial: frozenset[str], at_once: int) -> None:
        """How many steps of each kind are still to begin.

        serial: kinds of which one runs at a time; at_once: steps of the others that do.
        """
        self._waiting, self._serial, self._at_once = Counter(steps), serial, at_once

    def begin(self, kind: str, name: str = "") -> None:
        """name: tells steps of a kind apart that run at once."""
        self._waiting[kind] = max(0, self._waiting[kind] - 1)
        self._running[kind, name] = self._clock()

    def end(self, kind: str, name: str = "", keep: bool = True) -> None:
        """keep: whether the step took as long as it takes others of its kind."""
        began = self._running.pop((kind, name), None)
        if began is None or not keep:
            return
        took = self._clock() - began
        if before := self._known.get(kind):
            self._expected += before
            self._took += took
        self._known[kind] = took
        with suppress(OSError):  # the next run can do without
            self._write()

    def left(self) -> float | None:
        """Seconds; None: a step is still to be made that was never measured."""
        kinds = [*(kind for kind, count in self._waiting.items() if count)]
        kinds += [kind for kind, _ in self._running]
        if not kinds or any(kind not in self._known for kind in kinds):
            return None
        now = self._clock()
        serial, beside, longest = 0.0, 0.0, 0.0
        single = [(kind, self._known[kind]) for kind in self._waiting.elements()]
        for (kind, _), began in self._running.items():
            known = self._known[kind]
            single.append((kind, max(known - (now - began), _LEAST_SHARE * known)))
        for kind, seconds in single:
            if kind in self._serial:
                serial += seconds
            else:
                beside += seconds
                longest = max(longest, seconds)
        pace = self._took / self._expected if self._expected else 1.0
        pace = min(max(pace, _FASTEST), _SLOWEST)
        return pace * (serial + max(beside / self._at_once, longest))

    def _write(self) -> None:
        runs = _read(self._file)
        runs.pop(self._run, None)
        runs[self._run] = self._known
        for oldest in list(runs)[:-_REMEMBERED]:
            del runs[oldest]
        written = self._file.with_name(f"{self._file.name}.new")
        written.write_text(json.dumps(runs, indent=1) + "\n")
        written.replace(self._file)


def in_words(seconds: float) -> str:
    """Near enough, and told at a glance: 3 s, 40 s, 1 min 20 s, 7 min, 1 h 20 min."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 55:
        return f"{5 * round(seconds / 5)} s"
    tens = round(seconds / 10)
    if tens < 30:
        return f"{tens // 6} min" + (f" {tens % 6}0 s" if tens % 6 else "")
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _read(file: Path) -> dict[str, dict[str, float]]:
    """Nothing where there is no such file, or what is in it is not ours."""
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text())
        if isinstance(found, dict) and all(_is_known(known) for known in found.values()):
            return found
    return {}


def _is_known(known: object) -> bool:
    return isinstance(known, dict) and all(
        isinstance(seconds, (int, float)) and 0 <= seconds < 1e6 for seconds in known.values()
    )
