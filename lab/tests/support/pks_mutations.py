# SPDX-License-Identifier: Apache-2.0
"""Bugs to be planted in our PKS series, one at a time: the semantic tests have to notice each.

Hunks that no test here can tell from their absence, and why, stand in UNTESTED; what the series
changes of callers is planted on another image (pks_caller_mutations).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """Replaces old by new, once, in a file of the patched kernel.

    A header keeps its time stamp, so that make rebuilds none of its thousands of users but those
    in seen_by.
    """

    name: str
    file: str
    old: str
    new: str = ""
    seen_by: tuple[str, ...] = ()


@contextmanager
def planted(mutant: Mutant, source: Path) -> Iterator[None]:
    """The mutant in the tree, and afterwards all as it was; make has something to do after both."""
    path = source / mutant.file
    original = path.read_text()
    assert (
        original.count(mutant.old) == 1
    ), f"{mutant.file}: {original.count(mutant.old)} times {mutant.old!r}"
    _change(mutant, source, original.replace(mutant.old, mutant.new))
    try:
        yield
    finally:
        _change(mutant, source, original)


def _change(mutant: Mutant, source: Path, text: str) -> None:
    _rewrite(source / mutant.file, text, keep_time=mutant.file.endswith(".h"))
    for name in mutant.seen_by:
        _rewrite(source / name, (source / name).read_text())


def _rewrite(path: Path, text: str, keep_time: bool = False) -> None:
    """Into a new file: the old one is a link to the unpacked package."""
    status = path.stat()
    path.unlink()
    path.write_text(text)
    if keep_time:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _without(name: str, file: str, old: str, seen_by: tuple[str, ...] = ()) -> Mutant:
    return Mutant(name, file, old, "", seen_by)


_PKS = "arch/x86/mm/pks.c"
_PKS_H = "arch/x86/include/asm/pks.h"
_PKS_TYPES_H = "arch/x86/include/asm/pks_types.h"
_ENTRY = "kernel/entry/common.c"
_SWITCH = "arch/x86/kernel/process_64.c"
_FAULT = "arch/x86/mm/fault.c"
_EXTABLE = "arch/x86/mm/extable.c"
_MACCESS = "arch/x86/mm/maccess.c"
_MEMREMAP = "mm/memremap.c"
_MEMREMAP_H = "include/linux/memremap.h"
_HIGHMEM_H = "include/linux/highmem-internal.h"
_TRACK = "mm/kmap_track.c"
_END = "\tpgmap_end_access({});\n"


def _set(opened: str, address: str, indent: int = 1, declared: bool = True) -> str:
    kind = "bool " if declared else ""
    return "\t" * indent + f"{kind}{opened} = pgmap_begin_access({address});\n"


def _unopened(name: str, file: str, begins: str) -> Mutant:
    """An access without the bracket around it."""
    before, _, after = begins.partition("pgmap_begin_access(")
    call, _, rest = after.partition(");\n")
    del call
    return Mutant(name, file, begins, before + "false;\n" + rest)


def _unended(name: str, file: str, what: str, opened: str = "opened") -> Mutant:
    """An access whose bracket has no end."""
    return Mutant(name, file, what + _END.format(opened), what)


def _twice(name: str, file: str, what: str, opened: str = "opened") -> Mutant:
    """An access whose bracket ends twice."""
    end = _END.format(opened)
    return Mutant(name, file, what + end, what + end + end)


def _statements(*lines: str, indent: int = 1) -> str:
    return "".join("\t" * indent + f"{line}\n" for line in lines)


_OPEN_THREAD = "WRITE_ONCE(current->thread.pks, before + PKS_BRACKET);"
_OPEN_CACHE, _OPEN_MSR = "this_cpu_write(pkrs_open, true);", "pks_write_msr(PKRS_OPEN);"
_CLOSE_THREAD = "WRITE_ONCE(current->thread.pks, 0);"
_CLOSE_MSR, _CLOSE_CACHE = "pks_write_msr(PKRS_CLOSED);", "this_cpu_write(pkrs_open, false);"
_WAS_OPEN = "\tif (before)\n\t\treturn;\n\n"
_LAST = "\t/* What the thread has opened by straying ends with its last bracket. */\n"
_OPEN = _statements(_OPEN_THREAD) + _WAS_OPEN + _statements(_OPEN_CACHE, _OPEN_MSR)
_INNER = (
    "\tif (word >= PKS_BRACKET) {\n"
    "\t\tWRITE_ONCE(current->thread.pks, word);\n\t\treturn;\n\t}\n\n"
)
_LOAD_OPEN = _statements(_OPEN_CACHE, _OPEN_MSR, indent=2) + "\t} else {\n"
_LOAD_CLOSED = "\t} else {\n" + _statements(_CLOSE_MSR, _CLOSE_CACHE, indent=2) + "\t}\n}\n"
_CLOSE = _LAST + _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE)


def _opening(name: str, *parts: str) -> Mutant:
    return Mutant(name, _PKS_H, _OPEN, "".join(parts), (_MEMREMAP, _EXTABLE))


def _closing(name: str, *lines: str) -> Mutant:
    return Mutant(name, _PKS_H, _CLOSE, _LAST + _statements(*lines), (_MEMREMAP, _EXTABLE))


CPU = [
    _without(
        "nopks_does_nothing",
        "arch/x86/kernel/cpu/common.c",
        "\tsetup_clear_cpu_cap(X86_FEATURE_PKS);\n",
    ),
    _without("no_cpu_is_set_up", "arch/x86/kernel/cpu/common.c", "\tpks_setup_cpu();\n"),
    _without("cr4_is_not_set", _PKS, "\tcr4_set_bits(X86_CR4_PKS);\n"),
    Mutant(
        "register_is_not_set",
        _PKS,
        _statements(_CLOSE_MSR, _CLOSE_CACHE, "cr4_set_bits(X86_CR4_PKS);"),
        _statements(_CLOSE_CACHE, "cr4_set_bits(X86_CR4_PKS);"),
    ),
    _without(
        "register_is_lost_in_sleep",
        "arch/x86/power/cpu.c",
        "\t\twrmsrl(MSR_IA32_PKRS, PKRS_CLOSED);\n",
    ),
    _without("nobody_is_told_of_protection", _PKS, "\tstatic_branch_enable(&pks_key);\n"),
    Mutant(
        "keys_of_nobody_are_open",
        _PKS_TYPES_H,
        "#define PKRS_CLOSED\t\t0x55555554U\n",
        "#define PKRS_CLOSED\t\t0x00000004U\n",
        (_PKS, _ENTRY, _SWITCH, _MEMREMAP, _EXTABLE, "arch/x86/power/cpu.c"),
    ),
]

THREAD = [
    _without("child_inherits", "arch/x86/kernel/process.c", "\tpks_reset_thread(p);\n"),
    _without("switch_changes_nothing", _SWITCH, "\tpks_switch_to(next_p);\n"),
    Mutant(
        "switch_looks_at_the_next_thread_alone",
        _PKS_H,
        "likely(!(READ_ONCE(next->thread.pks) | this_cpu_read(pkrs_open))))",
        "likely(!READ_ONCE(next->thread.pks)))",
        (_SWITCH,),
    ),
    Mutant(
        "switch_looks_at_the_register_alone",
        _PKS_H,
        "likely(!(READ_ONCE(next->thread.pks) | this_cpu_read(pkrs_open))))",
        "likely(!this_cpu_read(pkrs_open)))",
        (_SWITCH,),
    ),
    Mutant(
        "switch_does_not_open_the_register",
        _PKS_H,
        _LOAD_OPEN,
        _statements(_OPEN_CACHE, indent=2) + "\t} else {\n",
        (_SWITCH, _PKS),
    ),
    Mutant(
        "switch_does_not_close_the_register",
        _PKS_H,
        _LOAD_CLOSED,
        "\t} else {\n" + _statements(_CLOSE_CACHE, indent=2) + "\t}\n}\n",
        (_SWITCH, _PKS),
    ),
    Mutant(
        "what_strayed_is_given_back",
        _PKS_H,
        "\tif (next->thread.pks == PKS_STRAYED)\n\t\tnext->thread.pks = 0;\n",
        "",
        (_SWITCH,),
    ),
    _opening("open_without_cache", _statements(_OPEN_THREAD), _WAS_OPEN, _statements(_OPEN_MSR)),
    _opening(
        "open_without_register", _statements(_OPEN_THREAD), _WAS_OPEN, _statements(_OPEN_CACHE)
    ),
    _opening("open_without_thread", _WAS_OPEN, _statements(_OPEN_CACHE, _OPEN_MSR)),
    _opening(
        "open_thread_last",
        _statements("if (before) {", f"\t{_OPEN_THREAD}", "\treturn;", "}"),
        _statements(_OPEN_CACHE, _OPEN_MSR, _OPEN_THREAD),
    ),
    _opening(
        "open_does_not_count",
        _WAS_OPEN,
        _statements("WRITE_ONCE(current->thread.pks, PKS_BRACKET);", _OPEN_CACHE, _OPEN_MSR),
    ),
    _without(
        "close_ends_all_brackets",
        _PKS_H,
        _INNER,
        (_MEMREMAP, _EXTABLE),
    ),
    _without("close_does_not_count", _PKS_H, "\tword -= PKS_BRACKET;\n", (_MEMREMAP, _EXTABLE)),
    _closing("close_without_register", _CLOSE_THREAD, _CLOSE_CACHE),
    _closing("close_without_thread", _CLOSE_MSR, _CLOSE_CACHE),
    _closing("close_cache_before_register", _CLOSE_THREAD, _CLOSE_CACHE, _CLOSE_MSR),
    _closing("close_thread_last", _CLOSE_MSR, _CLOSE_CACHE, _CLOSE_THREAD),
    Mutant(
        "end_without_a_bracket_is_not_seen",
        _PKS_H,
        "\tif (WARN_ON_ONCE(word < PKS_BRACKET))\n",
        "\tif (word < PKS_BRACKET)\n",
        (_MEMREMAP,),
    ),
    Mutant(
        "end_without_a_bracket_counts",
        _PKS_H,
        "\tif (WARN_ON_ONCE(word < PKS_BRACKET))\n\t\treturn;\n",
        "\tWARN_ON_ONCE(word < PKS_BRACKET);\n",
        (_MEMREMAP,),
    ),
]

_ENTRY_CLOSE = _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE) + "\treturn word;\n"
_EXIT_OPEN = _statements("WRITE_ONCE(current->thread.pks, word);", _OPEN_CACHE, _OPEN_MSR, indent=2)
_EXIT_CLOSE = _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE, indent=2)


def _entry(name: str, old: str, new: str = "") -> Mutant:
    return Mutant(name, _PKS_H, old, new, (_ENTRY,))


ENTRY = [
    Mutant(
        "interrupts_run_open",
        _ENTRY,
        "\tpks = arch_save_and_close_pkeys();\n\n\t/*\n\t * If this entry hit the idle",
        "\tpks = 0;\n\n\t/*\n\t * If this entry hit the idle",
    ),
    Mutant(
        "nmis_run_open",
        _ENTRY,
        "\tu32 pks = arch_save_and_close_pkeys();\n\tirqentry_state_t",
        "\tu32 pks = 0;\n\tirqentry_state_t",
    ),
    Mutant(
        "what_was_closed_is_forgotten",
        _ENTRY,
        "\treturn irqentry_make_state(pks, false);\n",
        "\treturn irqentry_make_state(0, false);\n",
    ),
    Mutant(
        "what_was_closed_is_forgotten_in_an_nmi",
        _ENTRY,
        "irqentry_make_state(pks, lockdep_hardirqs_enabled())",
        "irqentry_make_state(0, lockdep_hardirqs_enabled())",
    ),
    _without("not_restored", _ENTRY, "\tirqentry_restore_pkeys(regs, state, false);\n"),
    _without(
        "not_restored_after_nmi", _ENTRY, "\tirqentry_restore_pkeys(regs, irq_state, true);\n"
    ),
    _entry(
        "handler_finds_the_count",
        _ENTRY_CLOSE,
        _statements(_CLOSE_MSR, _CLOSE_CACHE) + "\treturn word;\n",
    ),
    _entry(
        "handler_has_the_register",
        _ENTRY_CLOSE,
        _statements(_CLOSE_THREAD) + "\treturn word;\n",
    ),
    _entry(
        "entry_looks_at_the_thread_alone",
        "\tif (likely(!(word | this_cpu_read(pkrs_open))))\n",
        "\tif (likely(!word))\n",
    ),
    _entry(
        "entry_looks_at_the_register_alone",
        "\tif (likely(!(word | this_cpu_read(pkrs_open))))\n",
        "\tif (likely(!this_cpu_read(pkrs_open)))\n",
    ),
    _entry("thread_is_not_given_back", _EXIT_OPEN, _statements(_OPEN_CACHE, _OPEN_MSR, indent=2)),
    _entry(
        "register_is_not_given_back",
        _EXIT_OPEN,
        _statements("WRITE_ONCE(current->thread.pks, word);", indent=2),
    ),
    _entry(
        "exit_restores_what_was_open_alone",
        "\t} else if (nmi || !user_mode(regs)) {\n",
        "\t} else if (false) {\n",
    ),
    _entry(
        "what_a_handler_strayed_into_stays_open",
        _EXIT_CLOSE,
        _statements(_CLOSE_THREAD, _CLOSE_CACHE, indent=2),
    ),
    _entry(
        "exit_takes_the_flag_for_a_right",
        "\tword = saved & PKS_WORD;\n",
        "\tword = saved;\n",
    ),
]

# What only a key that is turned on meanwhile lets see.
TURNED_ON = [
    _entry(
        "handlers_that_began_before_the_key_end_open",
        "\tif (!static_branch_unlikely(&pks_key))\n\t\treturn 0;\n\n\tword = current",
        "\tif (!static_branch_unlikely(&pks_key))\n\t\treturn PKS_WORD;\n\n\tword = current",
    ),
]

# Nothing is open or closed that should not be, but register, cached value and thread disagree.
DISAGREEING = [
    _closing("close_without_cache", _CLOSE_THREAD, _CLOSE_MSR),
]

LEFTOVERS = [
    _entry(
        "return_to_user_mode_leaves_open",
        'pks_close_leftovers("returns to user mode");',
        ";",
    ),
    Mutant(
        "exit_leaves_open",
        _PKS_H,
        'pks_close_leftovers("exits");',
        ";",
        ("arch/x86/kernel/process.c",),
    ),
    _without("work_leaves_open", "kernel/workqueue.c", "\t\tpgmap_end_of_work();\n"),
    Mutant(
        "leftovers_stay_in_the_register",
        _PKS,
        "\tWRITE_ONCE(current->thread.pks, 0);\n\tpks_load(0);\n",
        "\tWRITE_ONCE(current->thread.pks, 0);\n",
    ),
    _without("leftovers_stay_in_the_thread", _PKS, "\tWRITE_ONCE(current->thread.pks, 0);\n"),
    Mutant("unended_bracket_is_not_told_of", _PKS, "WARN_ONCE(depth,", "WARN_ONCE(0,"),
    Mutant(
        "what_strayed_is_told_of_as_a_bracket",
        _PKS_TYPES_H,
        "\treturn word / PKS_BRACKET;\n",
        "\treturn word / PKS_STRAYED;\n",
        (_PKS,),
    ),
]

STRAYS = [
    _without(
        "a_stray_access_opens_nothing",
        _FAULT,
        "\tif (!interrupted)\n\t\tstate->pks |= PKS_STRAYED;\n",
    ),
    _without(
        "any_key_is_taken_for_ours",
        _PKS,
        "\tif (key_of(address) != PKS_KEY_PGMAP)\n\t\treturn false;\n",
    ),
    Mutant("no_key_is_taken_for_ours", _PKS, "key_of(address) != PKS_KEY_PGMAP", "true"),
    Mutant(
        "faults_are_not_looked_at",
        _FAULT,
        "if (!pks_fault(regs, state, error_code, address))",
        "if (1)",
    ),
    _without("faults_are_not_counted", _MEMREMAP, "\tatomic_long_inc(&pks_faults);\n"),
    Mutant(
        "strict_is_relaxed",
        _MEMREMAP,
        "return READ_ONCE(pks_fault_mode) == PKS_FAULT_RELAXED;",
        "return true;",
    ),
    Mutant(
        "each_fault_is_told_of",
        _MEMREMAP,
        "DO_ONCE_LITE(tell_of_stray, ip, address);",
        "tell_of_stray(ip, address);",
    ),
    _without("no_fault_is_told_of", _MEMREMAP, "\tDO_ONCE_LITE(tell_of_stray, ip, address);\n"),
    Mutant(
        "an_oops_does_not_tell_why",
        _FAULT,
        "\tif (error_code & X86_PF_PK)\n\t\tpks_show_fault(address);\n",
        "",
    ),
]

FAULT = [
    Mutant(
        "a_lost_register_is_a_stray_access",
        _PKS,
        "\tif (!interrupted)\n\t\treturn pgmap_protection_fault(regs->ip, address);\n",
        "\treturn pgmap_protection_fault(regs->ip, address);\n",
    ),
    Mutant(
        "user_mode_is_told_of_keys",
        _FAULT,
        "\t\t*error_code &= ~X86_PF_PK;\n",
        "\t\t;\n",
    ),
    Mutant(
        "reading_too_far_is_straying",
        _FAULT,
        "\tif (fixup_overread(regs, address, interrupted))\n\t\treturn true;\n",
        "",
    ),
    Mutant(
        "reading_too_far_is_done_closed",
        _FAULT,
        "fixup_overread(regs, address, interrupted)",
        "fixup_overread(regs, address, 0)",
    ),
    Mutant(
        "probes_may_stray",
        _MACCESS,
        "\tif (pgmap_access_denied(unsafe_src))\n\t\treturn false;\n",
        "",
    ),
    Mutant(
        "probes_may_end_in_the_region",
        "mm/maccess.c",
        " || pgmap_access_denied(src + size - 1))",
        ")",
    ),
    _without(
        "a_string_is_read_into_the_region",
        "mm/maccess.c",
        "\t\tif (!offset_in_page(src) && pgmap_access_denied(src))\n\t\t\tgoto denied;\n",
    ),
    Mutant(
        "probes_of_what_is_open_are_denied",
        _MEMREMAP,
        "return !pks_is_open() && pgmap_in",
        "return pgmap_in",
    ),
]

PAGEMAP = [
    _without("key_is_not_switched_on", _MEMREMAP, "\tstatic_branch_inc(&devmap_protection_key);\n"),
    Mutant(
        "key_is_not_switched_off",
        _MEMREMAP,
        "\tdevmap_managed_enable_put(pgmap);\n\tpgmap_protection_put(pgmap);\n",
        "\tdevmap_managed_enable_put(pgmap);\n",
    ),
    _without("nobody_switches_entry_on", _MEMREMAP, "\tpks_enable();\n"),
    _without("leaves_get_no_key", _MEMREMAP, "\t*prot = pks_protect(*prot);\n"),
    Mutant(
        "leaves_get_another_key",
        _PKS_H,
        "((pgprotval_t)PKS_KEY_PGMAP <<",
        "((pgprotval_t)2 <<",
        (_MEMREMAP,),
    ),
    _without(
        "all_pagemaps_get_a_key",
        _MEMREMAP,
        "\tif (!(pgmap->flags & PGMAP_PROTECTION))\n\t\treturn 0;\n",
    ),
    Mutant(
        "any_pagemap_switches_the_key_off",
        _MEMREMAP,
        "\tif (!(pgmap->flags & PGMAP_PROTECTION))\n\t\treturn;\n\n\tmutex_lock(",
        "\tmutex_lock(",
    ),
    Mutant("mapped_unprotected", _MEMREMAP, "if (!pgmap_protection_available() || ", "if ("),
    Mutant(
        "parameter_is_ignored",
        _MEMREMAP,
        "return pks_protection && pks_available();",
        "return pks_available();",
    ),
    Mutant("addresses_are_never_protected", _MEMREMAP, "\tif (!is_protected)\n", "\tif (true)\n"),
    Mutant(
        "only_the_first_range_counts",
        _MEMREMAP,
        " ||\n\t       in_other_protected_range(addr);",
        ";",
    ),
    Mutant(
        "the_second_range_is_forgotten",
        _MEMREMAP,
        "for (i = 1; i < nr; i++)",
        "for (i = 2; i < nr; i++)",
    ),
    Mutant(
        "what_is_not_kept_is_forgotten",
        _MEMREMAP,
        "\t\tWRITE_ONCE(too_many_protected_ranges, true);\n",
        "\t\t;\n",
    ),
    _without(
        "a_range_stays_protected", _MEMREMAP, "\t\t\tWRITE_ONCE(protected_ranges[i].size, 0);\n"
    ),
    _without("a_range_is_not_protected_again", _MEMREMAP, "\t\tWRITE_ONCE(range->size, size);\n"),
    Mutant(
        "a_range_in_use_is_taken_over",
        _MEMREMAP,
        "\t\tif (WARN(range_in_use(&pgmap->ranges[i]),\n",
        "\t\tif (WARN(false,\n",
    ),
    Mutant(
        "what_is_not_kept_is_not_looked_up",
        _MEMREMAP,
        "\tis_protected = pgmap && pgmap->flags & PGMAP_PROTECTION;\n",
        "\tis_protected = false;\n",
    ),
    Mutant(
        "any_range_ends_with_a_pagemap",
        _MEMREMAP,
        "\t\tif (protected_ranges[i].pgmap == pgmap) {\n",
        "\t\tif (true) {\n",
    ),
    Mutant(
        "a_span_never_has_holes",
        _MEMREMAP,
        "\t\tstatic_branch_enable(&protected_span_has_holes);\n",
        "\t\t;\n",
    ),
    Mutant(
        "a_span_ends_with_its_first_range",
        _MEMREMAP,
        "\t\tend = in_use || i ? max(end, behind) : behind;\n",
        "\t\tend = end ?: behind;\n",
    ),
    Mutant(
        "a_span_is_that_of_the_last_pagemap",
        _MEMREMAP,
        "\tbool in_use = static_key_enabled(&devmap_protection_key);\n",
        "\tbool in_use = false;\n",
    ),
    Mutant(
        "a_span_is_one_page_short",
        _MEMREMAP,
        "\tWRITE_ONCE(pgmap_protected_span.start, start);\n",
        "\tWRITE_ONCE(pgmap_protected_span.start, start + PAGE_SIZE);\n",
    ),
    _without(
        "no_assertion_in_write_back",
        "arch/x86/lib/usercopy_64.c",
        "\tpgmap_assert_open(addr);\n",
    ),
    Mutant(
        "tail_pages_are_not_known",
        _MEMREMAP,
        "\tpage = compound_head(page);\n",
        "",
    ),
    Mutant(
        "all_device_pages_are_protected",
        _MEMREMAP,
        "is_zone_device_page(page) && (page->pgmap->flags & PGMAP_PROTECTION);",
        "is_zone_device_page(page);",
    ),
    _without(
        "pmem_is_not_protected",
        "drivers/nvdimm/pmem.c",
        "\tif (pgmap_protection_available())\n\t\tpmem->pgmap.flags |= PGMAP_PROTECTION;\n",
    ),
    _without(
        "device_dax_is_not_protected",
        "drivers/dax/device.c",
        "\tif (pgmap_protection_available())\n\t\tpgmap->flags |= PGMAP_PROTECTION;\n",
    ),
]

# What the test module inlines is its own copy: the kernel need not see the mutant.
KMAP = [
    Mutant(
        "kmap_local_page_does_not_open",
        _HIGHMEM_H,
        "\tvoid *addr = page_address(page);\n\n\tkmap_track_map(addr);\n"
        "\tpgmap_set_readwrite(addr);\n",
        "\tvoid *addr = page_address(page);\n\n\tkmap_track_map(addr);\n",
    ),
    Mutant(
        "kmap_local_folio_does_not_open",
        _HIGHMEM_H,
        "page_address(&folio->page) + offset;\n\n\tkmap_track_map(addr);\n"
        "\tpgmap_set_readwrite(addr);\n",
        "page_address(&folio->page) + offset;\n\n\tkmap_track_map(addr);\n",
    ),
    Mutant(
        "kmap_atomic_does_not_open",
        _HIGHMEM_H,
        "\taddr = page_address(page);\n\tkmap_track_map(addr);\n\tpgmap_set_readwrite(addr);\n",
        "\taddr = page_address(page);\n\tkmap_track_map(addr);\n",
    ),
    Mutant(
        "kunmap_local_does_not_close",
        _HIGHMEM_H,
        "\tpgmap_set_noaccess(addr);\n\tkmap_track_unmap(addr);\n}",
        "\tkmap_track_unmap(addr);\n}",
    ),
    Mutant(
        "kunmap_atomic_does_not_close",
        _HIGHMEM_H,
        "\tpgmap_set_noaccess(addr);\n\tkmap_track_unmap(addr);\n\tpagefault_enable();",
        "\tkmap_track_unmap(addr);\n\tpagefault_enable();",
    ),
    Mutant(
        "kmap_opens",
        _HIGHMEM_H,
        "static inline void *kmap(struct page *page)\n{\n\tmight_sleep();\n",
        "static inline void *kmap(struct page *page)\n{\n\tmight_sleep();\n"
        "\tpgmap_set_readwrite(page_address(page));\n",
    ),
    Mutant(
        "unmap_does_not_ask_for_a_bracket",
        _MEMREMAP_H,
        "static_branch_unlikely(&devmap_protection_key) && pks_in_bracket() &&\n",
        "static_branch_unlikely(&devmap_protection_key) &&\n",
    ),
    Mutant(
        "all_that_is_mapped_opens",
        _MEMREMAP_H,
        "static_branch_unlikely(&devmap_protection_key) && pgmap_in_protected_span(addr))\n"
        "\t\t__pgmap_set_readwrite(addr);",
        "static_branch_unlikely(&devmap_protection_key))\n\t\t__pgmap_set_readwrite(addr);",
    ),
    Mutant(
        "all_that_is_unmapped_closes",
        _MEMREMAP_H,
        "pks_in_bracket() &&\n\t    pgmap_in_protected_span(addr))\n",
        "pks_in_bracket())\n",
    ),
]

_SUPER, _DAX, _PMEM = "drivers/dax/super.c", "fs/dax.c", "drivers/nvdimm/pmem.c"
# What is copied in a bracket, and the bracket's end.
_FROM = (
    "\tcopied = flush ? _copy_from_iter_flushcache(addr, bytes, i) :\n"
    "\t\t\t _copy_from_iter(addr, bytes, i);\n"
)
_TO = "\tcopied = mc ? _copy_mc_to_iter(addr, bytes, i) : _copy_to_iter(addr, bytes, i);\n"
_OPENS = "\tif (!pgmap_begin_access(addr))\n\t\treturn "
_FLUSH = "\tarch_wb_cache_pmem(addr, size);\n"
_COW = "\tcopy_user_page(vto, kaddr, vmf->address, vmf->cow_page);\n"
_READ = "\trc = read_pmem(page, page_off, pmem_addr, len);\n"
_WRITE = "\twrite_pmem(pmem_addr, page, page_off, len);\n"
_COPY_BEGINS = _set("to", "daddr") + _set("from", "saddr")
_COMPARE_BEGINS = _set("from", "saddr", declared=False) + _set("to", "daddr", declared=False)
# Calls of what _COPY_BEGINS is in, and of its like for clearing.
_COPY_MC = "copy_mc_to_kernel"
_COPIES = {
    "shared_page": "\t\t\tret = dax_copy_mc(daddr, saddr, length);\n",
    "head_of_shared_page": "\t\t\tret = dax_copy_mc(daddr, saddr, head_off);\n",
    "tail_of_shared_page": "\t\t\tret = dax_copy_mc(daddr + tail_off,\n",
    "unshared_page": "\tif (dax_copy_mc(daddr, saddr, copy_len) == 0)\n",
}
_CLEARS = {
    "head_of_new_page": ("daddr", "head_off"),
    "tail_of_new_page": ("daddr + tail_off", "tail_len"),
}
_BY_ITSELF = "\tif (pgmap_protection_in_use())\n\t\treturn {}(dax_dev, addr, bytes, i);\n"

ACCESS = [
    *(
        Mutant(f"{what}_is_not_bracketed", _SUPER, _OPENS + copy, f"\tif (true)\n\t\treturn {copy}")
        for what, copy in (("write", "flush ?"), ("read", "mc ?"))
    ),
    _unended("write_stays_open", _SUPER, _FROM, "true"),
    _unended("read_stays_open", _SUPER, _TO, "true"),
    _twice("write_ends_twice", _SUPER, _FROM, "true"),
    _twice("read_ends_twice", _SUPER, _TO, "true"),
    _without(
        "writes_take_the_usual_path", _SUPER, _BY_ITSELF.format("dax_copy_from_iter_protected")
    ),
    _without("reads_take_the_usual_path", _SUPER, _BY_ITSELF.format("dax_copy_to_iter_protected")),
    _unopened("flush_is_not_bracketed", _SUPER, _set("opened", "addr") + "\n" + _FLUSH),
    _unended("flush_stays_open", _SUPER, _FLUSH),
    Mutant(
        "flushes_take_the_usual_path",
        _SUPER,
        "\tif (pgmap_protection_in_use())\n\t\tdax_flush_protected(addr, size);\n\telse\n",
        "\tif (true)\n",
    ),
    _unopened(
        "private_copy_is_not_bracketed", _DAX, _set("opened", "kaddr", declared=False) + _COW
    ),
    Mutant("copy_is_not_bracketed", _DAX, _COPY_BEGINS, "\tbool to = false, from = false;\n"),
    _unopened(
        "clear_is_not_bracketed", _DAX, _set("opened", "daddr") + "\n\tmemset(daddr, 0, len);\n"
    ),
    *(
        Mutant(f"{what}_is_copied_without", _DAX, call, call.replace("dax_copy_mc", _COPY_MC))
        for what, call in _COPIES.items()
    ),
    *(
        Mutant(
            f"{what}_is_cleared_without",
            _DAX,
            f"\t\t\tdax_clear({address}, {size});\n",
            f"\t\t\tmemset({address}, 0, {size});\n",
        )
        for what, (address, size) in _CLEARS.items()
    ),
    Mutant("compare_is_not_bracketed", _DAX, _COMPARE_BEGINS, "\tfrom = to = false;\n"),
    Mutant(
        "zeroing_is_not_bracketed",
        _DAX,
        "\tdax_clear(kaddr + offset, size);\n",
        "\tmemset(kaddr + offset, 0, size);\n",
    ),
    _unopened(
        "block_read_is_not_bracketed",
        _PMEM,
        _set("opened", "pmem_addr", declared=False) + _READ,
    ),
    _unended("block_read_stays_open", _PMEM, _READ),
    _unopened(
        "block_write_is_not_bracketed",
        _PMEM,
        _set("opened", "pmem_addr", declared=False) + _WRITE,
    ),
    _unopened(
        "attributes_are_flushed_without",
        "arch/x86/mm/pat/set_memory.c",
        _set("opened", "vaddr", indent=3) + "\n\t\t\tclflush_cache_range_opt(vaddr, PAGE_SIZE);\n",
    ),
]

# With DEBUG_VM: unmaps that belong to no mapping, and mappings that are left behind.
_IS_KEPT = "\tWRITE_ONCE(track->nr, nr + 1);\n"
_END_OF_PAGE = '\t\tWARN_ONCE(1, "kmap_local: the end of a page is unmapped\\n");\n'
_OUT_OF_ORDER = '\t\tWARN_ONCE(1, "kmap_local: a page is unmapped out of order\\n");\n'
_NOT_MAPPED = (
    '\tWARN_ONCE(1, "kmap_local: a page is unmapped that this thread has not mapped\\n");\n'
)
_REMOVE = "\t\tremove_mapping(track, at);\n"
TRACK = [
    _without("a_mapping_is_not_kept", _TRACK, _IS_KEPT),
    Mutant(
        "a_mapping_is_kept_by_address", _TRACK, "PTR_ALIGN_DOWN(addr, PAGE_SIZE));\n}", "addr);\n}"
    ),
    Mutant(
        "an_unmap_is_known_by_address",
        _TRACK,
        "track->pages[nr - 1] == PTR_ALIGN_DOWN(addr, PAGE_SIZE)",
        "track->pages[nr - 1] == addr",
    ),
    Mutant("more_are_looked_for_than_kept", _TRACK, "nr > KMAP_TRACK_MAX", "0"),
    _without("no_word_of_an_end_of_page", _TRACK, _END_OF_PAGE),
    Mutant("an_end_of_page_is_not_removed", _TRACK, _END_OF_PAGE + _REMOVE, _END_OF_PAGE),
    Mutant(
        "an_end_of_page_is_looked_for_in_the_next_one",
        _TRACK,
        "find_mapping(track, addr - PAGE_SIZE)",
        "find_mapping(track, addr)",
    ),
    _without("no_word_of_an_order", _TRACK, _OUT_OF_ORDER),
    Mutant("what_is_out_of_order_is_not_removed", _TRACK, _OUT_OF_ORDER + _REMOVE, _OUT_OF_ORDER),
    Mutant(
        "another_one_is_removed",
        _TRACK,
        "WRITE_ONCE(track->pages[at], track->pages[at + 1]);",
        "(void)at;",
    ),
    _without("no_word_of_what_is_not_mapped", _TRACK, _NOT_MAPPED),
    _without("leftovers_are_told_of_again", _TRACK, "\ttrack->nr = 0;\n"),
    _without("a_child_has_mappings", "kernel/fork.c", "\tkmap_track_fork(tsk);\n"),
    _without("no_look_at_the_end_of_a_thread", "kernel/exit.c", '\tkmap_track_end("exits");\n'),
    _without(
        "no_look_at_the_end_of_work",
        "kernel/workqueue.c",
        '\t\tkmap_track_end("ends a work item");\n',
    ),
    _without(
        "no_look_at_the_way_to_user_mode",
        "include/linux/entry-common.h",
        '\tkmap_track_end("returns to user mode");\n',
        seen_by=("kernel/entry/common.c",),
    ),
    *(
        Mutant(f"{name}_is_not_kept", _HIGHMEM_H, before + "\tkmap_track_map(addr);\n", before)
        for name, before in {
            "kmap_local_page": "\tvoid *addr = page_address(page);\n\n",
            "kmap_local_folio": "page_address(&folio->page) + offset;\n\n",
            "kmap_atomic": "\taddr = page_address(page);\n",
        }.items()
    ),
    *(
        Mutant(f"{name}_is_not_seen", _HIGHMEM_H, "\tkmap_track_unmap(addr);\n" + after, after)
        for name, after in {"kunmap_local": "}", "kunmap_atomic": "\tpagefault_enable();"}.items()
    ),
]

ALL = [
    *(*CPU, *THREAD, *ENTRY, *TURNED_ON, *DISAGREEING),
    *(*LEFTOVERS, *STRAYS, *FAULT, *PAGEMAP, *KMAP, *ACCESS, *TRACK),
]

# Hunk: why its absence cannot be seen here.
UNTESTED = {
    "folio_zero_tail() in include/linux/highmem.h: an address inside the folio": (
        "its callers that fill a page have nothing open"
    ),
    "block/t10-pi.c: ext_pi_type1_prepare(), ext_pi_type1_complete()": (
        "needs a device with 64-bit tuples; the same four lines as in t10_pi_type1_prepare()"
    ),
    "drivers/block, drivers/gpu, drivers/infiniband, drivers/misc, drivers/mmc, drivers/mtd,"
    " drivers/usb, drivers/virt, fs/bcachefs, net/ceph, net/sunrpc: callers": (
        "no guest of the lab has such a device or server"
    ),
    "drivers/target/target_core_pscsi.c: MODE SELECT": (
        "needs a SCSI disk below the target that takes MODE SELECT"
    ),
    "drivers/target/target_core_transport.c: an entry of several pages": (
        "tcm_loop lets none cross the end of a page"
    ),
    "arch/x86, mm/Kconfig: bits, numbers and symbols of the CPU feature; the fields of"
    " thread_struct and irqentry_state_t": (
        "part of all files of the kernel, and without any of them nothing is protected"
    ),
    "arch/x86/xen/enlighten_pv.c: the feature is cleared": "needs Xen",
    "arch/x86/mm/pks.c, arch/x86/power/cpu.c: the test for the feature": (
        "planted bugs run on a CPU that has it; nocpu boots in test --kernels"
    ),
    "arch/x86/mm/pks.c: cached value in pks_setup_cpu(), and CR4 after the register": (
        "a CPU that comes up has nothing open, and accesses nothing that is protected"
    ),
    "arch/x86/mm/pks.c: pks_resume_cpu()": (
        "matters only if the thread that puts the machine to sleep has strayed in the same "
        "system call"
    ),
    "arch/x86/include/asm/pks.h: order of cache and register in pks_load(), on entry and on exit": (
        "only an NMI can come between, at one instruction of an entry or a switch that cannot"
        " be stepped"
    ),
    "arch/x86/include/asm/pks.h: order of cache and register in pks_open_bracket()": (
        "the thread's word comes before both, and is enough for entry to close"
    ),
    "arch/x86/include/asm/pks.h, include/linux/memremap.h: the static keys": (
        "without them all is done as with them on, which is right, but slower"
    ),
    "kernel/entry/common.c: what an interrupt of the idle task saves": (
        "the idle task has nothing open"
    ),
    "arch/x86/mm/fault.c: user_mode() in pks_fault(), and the warning without PKS": (
        "in an emulator user mode gets no protection-key fault on supervisor pages"
    ),
    "arch/x86/mm/fault.c: pks_fault() leaves other faults of closed code alone": (
        "the usual path comes to the same fixup"
    ),
    "arch/x86/mm/fault.c: in a bracket, only faults of a key are for pks_handle_fault()": (
        "needs an access to a missing page of the region that is no over-read"
    ),
    "arch/x86/mm/extable.c: EX_TYPE_BPF in fixup_overread()": "needs a BPF program",
    "arch/x86/mm/extable.c: no bracket in fixup_exception()": "one more would not be noticed",
    "arch/x86/mm/pks.c: key_of() without a leaf": "an address whose key faults has one",
    "arch/x86/mm/pks.c: the register is written again once only": (
        "needs somebody who writes to it again and again, between two instructions"
    ),
    "arch/x86/mm/pks.c: pks_show_fault() tells of the address alone that it knows": (
        "needs an oops on a page of user space that has a key"
    ),
    "kernel/workqueue.c: worker->task": "needs a work item of a softirq that interrupts a bracket",
    "mm/memremap.c: the key goes down where memremap_pages() has no memory for its counter": (
        "needs a failing allocation"
    ),
    "mm/memremap.c: private memory is refused": "no driver asks for it to be protected",
    "mm/memremap.c: the span of a pagemap with several ranges": "no device of a guest has one",
    "mm/memremap.c: the span has holes after it has changed": (
        "needs a thread that is preempted between two tests while a device goes and another comes"
    ),
    "arch/x86/mm/pks.c: nothing is said of a register that a thread lost that had strayed": (
        "needs a preemption between two instructions"
    ),
    "arch/x86/include/asm/pks.h: a thread that has strayed is asked as it comes back": (
        "needs an NMI at one instruction of a switch"
    ),
    "virt/kvm/kvm_main.c: the page is given back where there is no address for it": (
        "needs a failing allocation"
    ),
    "drivers/net/wireless/ath/wil6210/debugfs.c": "no guest has the device",
    "mm/memremap.c: protected_lock": "needs two devices that are found at the same time",
    "mm/memremap.c: pks_fault_mode is read, or set to a mode that does not exist": (
        "the tests set it on the command line"
    ),
    "include/linux/memremap.h: an end for what was not opened, page_access_protected()": (
        "who asks in these kernels asks for protected memory"
    ),
    "include/linux/memremap.h and others: what stands in for all this without the symbol": (
        "needs another image; off has each function at the address that it has in plain"
    ),
    "include/linux/highmem-internal.h: close before pagefault_enable() in kunmap_atomic()": (
        "the page is closed either way when the next instruction looks"
    ),
    "include/linux/highmem-internal.h: close after the cache flush": (
        "not on this architecture: ARCH_HAS_FLUSH_ON_KUNMAP"
    ),
    "fs/dax.c: a whole page is cleared in a fault": (
        "needs a fault on a page that XFS has reserved a block for, and that has no data"
    ),
    "drivers/dax/super.c and others: a bracket's end beside another one's": (
        "the outer bracket decides; see the tests of nesting"
    ),
    "drivers/nvdimm/pmem.c: brackets around invalidating poison, and writing after it": (
        "needs poison, which only an ACPI platform injects"
    ),
    "arch/x86/mm/pat/set_memory.c: assertion in clflush_cache_range_opt()": (
        "the bug that it is for is planted: attributes_are_flushed_without"
    ),
    "Documentation, MAINTAINERS": "no code",
}
