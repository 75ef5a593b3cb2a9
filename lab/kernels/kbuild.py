# SPDX-License-Identifier: Apache-2.0
"""make in a kernel tree: through ccache, reproducible, counted step by step, ended with all it
started.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.core import cpus, subprocesses
from lab.core.errors import CommandFailed

# What make prints for a file it makes: two blanks, what it does, the file.
_STEP = re.compile(rb"^  [A-Z][A-Z0-9_]*\s+(?:\[M\]\s+)?(\S+)")

# Enough for a dozen of our kernels, checkers included.
_CCACHE_SIZE = "4G"


def environment(scratch: Path, cache: Path) -> dict[str, str]:
    """What makes a build give the same files wherever and whenever it runs, and ccache know its
    files again.

    Not in ccache's depend mode: all files include the configuration, so that a changed symbol would
    miss them all, where by the preprocessor's output only those are compiled that it reaches; and
    a file that the assembler puts in (.incbin, the compressed kernel) is no header that gcc lists.
    The namespace keeps away what an older kmapbench has put into the cache in that mode: a bzImage
    could have another kernel in it.

    scratch: the folder that differs from build to build.
    """
    return {
        "CCACHE_DIR": str(cache / "ccache"),
        "CCACHE_MAXSIZE": _CCACHE_SIZE,
        "CCACHE_BASEDIR": str(scratch),
        "CCACHE_NOHASHDIR": "1",
        "CCACHE_NODEPEND": "1",  # whatever the machine's own ccache.conf says
        "CCACHE_NAMESPACE": "kmapbench-1",
        "KBUILD_BUILD_TIMESTAMP": "2026-01-01",
        "KBUILD_BUILD_USER": "kmapbench",
        "KBUILD_BUILD_HOST": "lab",
    }


class Make:
    """make for one kernel: its source, its log, who is told of each step."""

    def __init__(
        self,
        source: Path,
        log: Path,
        variables: dict[str, str],
        added: dict[str, str],
        on_step: Callable[[str], None],
    ):
        self.log = log
        self.steps = 0
        self._on_step = on_step
        words = [f"{name}={value}" for name, value in variables.items()]
        self._command = [
            subprocesses.find("make", "make"),
            f"-j{cpus.count()}",
            "-C",
            str(source),
            *words,
        ]
        self._environment = subprocesses.plain_environment() | added

    def __call__(self, *targets: str) -> None:
        """Makes targets; a CommandFailed has the first error of the log."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                # By SIGTERM: make ends what it started, which the kernel does not do for it.
                subprocesses.ended_with_us([*self._command, *targets], by="TERM"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is ours to handle
            )
            assert process.stdout is not None  # a pipe, as asked for
            try:
                for line in process.stdout:
                    log.write(line)
                    if match := _STEP.match(line):
                        self.steps += 1
                        self._on_step(match[1].decode(errors="replace"))
                process.wait()
            finally:
                if process.poll() is None:
                    _end(process)
        if process.returncode != 0:
            raise CommandFailed(
                subprocesses.first_error(self.log)
                or f"make {' '.join(targets)} ended with {process.returncode}"
            )


def _end(process: subprocess.Popen) -> None:
    """Ends make and all compilers below it."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
