# SPDX-License-Identifier: Apache-2.0
"""Locks between processes of one machine, and of machines that share a folder over NFS.

They are open file description locks of fcntl(2): a server of NFS keeps them for all its clients and
for itself. flock(2) is emulated by clients alone, so that a process on the server would not see it.
A lock is gone when its descriptor is closed, or its process or machine has ended.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.core.errors import KmapbenchError

# struct flock: type, whence, start, length (0: the whole file), process (0: of the description).
_WHOLE_FILE = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
_BUSY = (errno.EACCES, errno.EAGAIN)


def take(path: Path) -> int | None:
    """The descriptor of the lock on a file, which is made where it is missing; None: somebody else
    has it. A KmapbenchError where the file cannot be locked at all.
    """
    fd = _open(path)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except OSError as error:
        os.close(fd)
        if error.errno in _BUSY:
            return None
        raise _unlockable(path, error) from None
    return fd


@contextmanager
def held(path: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Has the lock on a file meanwhile. wait: called where somebody else has it, before waiting."""
    fd = take(path)
    if fd is None:
        wait()
        fd = _open(path)
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLKW, _WHOLE_FILE)
        except BaseException as error:
            os.close(fd)
            if isinstance(error, OSError):
                raise _unlockable(path, error) from None
            raise
    try:
        yield
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise KmapbenchError(f"{path}: {error.strerror}; it has to be writable") from None


def _unlockable(path: Path, error: OSError) -> KmapbenchError:
    return KmapbenchError(
        f"{path}: cannot be locked ({error.strerror}); its file system has to support locks of"
        " fcntl(2), as NFS does with lockd"
    )
