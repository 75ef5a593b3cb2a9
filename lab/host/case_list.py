# SPDX-License-Identifier: Apache-2.0
"""All cases that a run can measure: the module's and kmap_bench's own."""

from lab.core import bench_command, kernel_cases
from lab.core.errors import KmapbenchError
from lab.core.kernel_cases import KernelCase
from lab.host import bench_program

# kmap_bench's own cases, by glob: it has no descriptions.
_OWN = {
    "elsewhere/syscall": "`getppid()`, called from user space",
    "elsewhere/user_fault": "a read in user space of a page that its private mapping does not have"
    " yet: the zero page gets mapped",
    "elsewhere/fork_exit": "`fork()`, exit of the child, `wait4()`",
    "user/*": "the path in user space ([user-models.md](user-models.md))",
}


def own_globs() -> list[KernelCase]:
    """kmap_bench's own cases, by glob; a KmapbenchError where glob and cases do not fit."""
    program = bench_command.built()
    every = bench_program.matching(program, "all", None)
    usual = set(bench_program.matching(program, "default", None))
    rows = []
    for pattern, what in _OWN.items():
        meant = bench_command.matching(every, pattern)
        if not meant:
            raise KmapbenchError(f"{pattern}: kmap_bench has no such case; take it out of the list")
        every = [name for name in every if name not in meant]
        rows.append(KernelCase(pattern, bool(usual & set(meant)), what))
    if every:
        raise KmapbenchError(f"{every[0]}: has no description; add one to the list")
    return rows


def all_cases() -> list[KernelCase]:
    """Every case by its own name; kmap_bench has to be built."""
    globs = own_globs()
    program = bench_command.built()
    usual = set(bench_program.matching(program, "default", None))
    own = []
    for name in bench_program.matching(program, "all", None):
        what = next(one.what for one in globs if bench_command.matching([name], one.name))
        own.append(KernelCase(name, name in usual, what))
    return kernel_cases.listed() + own
