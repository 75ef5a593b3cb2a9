// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path as published: "kmap: Make kmap work for devmap
 * protected pages" (V9 42/45, V10 33/44), 2022; the half that is inline in
 * kmap_local_page() and kunmap_local()
 *
 * On map: static key, device zone, pagemap flag, then the address.  On unmap: the
 * page of the address, then the same tests.
 */
#include "model.h"

static __always_inline bool kb_published_is_protected(struct page *page)
{
	if (!static_branch_unlikely(&kb_model_key))
		return false;
	return is_zone_device_page(page) && kb_page_pgmap(page)->flags & KB_PGMAP_PROTECTION;
}

static __always_inline void *kb_published_kmap_local(struct page *page)
{
	if (kb_published_is_protected(page))
		kb_published_open(kb_page_pgmap(page));
	return kb_model_page_address(page);
}

static __always_inline void kb_published_kunmap_local(void *addr)
{
	struct page *page = kb_model_virt_to_page(addr);

	if (kb_published_is_protected(page))
		kb_published_close(kb_page_pgmap(page));
}

KB_EACH_TOUCH(KB_PATH_BODY, kb_body_published, kb_published_kmap_local, kb_published_kunmap_local)
KB_RING_BODIES(kb_body_published, kb_published_kmap_local, kb_published_kunmap_local)

void *kb_published_map(struct kb_ctx *ctx)
{
	return kb_published_kmap_local(ctx->page);
}

void kb_published_unmap(struct kb_ctx *ctx, void *addr)
{
	kb_published_kunmap_local(addr);
}
