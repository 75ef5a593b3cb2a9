# SPDX-License-Identifier: Apache-2.0
"""Bugs to be planted in the module, one at a time: each has to be noticed."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.core.dirs import MODULE_SOURCE


@dataclass(frozen=True)
class Mutation:
    """Replaces old by new, once, in a file of kernel-bench-module."""

    name: str
    file: str
    old: str
    new: str = ""


_PUBLISHED = "model/kmap_local/protected"
_SLIM = "model/kmap_local_slim/protected"
_NEVER_CLOSED = "the page was not closed before the map"

# Each takes away one of the three things that protection is made of: the bug, a case that
# it breaks, and what the oracle has to say of it.
UNPROTECTED = [
    (Mutation("no_key", "model.c", " | ((u64)key << KB_PTE_KEY_SHIFT)"), _PUBLISHED, _NEVER_CLOSED),
    (
        Mutation("no_cr4", "pks.c", "kb_cr4_set_pks(true);", ";"),
        _PUBLISHED,
        _NEVER_CLOSED,
    ),
    (
        Mutation("no_write", "model_published_pks.c", "\tkb_write_pkrs(pkrs);"),
        _PUBLISHED,
        "the open page faulted",
    ),
    (
        Mutation("no_slim_open", "model_slim.c", "\tkb_write_pkrs(KB_PKRS_OPEN);"),
        _SLIM,
        "the open page faulted",
    ),
    (
        Mutation("no_slim_close", "model_slim.c", "\tkb_write_pkrs(KB_PKRS_CLOSED);"),
        _SLIM,
        "the page was not closed after the unmap",
    ),
]

# Changes one page of the direct map and changes it back, which splits a large mapping for
# ever. A page of a 2 MiB block that is not split yet: the blocks before it are kept meanwhile.
SPLITS = Mutation(
    "splits",
    "model.c",
    "\tworld.pagemap.flags = pagemap_flags;",
    "\textern int set_memory_uc(unsigned long addr, int pages);\n"
    "\textern int set_memory_wb(unsigned long addr, int pages);\n"
    "\tstruct page *blocks[64] = {};\n"
    "\tunsigned int level = 0, taken = 0;\n"
    "\tunsigned long block;\n"
    "\tdo {\n"
    "\t\tblocks[taken] = alloc_pages(GFP_KERNEL, 9);\n"
    "\t\tblock = (unsigned long)page_address(blocks[taken]);\n"
    "\t\tlookup_address(block, &level);\n"
    "\t} while (++taken < ARRAY_SIZE(blocks) && level != PG_LEVEL_2M);\n"
    "\tset_memory_uc(block, 1);\n"
    "\tset_memory_wb(block, 1);\n"
    "\twhile (taken--)\n"
    "\t\t__free_pages(blocks[taken], 9);\n"
    "\tworld.pagemap.flags = pagemap_flags;",
)

# No bug: a millisecond that something else takes of three probes in four, which a run is to
# survive.
DISTURBED = Mutation(
    "disturbed",
    "sample.c",
    "\tticks = probe.empty_n",
    "\tstatic u32 probes;\n\n"
    "\tif (++probes % 4)\n"
    "\t\tprobe.case_2n += tsc_khz;\n"
    "\tticks = probe.empty_n",
)

# No bug either: a machine whose NMIs do not arrive.
NO_NMI = Mutation("no_nmi", "entry.c", "\tapic->send_IPI(cpu, NMI_VECTOR);\n")

# Each forgets to put one thing back. CR4 last: a module that finds it set leaves it alone.
LEFT_BEHIND = [
    Mutation("keeps_alias", "model.c", "\tvunmap(world.alias);"),
    Mutation("keeps_pkrs", "pks.c", "\tkb_write_pkrs(state->found);"),
    Mutation("keeps_cr4", "pks.c", "kb_cr4_set_pks(false);", ";"),
]


# Mistakes that only a debugging kernel sees, and what it says of each.
DEBUGGED = [
    (
        Mutation(
            "use_after_free",
            "model.c",
            "\tkvfree(world.descriptors);",
            "\tkvfree(world.descriptors);\n\tREAD_ONCE(world.descriptors->flags);",
        ),
        "KASAN: slab-use-after-free",
    ),
    (
        Mutation(
            "sleeps",
            "sample.c",
            "\tkb_enter(c, ctx);\n\n\tsample->",
            "\tkb_enter(c, ctx);\n\tmight_sleep();\n\n\tsample->",
        ),
        "sleeping function called from invalid context",
    ),
    (
        Mutation(
            "locks",
            "main.c",
            "\tbegin = kb_clock();",
            "\tstatic DEFINE_MUTEX(other_mutex);\n"
            "\tmutex_lock(&run_mutex);\n\tmutex_lock(&other_mutex);\n"
            "\tmutex_unlock(&other_mutex);\n\tmutex_unlock(&run_mutex);\n"
            "\tmutex_lock(&other_mutex);\n\tmutex_lock(&run_mutex);\n"
            "\tmutex_unlock(&run_mutex);\n\tmutex_unlock(&other_mutex);\n"
            "\tbegin = kb_clock();",
        ),
        "possible circular locking dependency",
    ),
    (
        Mutation("leaks", "working_set.c", "\tkvfree(pages);"),
        "unreferenced object",
    ),
]


def plant(mutation: Mutation, folder: Path) -> Path:
    """A copy of the module's source with the bug in it."""
    source = folder / mutation.name
    shutil.copytree(
        MODULE_SOURCE,
        source,
        ignore=shutil.ignore_patterns("tests", "*.o", "*.ko", "*.mod.c", ".*"),
    )
    path = source / mutation.file
    text = path.read_text()
    assert (
        text.count(mutation.old) == 1
    ), f"{mutation.name}: {mutation.file} has changed, and so must this list"
    path.write_text(text.replace(mutation.old, mutation.new))
    return source
