# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGHUP end a command as Ctrl-C does: what was measured is kept, and what was made on
the side is removed.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from formats import exit_codes


class Ended(KeyboardInterrupt):
    """By another signal than Ctrl-C's."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.exit_code = exit_codes.SIGNALLED + number


def cause(error: BaseException) -> str:
    """What ended us, as a user names it."""
    return str(error) or ("Ctrl-C" if isinstance(error, KeyboardInterrupt) else repr(error))


def exit_code(error: KeyboardInterrupt) -> int:
    """As a shell gives it of a program that a signal ended."""
    return error.exit_code if isinstance(error, Ended) else exit_codes.INTERRUPTED


@contextmanager
def heeded() -> Iterator[None]:
    """Inside, both signals raise Ended; those that we were started to ignore, as by nohup, do not.
    Nothing changes in a thread, which gets no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    heeding = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in heeding:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number, old in heeding.items():
            signal.signal(number, old)


def _end(number: int, _: FrameType | None) -> None:
    raise Ended(number)
