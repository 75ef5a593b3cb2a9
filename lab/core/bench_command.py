# SPDX-License-Identifier: Apache-2.0
"""kmap_bench's command line: the one place that knows how its options are spelled."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.core.dirs import build_dir

# Both halves of its cases, as it names them: those of the kernel, and user models, which are
# measured on the host.
KERNEL, USER = "kernel", "user"

# Fields of BenchCommand with a value, and their options.
_VALUES = {
    "out": "--benchmark_out",
    "records": "--kmapbench_records",
    "environment": "--kmapbench_environment",
    "clock": "--kmapbench_clock",
    "variant": "--kmapbench_variant",
    "boot": "--kmapbench_boot",
    "launch": "--kmapbench_launch",
    "repetitions": "--kmapbench_repetitions",
    "samples": "--kmapbench_samples",
    "counters": "--kmapbench_counters",
}
_SWITCHES = {
    "listing": "--benchmark_list_tests",
    "events": "--kmapbench_events",
    "plain": "--benchmark_color=false",
}


def built() -> Path:
    """The program as it is built, or will be."""
    return build_dir() / "bench" / "kmap_bench"


def matching(names: Sequence[str], glob: str) -> list[str]:
    """The names that a glob matches as a whole."""
    wanted = re.compile(_expression(glob))
    return [name for name in names if wanted.fullmatch(name)]


def _expression(glob: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in glob)


@dataclass(frozen=True)
class BenchCommand:
    """A command line. What is None or False is left out."""

    program: str | Path = "kmap_bench"  # by its name: on the PATH of a guest
    half: str | None = None  # KERNEL or USER
    cases: str | None = None  # default, all, or a glob of whole names
    names: Sequence[str] | None = None  # in place of cases: these and no other
    listing: bool = False  # list the cases, measure nothing
    events: bool = False  # say on the stream of records which case begins
    plain: bool = False  # no colours, for a console that is kept as a file
    out: str | Path | None = None  # Google Benchmark's JSON
    records: str | Path | None = None
    environment: str | Path | None = None
    clock: str | None = None
    variant: str | None = None
    boot: int | None = None
    launch: int | None = None
    repetitions: int | None = None
    samples: int | None = None
    counters: str | None = None  # "": none

    def words(self) -> list[str]:
        """The words, for a process or for shlex.join()."""
        values = [
            f"{option}={getattr(self, name)}"
            for name, option in _VALUES.items()
            if getattr(self, name) is not None
        ]
        switches = [option for name, option in _SWITCHES.items() if getattr(self, name)]
        return [str(self.program), *self._selection(), *switches, *values]

    def _selection(self) -> list[str]:
        only = [f"--kmapbench_only={self.half}"] if self.half else []
        if self.names is not None:
            return [*only, *_filter("|".join(map(re.escape, self.names)))]
        if self.cases in ("default", "all"):
            return [*only, f"--kmapbench_cases={self.cases}"]
        return [*only, *(_filter(_expression(self.cases)) if self.cases is not None else [])]


def _filter(expression: str) -> list[str]:
    # Google Benchmark appends /iterations:N and more to a name, and takes extended regular
    # expressions.
    return [f"--benchmark_filter=^({expression})/iterations:", "--kmapbench_cases=all"]
