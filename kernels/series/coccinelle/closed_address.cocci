// SPDX-License-Identifier: Apache-2.0
// Finds code that takes the address of a page without opening it. Not listed is what gets a page
// that the same function has allocated, or looked up by its address.

@own exists@
expression page;
identifier origin =~ "^(__)?(alloc_pages?|alloc_pages_(node|exact_node|noprof)|dev_alloc_pages?|folio_alloc|virt_to_(head_)?page|virt_to_folio|vmalloc_to_page|page_pool_(dev_)?alloc_(pages|frag))$";
position at;
@@

page = origin(...)
... when any
\(kmap@at\|page_address@at\|lowmem_page_address@at\|page_to_virt@at\|folio_address@at\)(page)

@taken@
expression page;
identifier how;
position at != own.at;
@@

(
kmap@how@at(page)
|
page_address@how@at(page)
|
lowmem_page_address@how@at(page)
|
page_to_virt@how@at(page)
|
folio_address@how@at(page)
|
sg_virt@how@at(page)
|
bvec_virt@how@at(page)
|
bio_data@how@at(page)
|
skb_frag_address@how@at(page)
|
skb_frag_address_safe@how@at(page)
|
pfn_to_kaddr@how@at(page)
|
phys_to_virt@how@at(page)
|
__va@how@at(page)
)

@script:python@
page << taken.page;
how << taken.how;
at << taken.at;
@@

where = at[0]
print(f"{where.file}:{where.line}: {where.current_element}: {how}({page})")

@walked@
expression iterator, list, count, flags;
position at;
@@

(
sg_miter_start(iterator, list, count, <+... \(SG_MITER_ATOMIC\|SG_MITER_LOCAL\) ...+>)
|
sg_miter_start@at(iterator, list, count, flags)
)

@script:python@
flags << walked.flags;
at << walked.at;
@@

where = at[0]
print(f"{where.file}:{where.line}: {where.current_element}: sg_miter_start(..., {flags})")
