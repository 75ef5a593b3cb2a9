# SPDX-License-Identifier: Apache-2.0
"""Where kernels are built in a cache, which several machines may share: who may build, and the
folder to build in.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from lab.core import file_lock

# A build that was killed leaves its folder behind: the next one removes it.
PREFIX = ".building-"
_IN_USE = "in-use"  # in such a folder: the lock of who builds there


@contextmanager
def alone(kernels: Path, folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One build at a time of the kernel that will stand in a folder, whoever shares the cache.
    kernels: where this cache's kernels are built.
    """
    lock = folder.with_name(f".{folder.name}.lock")
    with (
        alone_here(kernels, say),
        file_lock.held(lock, partial(say, f"waiting for another build of {folder.name}")),
    ):
        yield


@contextmanager
def alone_here(kernels: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One build at a time of this machine in a cache, for each takes all CPUs. What a job of Slurm
    runs beside is for Slurm to say.
    """
    if "SLURM_JOB_ID" in os.environ:
        yield
        return
    waiting = partial(say, "waiting for another kernel build in this cache")
    with file_lock.held(kernels / f".lock-{os.uname().nodename}", waiting):
        yield


@contextmanager
def scratch(kernels: Path) -> Iterator[Path]:
    """A folder to build in, gone afterwards. Those of builds that were killed go first: nobody has
    the lock on them any more.
    """
    with ExitStack() as used:
        with file_lock.held(kernels / ".lock"):
            for lock in kernels.glob(f"{PREFIX}*/{_IN_USE}"):
                if (fd := file_lock.take(lock)) is not None:
                    os.close(fd)
                    shutil.rmtree(lock.parent, ignore_errors=True)
                    for log in kernels.glob(f"*{log_suffix(lock.parent)}"):
                        log.unlink(missing_ok=True)
            folder = tempfile.TemporaryDirectory(dir=kernels, prefix=PREFIX)
            made = Path(used.enter_context(folder))
            # Given back first: NFS removes no folder with a file in it that is open.
            used.enter_context(file_lock.held(made / _IN_USE))
        yield made


def log_suffix(folder: Path) -> str:
    """What the name of a log ends with that goes when its folder does."""
    return f".{folder.name.removeprefix(PREFIX)}.log"
