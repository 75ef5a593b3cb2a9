# SPDX-License-Identifier: Apache-2.0
"""Says what is being done and how long it will take: a bar on a terminal, plain lines elsewhere."""

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from lab.core.time_left import TimeLeft, in_words

# A terminal that is narrower has no room for a bar beside the words.
_LEAST_COLUMNS = 72
# Units that are done say how long the others will take from this share on.
_LEAST_SHARE = 0.1
# Between plain lines about what is being done within a step.
_QUIET_SECONDS = 10.0


class _LeftColumn(ProgressColumn):
    def __init__(self, display: "Display"):
        super().__init__(table_column=Column(no_wrap=True))
        self._display = display

    def render(self, task: Task) -> Text:
        return Text(self._display.in_words())


class Display:
    """A context manager. What a unit of work is, the caller knows: a boot, a step of a build."""

    def __init__(self, time_left: TimeLeft | None = None) -> None:
        """time_left: where steps are as long as they were in the run before."""
        self._console = Console(stderr=True)
        self._time_left = time_left
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._total = 0.0
        self._done = 0.0
        self._is_even = False
        self._started = self._planned = time.monotonic()
        self._said = self._started

    def __enter__(self) -> "Display":
        console = self._console
        is_wide = console.width >= _LEAST_COLUMNS
        if console.is_terminal and not console.is_dumb_terminal and is_wide:
            described = Column(ratio=1, no_wrap=True, overflow="ellipsis")
            self._bar = Progress(
                TextColumn("{task.description}", table_column=described),
                BarColumn(bar_width=20),
                TimeElapsedColumn(),
                _LeftColumn(self),
                console=console,
                transient=True,
                expand=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("preparing", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def plan(self, work: float, is_even: bool = True) -> None:
        """How much there will be from here on; what was done before does not count.

        is_even: units take about as long as each other, so that those that are done say how long
        the others will take.
        """
        self._total = work
        self._done = 0.0
        self._is_even = is_even
        self._planned = time.monotonic()  # what came before says nothing of what is left
        if self._bar and self._task is not None:
            self._bar.update(self._task, total=work, completed=0)

    def begin(self, kind: str, name: str = "") -> None:
        """A step of a run begins. name: tells steps of a kind apart that run at once."""
        if self._time_left:
            self._time_left.begin(kind, name)

    def end(self, kind: str, name: str = "", keep: bool = True) -> None:
        """A step has ended. keep: whether it took as long as it takes others of its kind."""
        if self._time_left:
            self._time_left.end(kind, name, keep and not self._is_even)

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
        """What is being done, where it changes too often for lines: shown on the bar, and else in
        a line now and then.
        """
        if self._bar and self._task is not None:
            self._bar.update(self._task, description=doing)
        elif time.monotonic() - self._said >= _QUIET_SECONDS:
            self._line(doing)

    def note(self, text: str) -> None:
        """A line that stays."""
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            self._line(text)

    def left(self) -> float | None:
        """Seconds; None where nothing is known."""
        if not self._is_even:
            return self._time_left.left() if self._time_left else None
        if not _LEAST_SHARE * self._total <= self._done < self._total:
            return None
        spent = time.monotonic() - self._planned
        return spent / self._done * (self._total - self._done)

    def in_words(self) -> str:
        """The time left; empty where nothing is known."""
        left = self.left()
        return "" if left is None else f"about {in_words(left)} left"

    def _line(self, text: str) -> None:
        self._said = time.monotonic()
        left = self.in_words()
        stamp = f"{self._said - self._started:4.0f} s{', ' if left else ''}{left}"
        print(f"[{stamp}] {text}", file=sys.stderr, flush=True)
