# SPDX-License-Identifier: Apache-2.0
"""Bugs to be planted in what of our PKS series is different for Linux 7.3: all else has the same
text as for 6.12 (pks_mutations), and is not planted twice.

Not planted, as no guest runs it: WRMSRNS and its immediate form, the assertion for FRED,
drivers/dax/fsdev.c, drm/ttm, kmap_local_page_try_from_panic(), regions of io_uring and user
pointers of BPF in device-dax, tags of dm-integrity.
"""

from lab.tests.support.pks_mutations import Mutant

_ENTRY = "kernel/entry/common.c"
_MEMREMAP = "mm/memremap.c"
_HIGHMEM_H = "include/linux/highmem-internal.h"
_PKS_H = "arch/x86/include/asm/pks.h"
_SCATTERWALK_H = "include/crypto/scatterwalk.h"
_USERS_OF_PKS_H = (_ENTRY, _MEMREMAP, "arch/x86/mm/pks.c", "arch/x86/kernel/process_64.c")
_USERS_OF_THE_WALK = (
    *("crypto/aes.c", "crypto/ahash.c", "crypto/scatterwalk.c", "crypto/skcipher.c"),
    *("crypto/gcm.c", "crypto/ccm.c", "crypto/authenc.c"),
)
_FOLIO_IS_KEPT = "folio_address(folio) + offset;\n\n\tkmap_track_map(addr);\n"
_FOLIO_OPENS = "\tpgmap_set_readwrite(addr);\n"

# What files notice first.
ACCESS = [
    Mutant(
        "unshared_page_is_copied_without",
        "fs/dax.c",
        "\tif (dax_copy_mc(daddr, saddr, copy_len) != 0)\n",
        "\tif (copy_mc_to_kernel(daddr, saddr, copy_len) != 0)\n",
    ),
]

SERIES = [
    Mutant(
        "register_is_lost_in_sleep",
        "arch/x86/power/cpu.c",
        "\t\twrmsrq(MSR_IA32_PKRS, PKRS_CLOSED);\n",
    ),
    Mutant(
        "interrupts_run_open",
        _ENTRY,
        "\tpks = arch_save_and_close_pkeys();\n\tstate = irqentry",
        "\tpks = 0;\n\tstate = irqentry",
    ),
    Mutant(
        "what_was_closed_is_forgotten",
        _ENTRY,
        "irqentry_make_state(pks, state.exit_rcu)",
        "irqentry_make_state(0, state.exit_rcu)",
    ),
    Mutant(
        "rights_are_given_back_after_preemption",
        _ENTRY,
        "\tirqentry_restore_pkeys(regs, state, false);\n\n\tif (user_mode(regs))\n"
        "\t\tirqentry_exit_to_user_mode(regs);\n\telse\n"
        "\t\tirqentry_exit_to_kernel_mode(regs, state);\n",
        "\tif (user_mode(regs))\n\t\tirqentry_exit_to_user_mode(regs);\n\telse\n"
        "\t\tirqentry_exit_to_kernel_mode(regs, state);\n"
        "\tirqentry_restore_pkeys(regs, state, false);\n",
    ),
    Mutant(
        "key_is_not_switched_off",
        _MEMREMAP,
        'all reserved pages\\n");\n\tpgmap_protection_put(pgmap);\n',
        'all reserved pages\\n");\n',
    ),
    Mutant(
        "tail_pages_are_not_known",
        _MEMREMAP,
        "\tconst struct folio *folio = page_folio(page);\n",
        "\tconst struct folio *folio = (const struct folio *)page;\n",
    ),
    Mutant(
        "all_device_pages_are_protected",
        _MEMREMAP,
        "folio_is_zone_device(folio) && (folio->pgmap->flags & PGMAP_PROTECTION);",
        "folio_is_zone_device(folio);",
    ),
    Mutant(
        "the_register_is_not_written",
        _PKS_H,
        "xor %%edx, %%edx; 2: ds wrmsr",
        "xor %%edx, %%edx; 2: nop; nop; nop",
        _USERS_OF_PKS_H,
    ),
    Mutant(
        "half_of_what_is_written_is_left_over",
        _PKS_H,
        "xor %%edx, %%edx; 2: ds wrmsr",
        "mov %%rsp, %%rdx; 2: ds wrmsr",
        _USERS_OF_PKS_H,
    ),
    Mutant(
        "kmap_local_folio_does_not_open",
        _HIGHMEM_H,
        _FOLIO_IS_KEPT + _FOLIO_OPENS,
        _FOLIO_IS_KEPT,
    ),
    Mutant(
        "kmap_local_folio_is_not_kept",
        _HIGHMEM_H,
        _FOLIO_IS_KEPT,
        "folio_address(folio) + offset;\n\n",
    ),
    Mutant(
        "no_look_at_the_way_to_user_mode",
        "include/linux/irq-entry-common.h",
        '\tkmap_track_end("returns to user mode");\n',
        "",
        (_ENTRY, "arch/x86/entry/syscall_64.c"),
    ),
    *ACCESS,
]

