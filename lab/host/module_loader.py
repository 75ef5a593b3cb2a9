# SPDX-License-Identifier: Apache-2.0
"""Holds a kernel module loaded for as long as its standard input is open.

    python3 -m lab.host.module_loader MODULE.ko

A process of its own, so that the module goes whatever becomes of the one that needs it: the pipe
closes when that one ends, by Ctrl-C, by an error or by SIGKILL alike. Says "loaded", or the errno
of the refusal, as its one line.
"""

import ctypes
import errno
import os
import signal
import sys
import time
from pathlib import Path

# asm/unistd_64.h. By the calls themselves and not by insmod and rmmod: the kernel's answer is an
# errno, not prose.
_SYS_DELETE_MODULE = 176
_SYS_FINIT_MODULE = 313

# A case that is being measured ends within a sample; its caller is gone by then.
_UNLOAD_LIMIT_SECONDS = 30

_libc = ctypes.CDLL(None, use_errno=True)


def load(path: Path) -> int:
    """Loads a module; 0, or the errno."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        failed = _libc.syscall(_SYS_FINIT_MODULE, fd, b"", 0) != 0
        return ctypes.get_errno() if failed else 0
    finally:
        os.close(fd)


def unload(name: str) -> int:
    """Unloads a module, as soon as nobody holds its device any more; 0, or the errno. One that is
    gone is no error.
    """
    deadline = time.monotonic() + _UNLOAD_LIMIT_SECONDS
    while _libc.syscall(_SYS_DELETE_MODULE, name.encode(), os.O_NONBLOCK) != 0:
        error = ctypes.get_errno()
        if error == errno.ENOENT:
            return 0
        if (
            error not in (errno.EAGAIN, errno.EBUSY, errno.EWOULDBLOCK)
            or time.monotonic() > deadline
        ):
            return error
        time.sleep(0.02)
    return 0


def main(path: Path) -> int:
    # Only the end of the one who needs the module is a reason to unload it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    refused = load(path)
    try:
        print(refused or "loaded", flush=True)
    except OSError:
        pass  # nobody is there to be told, and so nobody needs it
    if refused:
        return 0
    while os.read(sys.stdin.fileno(), 1 << 12):
        pass
    return unload(path.stem)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
