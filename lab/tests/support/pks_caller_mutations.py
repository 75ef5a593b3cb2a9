# SPDX-License-Identifier: Apache-2.0
"""Bugs to be planted in what our PKS series changes of callers: each takes back what one patch does
for one of them. The tests on the image `callers` have to notice each; UNTESTED in pks_mutations
says which callers no guest reaches.
"""

from lab.tests.support.pks_mutations import Mutant

_PFNCACHE = "virt/kvm/pfncache.c"
_KVM = "virt/kvm/kvm_main.c"
_ISOFS = "fs/isofs/compress.c"
_EBS = "drivers/md/dm-ebs-target.c"
_T10_PI = "block/t10-pi.c"
_SCATTERLIST = "lib/scatterlist.c"
_TARGET = "drivers/target/target_core_transport.c"
_KEPT = " && page_access_protected(pfn_to_page(pfn))) {\n"
_OF_THE_CACHE = "\t\tstruct page *page = pfn_to_page(pfn);\n\n\t\treturn vmap("

# What follows the loop in each of the functions that remap tuples by type 1.
_REMAPPED = {
    "write": "\t\t\t\t\tpi->ref_tag = cpu_to_be32(ref_tag);\n\t\t\t\tvirt++;\n\t\t\t\tref_tag++;\n",
    "read": (
        "\t\t\t\t\tpi->ref_tag = cpu_to_be32(virt);\n\t\t\t\tvirt++;\n\t\t\t\tref_tag++;\n"
        "\t\t\t\tintervals--;\n"
    ),
}
_LOOP_ENDS = "\t\t\t\tp += tuple_sz;\n\t\t\t}\n\t\t\tkunmap_local("