CALLERS = [
    Mutant(
        "a_guest_of_a_guest_has_no_mapping_of_its_own",
        "virt/kvm/kvm_main.c",
        "\tif (pfn_valid(map->pfn) && page_access_protected(pfn_to_page(map->pfn))) {\n",
        "\tif (false) {\n",
    ),
    Mutant(
        "a_write_cache_has_no_mapping_of_its_own",
        "drivers/md/dm-writecache.c",
        "if (da != p || page_access_protected(pfn_to_page(pfn))) {",
        "if (da != p) {",
    ),
    Mutant(
        "a_device_gets_copies_of_closed_pages",
        "kernel/dma/swiotlb.c",
        "if (PhysHighMem(orig_addr) || pgmap_access_denied(phys_to_virt(orig_addr))) {",
        "if (PhysHighMem(orig_addr)) {",
    ),
    Mutant(
        "the_walk_of_a_request_opens_nothing",
        _SCATTERWALK_H,
        "\t\tpgmap_set_readwrite(addr);\n",
        "",
        _USERS_OF_THE_WALK,
    ),
    Mutant(
        "the_walk_of_a_request_stays_open",
        _SCATTERWALK_H,
        "\telse\n\t\tpgmap_set_noaccess(walk->__addr);\n",
        "",
        _USERS_OF_THE_WALK,
    ),
    Mutant(
        "a_digest_of_one_segment_opens_nothing",
        "crypto/ahash.c",
        "\tif (!IS_ENABLED(CONFIG_HIGHMEM) && !page_access_protected(page))\n",
        "\tif (!IS_ENABLED(CONFIG_HIGHMEM))\n",
    ),
    Mutant(
        "a_cipher_of_one_segment_opens_nothing",
        "crypto/aes.c",
        " &&\n\t       !page_access_protected(sg_page(req->dst)) &&\n"
        "\t       !page_access_protected(sg_page(req->src));\n",
        ";\n",
    ),
    Mutant(
        "a_sector_of_xts_opens_nothing",
        "arch/x86/crypto/aesni-intel_glue.c",
        " &&\n\t    !page_access_protected(sg_page(req->src)) &&\n"
        "\t    !page_access_protected(sg_page(req->dst))) {\n",
        ") {\n",
    ),
    Mutant(
        "a_cipher_in_place_maps_twice",
        "crypto/aes.c",
        "\t\t\t\tif (SCATTERWALK_MUST_UNMAP &&                  \\\n",
        "\t\t\t\tif (IS_ENABLED(CONFIG_HIGHMEM) &&              \\\n",
    ),
    Mutant(
        "a_string_of_bpf_may_be_read_to_its_end",
        "kernel/bpf/helpers.c",
        "\tif (!offset_in_page(from) && !copy_from_kernel_nofault_allowed(from, 1))\n",
        "\tif (false)\n",
    ),
    Mutant(
        "a_cache_of_dm_pcache_has_no_mapping_of_its_own",
        "drivers/md/dm-pcache/cache_dev.c",
        "if (mapped_pages == total_pages && !page_access_protected(pfn_to_page(pfn))) {",
        "if (mapped_pages == total_pages) {",
    ),
]
