# SPDX-License-Identifier: Apache-2.0
"""Files of records, in order: where they are large, other processes decode the next ones while
these are worked with.
"""

import os
import signal
from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from analysis.data.bad_data import BadData
from analysis.data.json_files import JsonObject, read_lines

# Starting processes, and handing over what they have read, takes longer for less.
_WORTH_IT = 64 << 20  # bytes
_PROCESSES = 2
_AHEAD = 4  # files a process; what waits has to fit into memory

Lines = list[tuple[int, JsonObject]]
_File = tuple[Lines, list[str], BadData | None]  # lines, warnings, what is wrong behind them


def read_files(
    paths: Sequence[Path], warnings: list[str], arrays: Collection[str], unread: Collection[str]
) -> Generator[Iterator[tuple[int, JsonObject]], None, None]:
    """read_lines() of each path, one after the other: each is to be used up before the next.

    Whoever does not use up all closes it, which ends the processes. BadData where one of them was
    killed.
    """
    if (os.cpu_count() or 1) < _PROCESSES or _bytes(paths) < _WORTH_IT:
        for path in paths:
            yield read_lines(path, warnings, arrays, unread)
        return
    with ProcessPoolExecutor(_PROCESSES, get_context("fork"), _leave_ctrl_c) as pool:
        waiting: deque[Future[_File]] = deque()
        for path in paths:
            waiting.append(pool.submit(_read, path, arrays, unread))
            if len(waiting) > _PROCESSES * _AHEAD:
                yield _lines(_result(waiting.popleft()), warnings)
        while waiting:
            yield _lines(_result(waiting.popleft()), warnings)


def _bytes(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _leave_ctrl_c() -> None:
    """To the process that waits for the lines, and that ends these."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read(path: Path, arrays: Collection[str], unread: Collection[str]) -> _File:
    lines: Lines = []
    warnings: list[str] = []
    try:
        lines.extend(read_lines(path, warnings, arrays, unread))
    except BadData as error:
        return lines, warnings, error
    return lines, warnings, None


def _result(file: Future[_File]) -> _File:
    try:
        return file.result()
    except BrokenProcessPool:
        raise BadData(
            "a process that reads records was killed, as where memory runs out; try again"
        ) from None


def _lines(file: _File, warnings: list[str]) -> Iterator[tuple[int, JsonObject]]:
    lines, told, error = file
    yield from lines
    warnings.extend(told)
    if error:
        raise error