CALLERS = [
    *(
        Mutant(
            f"tuples_of_a_{what}_are_unmapped_at_their_end",
            _T10_PI,
            before + _LOOP_ENDS + "buf",
            before + _LOOP_ENDS + "p",
        )
        for what, before in _REMAPPED.items()
    ),
    Mutant(
        "a_page_of_a_compressed_file_is_unmapped_at_its_end",
        _ISOFS,
        "\t\t\t\tkunmap_local(mapped);\n\t\t\t\tmapped = NULL;\n",
        "\t\t\t\tkunmap_local(stream.next_out);\n\t\t\t\tmapped = NULL;\n",
    ),
    Mutant(
        "a_page_that_nobody_wants_is_unmapped",
        _ISOFS,
        "\t\t\tif (mapped) {\n",
        "\t\t\tif (!mapped)\n\t\t\t\tkunmap_local(stream.next_out);\n\t\t\tif (mapped) {\n",
    ),
    Mutant(
        "the_last_page_of_a_compressed_file_stays_mapped",
        _ISOFS,
        "\tif (mapped)\n\t\tkunmap_local(mapped);\n",
    ),
    Mutant(
        "a_page_of_a_large_folio_is_unmapped_for_another",
        "lib/iov_iter.c",
        "\t\t\t IS_ENABLED(CONFIG_KMAP_TRACK) ||\n",
        "",
    ),
    Mutant(
        "tuples_of_a_target_are_unmapped_behind_them",
        "drivers/target/target_core_sbc.c",
        "kunmap_local(addr - sg->offset - offset);",
        "kunmap_local(addr - sg->offset - offset - len);",
    ),
    Mutant(
        "an_iterator_does_not_map_for_its_thread",
        _SCATTERLIST,
        "miter->addr = kmap_local_page(miter->page) + miter->__offset;",
        "miter->addr = page_address(miter->page) + miter->__offset;",
    ),
    Mutant(
        "an_iterator_leaves_its_last_page_mapped",
        _SCATTERLIST,
        "\t\t\tkunmap_local(miter->addr);\n",
    ),
    Mutant(
        "a_target_iterates_without_a_thread",
        "drivers/target/target_core_rd.c",
        "sg_miter_start(&m, sgl, sgl_nents, SG_MITER_LOCAL |\n",
        "sg_miter_start(&m, sgl, sgl_nents,\n",
    ),
    Mutant(
        "an_aead_copies_without_mapping",
        "crypto/scatterwalk.c",
        "IS_ENABLED(CONFIG_HIGHMEM) ||\n\t\t    IS_ENABLED(CONFIG_DEVMAP_ACCESS_PROTECTION)",
        "IS_ENABLED(CONFIG_HIGHMEM)",
    ),
    Mutant(
        "a_cache_of_a_guest_has_no_mapping_of_its_own",
        _PFNCACHE,
        "\tif (pfn_valid(pfn)" + _KEPT + _OF_THE_CACHE,
        "\tif (false) {\n" + _OF_THE_CACHE,
    ),
    Mutant(
        "a_cache_of_a_guest_keeps_its_mapping",
        _PFNCACHE,
        "\tif (pfn_valid(pfn) && is_vmalloc_addr(khva)) {\n\t\tvunmap(khva);\n",
        "\tif (pfn_valid(pfn) && is_vmalloc_addr(khva)) {\n",
    ),
    Mutant(
        "a_guest_of_a_guest_has_no_mapping_of_its_own",
        _KVM,
        "\tif (pfn_valid(pfn)" + _KEPT,
        "\tif (false) {\n",
    ),
    Mutant(
        "a_guest_of_a_guest_keeps_its_mapping",
        _KVM,
        "\t\tvunmap(map->hva);\n",
        "\t\t(void)map->hva;\n",
    ),
    Mutant(
        "a_command_has_no_mapping_of_its_own",
        _TARGET,
        "cmd->t_data_nents == 1 && !page_access_protected(sg_page(sg)))",
        "cmd->t_data_nents == 1)",
    ),
    Mutant(
        "a_command_keeps_its_mapping",
        _TARGET,
        "\t} else if (!cmd->t_data_vmap) {\n",
        "\t} else if (cmd->t_data_nents == 1) {\n",
    ),
    Mutant(
        "a_write_cache_has_no_mapping_of_its_own",
        "drivers/md/dm-writecache.c",
        "if (da != p || page_access_protected(pfn_t_to_page(pfn))) {",
        "if (da != p) {",
    ),
    Mutant(
        "raid_skips_copies_of_protected_pages",
        "drivers/md/raid5.c",
        "!no_skipcopy &&\n\t\t\t\t    !page_access_protected(bio_page))",
        "!no_skipcopy)",
    ),
    Mutant(
        "a_device_gets_copies_of_closed_pages",
        "kernel/dma/swiotlb.c",
        "if (PageHighMem(page) || pgmap_access_denied(phys_to_virt(orig_addr))) {",
        "if (PageHighMem(page)) {",
    ),
    Mutant(
        "headers_are_looked_for_in_a_closed_page",
        "net/core/gro.c",
        "\t    !page_access_protected(skb_frag_page(frag0)) &&\n",
        "",
    ),
    Mutant(
        "a_fragment_has_the_address_of_a_closed_page",
        "include/linux/skbuff.h",
        "if (!page || page_access_protected(page))",
        "if (!page)",
    ),
    Mutant(
        "small_blocks_are_read_to_a_closed_page",
        _EBS,
        "memcpy_to_page(page, offset, ba, now);",
        "memcpy(page_address(page) + offset, ba, now);",
    ),
    Mutant(
        "small_blocks_are_written_from_a_closed_page",
        _EBS,
        "memcpy_from_page(ba, page, offset, now);",
        "memcpy(ba, page_address(page) + offset, now);",
    ),
    Mutant(
        "a_target_looks_for_zeroes_in_a_closed_page",
        "drivers/target/target_core_iblock.c",
        "buf = kmap_local_page(sg_page(sg));",
        "buf = page_address(sg_page(sg));",
    ),
]
