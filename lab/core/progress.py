# SPDX-License-Identifier: Apache-2.0
"""Says what is being done and how long it will take: a bar on a terminal, plain lines elsewhere."""

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Display:
    """A context manager. What a unit of work is, the caller knows: a boot, a step of a build."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._total = 0.0
        self._done = 0.0
        self._started = self._planned = time.monotonic()

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def plan(self, work: float) -> None:
        """How much there will be from here on; what was done before does not count."""
        self._total = work
        self._done = 0.0
        self._planned = time.monotonic()  # what came before says nothing of what is left
        if self._bar and self._task is not None:
            self._bar.update(self._task, total=work, completed=0)

    def say(self, doing: str) -> None:
        """What is being done now."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, description=doing)
        else:
            self._line(doing)

    def advance(self, work: float) -> None:
        """So much more is done."""
        self._done += work
        if self._bar and self._task is not None:
            self._bar.update(self._task, advance=work)

    def detail(self, doing: str) -> None:
        """What is being done, where it changes too often for lines: shown on the bar only."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, description=doing)

    def note(self, text: str) -> None:
        """A line that stays."""
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            self._line(text)

    def _line(self, text: str) -> None:
        elapsed = time.monotonic() - self._started
        left = ""
        if 0 < self._done < self._total:
            spent = time.monotonic() - self._planned
            left = f", about {spent / self._done * (self._total - self._done):.0f} s left"
        print(f"[{elapsed:4.0f} s{left}] {text}", file=sys.stderr, flush=True)
