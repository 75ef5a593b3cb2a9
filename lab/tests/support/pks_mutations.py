# SPDX-License-Identifier: Apache-2.0
"""Bugs to be planted in our PKS series, one at a time: the semantic tests have to notice each.

Hunks that no test here can tell from their absence, and why, stand in UNTESTED.
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


def _swapped(name: str, file: str, first: str, second: str) -> Mutant:
    """Two statements, one directly after the other, in the other order."""
    return Mutant(name, file, f"\t{first}\n\t{second}\n", f"\t{second}\n\t{first}\n")


_PKS = "arch/x86/mm/pks.c"
_PKS_H = "arch/x86/include/asm/pks.h"
_ENTRY = "kernel/entry/common.c"
_MEMREMAP = "mm/memremap.c"
_MEMREMAP_H = "include/linux/memremap.h"
_HIGHMEM_H = "include/linux/highmem-internal.h"
_SET = "\tpgmap_set_readwrite_addr({});\n"
_END = "\tpgmap_set_noaccess_addr({});\n"


def _unbracketed(name: str, file: str, what: str, address: str, indent: int = 0) -> Mutant:
    """An access without the bracket around it."""
    tabs = "\t" * indent
    opened, closed = (tabs + line.format(address) for line in (_SET, _END))
    return Mutant(name, file, opened + what + closed, what)


def _unended(name: str, file: str, what: str, address: str) -> Mutant:
    """An access whose bracket has no end."""
    return Mutant(name, file, what + _END.format(address), what)


def _twice(name: str, file: str, what: str, address: str) -> Mutant:
    """An access whose bracket begins twice, and ends once."""
    opened = _SET.format(address)
    return Mutant(name, file, opened + what, opened + opened + what)


_OPEN_CACHE, _OPEN_MSR = "this_cpu_write(pkrs_cache, PKRS_OPEN);", "pks_write_msr(PKRS_OPEN);"
_CLOSE_MSR, _CLOSE_CACHE = "pks_write_msr(PKRS_CLOSED);", "this_cpu_write(pkrs_cache, PKRS_CLOSED);"
_OPEN_THREAD, _CLOSE_THREAD = (
    "WRITE_ONCE(pks->pkrs, PKRS_OPEN);",
    "WRITE_ONCE(pks->pkrs, PKRS_CLOSED);",
)


def _statements(*lines: str) -> str:
    return "".join(f"\t{line}\n" for line in lines)


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
]

THREAD = [
    _without("child_inherits", "arch/x86/kernel/process.c", "\tpks_reset_thread(p);\n"),
    _without(
        "switch_changes_nothing", "arch/x86/kernel/process_64.c", "\tpks_switch_to(next_p);\n"
    ),
    Mutant(
        "open_without_cache",
        _PKS,
        _statements(_OPEN_THREAD, _OPEN_CACHE, _OPEN_MSR),
        _statements(_OPEN_THREAD, _OPEN_MSR),
    ),
    Mutant(
        "open_without_register",
        _PKS,
        _statements(_OPEN_THREAD, _OPEN_CACHE, _OPEN_MSR),
        _statements(_OPEN_THREAD, _OPEN_CACHE),
    ),
    Mutant(
        "open_without_thread",
        _PKS,
        _statements(_OPEN_THREAD, _OPEN_CACHE, _OPEN_MSR),
        _statements(_OPEN_CACHE, _OPEN_MSR),
    ),
    _swapped("open_register_before_cache", _PKS, _OPEN_CACHE, _OPEN_MSR),
    Mutant(
        "open_thread_last",
        _PKS,
        _statements(_OPEN_THREAD, _OPEN_CACHE, _OPEN_MSR),
        _statements(_OPEN_CACHE, _OPEN_MSR, _OPEN_THREAD),
    ),
    Mutant("open_does_not_count", _PKS, "\tpks->depth++;\n", ""),
    Mutant(
        "close_without_register",
        _PKS,
        _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE),
        _statements(_CLOSE_THREAD, _CLOSE_CACHE),
    ),
    Mutant(
        "close_without_cache",
        _PKS,
        _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE),
        _statements(_CLOSE_THREAD, _CLOSE_MSR),
    ),
    Mutant(
        "close_without_thread",
        _PKS,
        _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE),
        _statements(_CLOSE_MSR, _CLOSE_CACHE),
    ),
    Mutant(
        "close_cache_before_register",
        _PKS,
        _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE),
        _statements(_CLOSE_THREAD, _CLOSE_CACHE, _CLOSE_MSR),
    ),
    Mutant(
        "close_thread_last",
        _PKS,
        _statements(_CLOSE_THREAD, _CLOSE_MSR, _CLOSE_CACHE),
        _statements(_CLOSE_MSR, _CLOSE_CACHE, _CLOSE_THREAD),
    ),
    _without("second_end_is_not_seen", _PKS, "\tVM_WARN_ON_ONCE(!pks->depth);\n"),
]

_RESTORE = "\t\tirqentry_restore_pkeys(&state);\n"
_IF_RCU, _IRQ_STATE = "\t\t/*\n\t\t * If RCU was not watching", "\t\t/*\n\t\t * IRQ flags state"

ENTRY = [
    _without("interrupts_run_open", _ENTRY, "\tirqentry_close_pkeys(&ret);\n"),
    _without("nmis_run_open", _ENTRY, "\tirqentry_close_pkeys(&irq_state);\n"),
    Mutant("not_restored_with_interrupts_on", _ENTRY, f"{_RESTORE}\n{_IF_RCU}", _IF_RCU),
    Mutant("not_restored_with_interrupts_off", _ENTRY, f"{_RESTORE}\n{_IRQ_STATE}", _IRQ_STATE),
    _without("not_restored_after_nmi", _ENTRY, "\tirqentry_restore_pkeys(&irq_state);\n"),
    _without(
        "handler_finds_the_count",
        _PKS_H,
        "\t*pks = (struct pks_state)PKS_STATE_CLOSED;\n\tbarrier();\n\tpks_load(PKRS_CLOSED);\n",
        (_ENTRY,),
    ),
    Mutant(
        "handler_has_the_register",
        _PKS_H,
        "\tbarrier();\n\tpks_load(PKRS_CLOSED);\n",
        "\tbarrier();\n",
        (_ENTRY,),
    ),
    _without("thread_is_not_given_back", _PKS_H, "\tcurrent->thread.pks = *saved;\n", (_ENTRY,)),
    _without("register_is_not_given_back", _PKS_H, "\tpks_load(saved->pkrs);\n", (_ENTRY,)),
]

FAULT = [
    Mutant(
        "return_to_user_mode_leaves_open",
        _PKS_H,
        "unlikely(pks->pkrs != PKRS_CLOSED) ||",
        "",
        (_ENTRY,),
    ),
    Mutant(
        "leftovers_stay_in_the_register",
        _PKS,
        "\t*pks = (struct pks_state)PKS_STATE_CLOSED;\n\tbarrier();\n\tpks_load(PKRS_CLOSED);\n",
        "\t*pks = (struct pks_state)PKS_STATE_CLOSED;\n",
    ),
    _without(
        "leftovers_stay_in_the_thread", _PKS, "\t*pks = (struct pks_state)PKS_STATE_CLOSED;\n"
    ),
    Mutant("unended_bracket_is_not_told_of", _PKS, "WARN_ONCE(pks->depth,", "WARN_ONCE(0,"),
    Mutant("any_key_is_taken_for_ours", _PKS, "key_of(address) != PKS_KEY_PGMAP || ", ""),
    Mutant("no_key_is_taken_for_ours", _PKS, "key_of(address) != PKS_KEY_PGMAP", "true"),
    Mutant(
        "faults_are_not_looked_at",
        "arch/x86/mm/fault.c",
        "if (!pks_fault_opens(regs, state, error_code, address))",
        "if (1)",
    ),
    _without("faults_are_not_counted", _MEMREMAP, "\tatomic_long_inc(&pks_faults);\n"),
    Mutant("strict_is_relaxed", _MEMREMAP, "== PKS_FAULT_STRICT)", "== -1)"),
    Mutant("each_fault_warns", _MEMREMAP, 'WARN_ONCE(1, "stray', 'WARN(1, "stray'),
    Mutant("no_fault_warns", _MEMREMAP, 'WARN_ONCE(1, "stray', 'WARN_ONCE(0, "stray'),
]

PAGEMAP = [
    _without("key_is_not_switched_on", _MEMREMAP, "\tstatic_branch_inc(&devmap_protection_key);\n"),
    Mutant(
        "key_is_not_switched_off",
        _MEMREMAP,
        "\tdevmap_managed_enable_put(pgmap);\n\tpgmap_protection_put(pgmap);\n",
        "\tdevmap_managed_enable_put(pgmap);\n",
    ),
    _without("leaves_get_no_key", _MEMREMAP, "\t*prot = pks_protect(*prot);\n"),
    Mutant("mapped_unprotected", _MEMREMAP, "if (!pgmap_protection_available() || ", "if ("),
    Mutant(
        "parameter_is_ignored",
        _MEMREMAP,
        "return pks_protection && pks_available();",
        "return pks_available();",
    ),
    Mutant(
        "addresses_are_never_protected",
        _MEMREMAP,
        "return in_direct_map(addr) && page_access",
        "return 0 && page_access",
    ),
    Mutant(
        "no_assertion",
        _MEMREMAP,
        "VM_WARN_ONCE(addr_access_protected(addr) && !pks_is_open(),",
        "VM_WARN_ONCE(0,",
    ),
    _without(
        "no_assertion_in_write_back",
        "arch/x86/lib/usercopy_64.c",
        "\tpgmap_assert_readwrite_addr(addr);\n",
    ),
    Mutant(
        "tail_pages_are_not_known", _MEMREMAP_H, "if (unlikely(word & 1))", "if (0)", (_MEMREMAP,)
    ),
    Mutant(
        "all_device_pages_are_protected",
        _MEMREMAP_H,
        "return ((struct dev_pagemap *)word)->flags & PGMAP_PROTECTION;",
        "return true;",
        (_MEMREMAP,),
    ),
    Mutant(
        "memory_is_taken_for_a_device",
        _MEMREMAP_H,
        "if (!is_zone_device_page(page))",
        "if (0)",
        (_MEMREMAP,),
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
        "\tpgmap_set_readwrite(page);\n\treturn page_address(page);\n}\n\n"
        "static inline void *kmap_local_folio",
        "\treturn page_address(page);\n}\n\nstatic inline void *kmap_local_folio",
    ),
    _without(
        "kmap_local_folio_does_not_open", _HIGHMEM_H, "\tpgmap_set_readwrite(&folio->page);\n"
    ),
    Mutant(
        "kmap_atomic_does_not_open",
        _HIGHMEM_H,
        "\tpagefault_disable();\n\tpgmap_set_readwrite(page);\n",
        "\tpagefault_disable();\n",
    ),
    Mutant("kunmap_local_does_not_close", _HIGHMEM_H, "\tkunmap_set_noaccess(addr);\n}", "}"),
    Mutant(
        "kunmap_atomic_does_not_close",
        _HIGHMEM_H,
        "\tkunmap_set_noaccess(addr);\n\tpagefault_enable();",
        "\tpagefault_enable();",
    ),
    Mutant(
        "kmap_opens",
        _HIGHMEM_H,
        "static inline void *kmap(struct page *page)\n{\n\tmight_sleep();\n",
        "static inline void *kmap(struct page *page)\n{\n\tmight_sleep();\n"
        "\tpgmap_set_readwrite(page);\n",
    ),
]

_SUPER, _DAX, _PMEM = "drivers/dax/super.c", "fs/dax.c", "drivers/nvdimm/pmem.c"
_FROM = (
    "\tif (!test_bit(DAXDEV_NOCACHE, &dax_dev->flags))\n"
    "\t\tcopied = _copy_from_iter(addr, bytes, i);\n\telse\n"
    "\t\tcopied = _copy_from_iter_flushcache(addr, bytes, i);\n"
)
_TO = (
    "\tif (!test_bit(DAXDEV_NOMC, &dax_dev->flags))\n"
    "\t\tcopied = _copy_to_iter(addr, bytes, i);\n\telse\n"
    "\t\tcopied = _copy_mc_to_iter(addr, bytes, i);\n"
)
_COW = "\tcopy_user_page(vto, kaddr, vmf->address, vmf->cow_page);\n"
_COPY = "\trem = copy_mc_to_kernel(daddr, saddr, len);\n"
_COMPARE = (
    "\t*same = !memcmp(saddr + offset_in_page(pos1),\n\t\t\tdaddr + offset_in_page(pos2), len);\n"
)


def _both(first: str, second: str, what: str) -> str:
    return (
        _SET.format(first) + _SET.format(second) + what + _END.format(second) + _END.format(first)
    )


ACCESS = [
    _unbracketed("write_is_not_bracketed", _SUPER, _FROM, "addr"),
    _unended("write_stays_open", _SUPER, _FROM, "addr"),
    _unbracketed("read_is_not_bracketed", _SUPER, _TO, "addr"),
    _unended("read_stays_open", _SUPER, _TO, "addr"),
    _twice("write_is_opened_twice", _SUPER, _FROM, "addr"),
    _twice("read_is_opened_twice", _SUPER, _TO, "addr"),
    _unbracketed("flush_is_not_bracketed", _SUPER, "\tarch_wb_cache_pmem(addr, size);\n", "addr"),
    _unended("flush_stays_open", _SUPER, "\tarch_wb_cache_pmem(addr, size);\n", "addr"),
    _unbracketed("private_copy_is_not_bracketed", _DAX, _COW, "kaddr"),
    Mutant("copy_is_not_bracketed", _DAX, _both("daddr", "saddr", _COPY), _COPY),
    _unbracketed("clear_is_not_bracketed", _DAX, "\tmemset(daddr, 0, len);\n", "daddr"),
    Mutant("compare_is_not_bracketed", _DAX, _both("saddr", "daddr", _COMPARE), _COMPARE),
    Mutant(
        "zeroing_is_not_bracketed",
        _DAX,
        _SET.format("kaddr") + "\tmemset(kaddr + offset, 0, size);\n",
        "\tmemset(kaddr + offset, 0, size);\n",
    ),
    _unbracketed(
        "block_read_is_not_bracketed",
        _PMEM,
        "\trc = read_pmem(page, page_off, pmem_addr, len);\n",
        "pmem_addr",
    ),
    _unended(
        "block_read_stays_open",
        _PMEM,
        "\trc = read_pmem(page, page_off, pmem_addr, len);\n",
        "pmem_addr",
    ),
    _unbracketed(
        "block_write_is_not_bracketed",
        _PMEM,
        "\twrite_pmem(pmem_addr, page, page_off, len);\n",
        "pmem_addr",
    ),
    _unbracketed(
        "attributes_are_flushed_without",
        "arch/x86/mm/pat/set_memory.c",
        "\t\t\tclflush_cache_range_opt(vaddr, PAGE_SIZE);\n",
        "vaddr",
        indent=2,
    ),
]

ALL = [*CPU, *THREAD, *ENTRY, *FAULT, *PAGEMAP, *KMAP, *ACCESS]

# Hunk: why its absence cannot be seen here.
UNTESTED = {
    "mm/memremap.c: the key goes down where memremap_pages() has no memory for its counter": (
        "needs a failing allocation"
    ),
    "arch/x86/xen/enlighten_pv.c: the feature is cleared": "needs Xen",
    "fs/fuse/virtio_fs.c: bracket around zeroing": (
        "needs virtiofsd with a DAX window, which Debian's QEMU has not"
    ),
    "drivers/nvdimm/pmem.c: brackets around invalidating poison, and writing after it": (
        "needs poison, which only an ACPI platform injects"
    ),
    "arch/x86/mm/pks.c: pks_resume_cpu()": (
        "matters only if the thread that puts the machine to sleep has strayed in the same "
        "system call"
    ),
    "arch/x86/include/asm/pks.h: order of cache and register in pks_load()": (
        "only an NMI can come between, at one instruction of an entry or a switch that cannot"
        " be stepped"
    ),
    "arch/x86/mm/fault.c: user_mode() and the warning without PKS": (
        "user mode gets no protection-key fault on supervisor pages"
    ),
    "include/linux/highmem-internal.h: close before pagefault_enable() in kunmap_atomic()": (
        "the page is closed either way when the next instruction looks"
    ),
    "drivers/dax/super.c and others: a bracket's end beside another one's": (
        "the outer bracket decides; see the tests of nesting"
    ),
}
